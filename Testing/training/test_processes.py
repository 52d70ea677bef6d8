from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_runs import a_config, lines_of

from SAMLesionLib.training.checkpoints import read_about
from SAMLesionLib.training.loop import train

HERE = Path(__file__).parent
RUN = """
architecture = "SAMLesionLib.models.sgp_sam:build_tiny_sgp_sam"
log_every = 1
device = "cpu"
precision = "float32"
threads = 1
prompts = { most = 2 }
data = { source = "tiny_runs:Spheres" }
optimizer = { lr = 2e-3 }
validation = { every = 3, samples = 4, prompts = { least = 2, most = 2 } }
"""


def a_process(*words: str | Path, module: str = "SAMLesionLib.cli") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *module.split(), *map(str, words)],
        cwd=HERE.parents[1],
        env={**os.environ, "PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def numbers(path: Path) -> list[list[float]]:
    return [[float(value) for value in line.split(",")] for line in lines_of(path)[1:]]


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(
        RUN + "steps = 4\nbatch = { samples = 2, per_step = 2, workers = 0 }\n"
    )
    launcher = "torch.distributed.run --standalone --nproc-per-node 2 -m SAMLesionLib.cli train"
    two = a_process(tmp_path / "run.toml", "-o", tmp_path / "two", module=launcher)
    changes = {"samples": 2, "per_step": 2}
    train(
        a_config(steps=4, log_every=1, batch=changes, validation={"every": 3, "samples": 4}), tmp_path / "one"
    )
    _, told = two.communicate(timeout=300)

    assert two.returncode == 0, told
    for table in ("log.csv", "validation.csv"):
        one, both = (torch.tensor(numbers(tmp_path / folder / table)) for folder in ("one", "two"))
        torch.testing.assert_close(one, both, rtol=2e-3, atol=2e-4)
    ours, theirs = (load_file(tmp_path / folder / "last.safetensors") for folder in ("one", "two"))
    for name, tensor in ours.items():
        torch.testing.assert_close(theirs[name], tensor, rtol=1e-2, atol=1e-3)
    assert told.count("step 4/4") == 1  # one of them speaks


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(3000):
        if path.exists() or process.poll() is not None:
            return
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_worker_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(
        RUN + "steps = 100000\nsave_every = 2\nbatch = { samples = 1, workers = 1 }\n"
    )
    run = a_process("train", tmp_path / "run.toml")
    wait_for(tmp_path / "run" / "last.safetensors", run)
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    _, told = run.communicate(timeout=300)

    last = told.strip().splitlines()[-1]
    assert run.returncode == 1
    assert last.startswith("samlesion: One of the 1 processes that make samples was killed")
    assert "--resume" in last
    assert "Traceback" not in told
    assert read_about(tmp_path / "run" / "last.safetensors")["step"] >= 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_a_run_that_is_asked_to_end_saves_its_step_first(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(RUN + "steps = 100000\nbatch = { samples = 1, workers = 1 }\n")
    run = a_process("train", tmp_path / "run.toml")
    wait_for(tmp_path / "run" / "log.csv", run)
    run.send_signal(signal.SIGTERM)
    _, told = run.communicate(timeout=300)

    assert run.returncode == 1
    assert "Stopped after step" in told.strip().splitlines()[-1]
    step = read_about(tmp_path / "run" / "last.safetensors")["step"]
    assert f"after step {step}," in told
    train(a_config(steps=step + 1), tmp_path / "run", resume=True)
    assert read_about(tmp_path / "run" / "last.safetensors")["step"] == step + 1
