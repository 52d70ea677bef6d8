"""What people see on the terminal: errors as one sentence, bars on long work, JSON for programs."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from SAMLesionLib.errors import InputError, OutputError, SAMLesionError

INPUT_REFUSED = 2
"""Exit code when something a person gave cannot be used."""
FAILED = 1
"""Exit code when the engine failed in a way that is nobody's input."""
STOPPED = 130
"""Exit code after Ctrl-C, as shells expect it."""


class Parser(argparse.ArgumentParser):
    """Refuses wrong options with one sentence, like every other wrong input."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is, then leave."""
        self.exit(INPUT_REFUSED, f"samlesion: {message.rstrip('.')}. See {self.prog} --help.\n")


def guarded(run: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Run a verb; any failure becomes one sentence on standard error and an exit code."""
    try:
        return run(args)
    except KeyboardInterrupt:
        return _say("Stopped; nothing was written over.", STOPPED)
    except BrokenPipeError:
        _let_go_of_output()  # whoever read it has gone
        return FAILED
    except InputError as refused:
        return _say(str(refused), INPUT_REFUSED)
    except SAMLesionError as failure:
        return _say(str(failure), FAILED)
    except MemoryError:
        return _say(
            "The memory is used up. Close other programs, or crop the image around the lesion.", FAILED
        )
    except Exception as surprise:
        if isinstance(surprise, ModuleNotFoundError) and surprise.name in _EXTRA_OF:
            return _say(_missing(surprise.name), FAILED)
        return _say(
            f"Something failed that should not ({type(surprise).__name__}: {_first_line(surprise)}). Run it "
            "again with SAMLESION_DEBUG=1 and report what it prints.",
            FAILED,
        )


def print_json(values: dict[str, Any]) -> None:
    """One object on standard output, and nothing else.

    Raises:
        OutputError: when what standard output leads to cannot take it.
    """
    try:
        print(json.dumps(values, indent=1, ensure_ascii=False), flush=True)
    except BrokenPipeError:
        raise
    except OSError as refused:
        _let_go_of_output()
        raise OutputError(
            f"The result cannot be printed ({refused.strerror}). Send standard output elsewhere."
        ) from refused


def say(sentence: str) -> None:
    """Something for people, on standard error."""
    print(sentence, file=sys.stderr, flush=True)


def bar(total: float, title: str, unit: str) -> Any:
    """A progress bar on standard error that shows itself on a terminal, for work beyond a second."""
    from tqdm import tqdm

    scales = unit == "B"
    form = None if scales else "{desc}: {percentage:3.0f}%|{bar}| {elapsed} < {remaining}"
    return tqdm(
        total=total,
        desc=title,
        unit=unit,
        unit_scale=scales,
        unit_divisor=1000,
        bar_format=form,
        file=sys.stderr,
        disable=None,
        leave=False,
        delay=1.0,
    )


def _let_go_of_output() -> None:
    """Python would complain once more when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(sentence: str, code: int) -> int:
    if os.environ.get("SAMLESION_DEBUG") == "1":
        traceback.print_exc()
    say(f"samlesion: {sentence}")
    return code


def _missing(name: str) -> str:
    command = f'pip install "samlesion[{_EXTRA_OF[name]}]"'
    return f"This needs the package {name}, which is not installed. Run: {command}"


_EXTRA_OF = dict.fromkeys(("torch", "safetensors", "starlette", "uvicorn", "psutil"), "engine") | {
    "matplotlib": "figures",
    "openvino": "fast-cpu",
    "jinja2": "evaluation",
    "statsmodels": "study",
    "ray": "ray",
    "tensorboard": "train",
}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]
