"""What is done with models on this computer, by the command line in the engine's environment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from SAMLesionLib import ModelInfo
from SAMLesionLib.errors import EngineError, WeightsError
from SAMLesionQt.commands import CommandFailed, Commands
from SAMLesionQt.engine_choice import EngineChoice, engineCommand

PERMISSIVE = ("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-4.0", "CC0-1.0")
"""Licences of weights that ask for nothing but their names: any other is shown before it is used."""


@dataclass(frozen=True)
class Moved:
    """How far a download is.

    Attributes:
        fraction: 0 to 1.
        sentence: what was printed, in the last item.
    """

    fraction: float
    sentence: str = ""


def needsConsent(model: ModelInfo) -> bool:
    """Whether the reader must accept the licence of the weights before they are fetched."""
    return model.licence not in PERMISSIVE


class ModelCommands:
    """Lists, downloads, imports, verifies and deletes weights; works in any thread.

    Args:
        commands: what runs programs.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def models(self, choice: EngineChoice) -> tuple[ModelInfo, ...]:
        """The models of an engine on this computer, without starting it.

        Raises:
            EngineError: the engine is not installed, or cannot be run.
        """
        printed = "\n".join(self._run(choice, "models", "list", "--json"))
        try:
            return tuple(_info(facts) for facts in json.loads(printed)["models"])
        except (ValueError, KeyError, TypeError):
            raise EngineError(f"The engine's list of models cannot be read ({printed[:200]}).") from None

    def download(self, choice: EngineChoice, name: str) -> Iterator[Moved]:
        """Fetch a model's weights; closing the iterator stops it, and the next call resumes.

        Raises:
            WeightsError: one sentence with what went wrong.
        """
        for line in self._lines(choice, "models", "download", name, "--json"):
            facts = _facts(line)
            if "done_bytes" in facts:
                yield Moved(facts["done_bytes"] / max(1, facts["total_bytes"]))
            elif line:
                yield Moved(1.0, line)
            else:
                yield Moved(0.0)

    def importFile(self, choice: EngineChoice, name: str, path: Path) -> str:
        """Take a file as a model's weights; returns what was done.

        Raises:
            WeightsError: one sentence with what went wrong.
        """
        return " ".join(self._run(choice, "models", "import", name, str(path)))

    def verify(self, choice: EngineChoice, name: str) -> str:
        """Compare a model's weights with what was published; returns the result.

        Raises:
            WeightsError: one sentence with what went wrong.
        """
        return " ".join(self._run(choice, "models", "verify", name))

    def delete(self, choice: EngineChoice, name: str) -> str:
        """Delete a model's weights; returns what was freed.

        Raises:
            WeightsError: one sentence with what went wrong.
        """
        return " ".join(self._run(choice, "models", "remove", name))

    def _run(self, choice: EngineChoice, *words: str) -> list[str]:
        return [line for line in self._lines(choice, *words) if line]

    def _lines(self, choice: EngineChoice, *words: str) -> Iterator[str | None]:
        arguments, environment = engineCommand(choice, *words)
        try:
            yield from self._commands.lines(arguments, environment)
        except CommandFailed as failed:
            raise WeightsError(str(failed).splitlines()[-1].removeprefix("samlesion: ")) from failed


def _info(facts: Mapping[str, Any]) -> ModelInfo:
    known = {field.name for field in fields(ModelInfo)} & facts.keys()
    return ModelInfo(**{name: facts[name] for name in known} | {"prompts": frozenset(facts["prompts"])})


def _facts(line: str | None) -> dict[str, Any]:
    try:
        facts = json.loads(line or "")
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}
