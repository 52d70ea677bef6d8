from __future__ import annotations

import errno
import multiprocessing
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_runs import a_config, lines_of

from SAMLesionLib.errors import InputError, OutputError, TrainingFailed, WeightsError
from SAMLesionLib.models.sam3d import build_tiny_sam3d
from SAMLesionLib.models.sgp_sam import build_tiny_sgp_sam
from SAMLesionLib.training import checkpoints, loop
from SAMLesionLib.training.checkpoints import LAST, read_about
from SAMLesionLib.training.judging import Judge
from SAMLesionLib.training.loop import train
from SAMLesionLib.training.opening import open_run
from SAMLesionLib.training.run import Run
from SAMLesionLib.training.team import Team


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six steps that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    train(a_config(), folder)
    return folder


def kill_in_step(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """As if the process was killed in the middle of a step."""
    check = Run.check_finite

    def killed(run: Run, *args: Any) -> None:
        if run.step == step:
            raise KeyboardInterrupt
        check(run, *args)

    monkeypatch.setattr(Run, "check_finite", killed)


def test_a_run_that_was_killed_goes_on_bit_by_bit(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        kill_in_step(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            train(a_config(), tmp_path)
    assert read_about(tmp_path / "last.safetensors")["step"] == 4

    train(a_config(), tmp_path, resume=True)

    for name in ("last.safetensors", "best.safetensors"):
        assert (tmp_path / name).read_bytes() == (whole / name).read_bytes()
    assert lines_of(tmp_path / "log.csv") == lines_of(whole / "log.csv")
    assert (tmp_path / "validation.csv").read_text() == (whole / "validation.csv").read_text()


def test_the_running_average_of_the_weights_goes_on_bit_by_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = a_config(optimizer={"averaged": 0.9})
    train(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_in_step(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "killed")

    train(config, tmp_path / "killed", resume=True)

    for name in ("last.safetensors", "best.safetensors"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_the_running_average_is_kept_as_the_best_while_the_weights_go_on(tmp_path: Path) -> None:
    averages: dict[int, dict[str, torch.Tensor]] = {}
    for step in (1, 2, 3):
        config = a_config(steps=step, optimizer={"averaged": 0.75}, validation={"every": 1})
        train(config, tmp_path, resume=step > 1)
        now, before = load_file(tmp_path / LAST), averages.get(step - 1)
        averages[step] = {n: x if before is None else 0.75 * before[n] + 0.25 * x for n, x in now.items()}

    best = load_file(tmp_path / "best.safetensors")

    for name, value in averages[read_about(tmp_path / "best.safetensors")["step"]].items():
        torch.testing.assert_close(best[name], value)
    state = torch.load(tmp_path / "state-0000003.pt", weights_only=True)
    for name, value in averages[3].items():
        torch.testing.assert_close(state["average"][f"module.{name}"], value)


def test_a_run_goes_on_with_the_rate_and_the_decay_that_it_is_given(tmp_path: Path) -> None:
    train(a_config(steps=2), tmp_path)
    train(a_config(steps=4, optimizer={"lr": 1e-6, "weight_decay": 0.5}), tmp_path, resume=True)

    names, *_, last = (line.split(",") for line in lines_of(tmp_path / "log.csv"))
    assert 0 < float(last[names.index("lr")]) <= 1e-6
    groups = torch.load(tmp_path / "state-0000004.pt", weights_only=True)["optimizer"]["param_groups"]
    assert {group["weight_decay"] for group in groups} == {0.0, 0.5}


@pytest.mark.parametrize("changes", [{"tune": {"method": "decoder"}}, {"optimizer": {"decoder_lr": 1e-5}}])
def test_a_run_in_which_other_weights_learned_is_not_gone_on_with(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    train(a_config(steps=2), tmp_path)
    with pytest.raises(InputError, match="Another choice of weights has learned"):
        train(a_config(steps=4, **changes), tmp_path, resume=True)


def test_an_averaged_network_is_judged_with_the_gates_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[set[str]] = []
    usual = Judge.scores

    def noted(self: Judge, network: Any) -> Any:
        modes.append({module.mode for module in network.sgpm})
        return usual(self, network)

    monkeypatch.setattr(Judge, "scores", noted)
    train(a_config(steps=3, gates={"mode": "closed"}, optimizer={"averaged": 0.9}), tmp_path)
    assert modes == [{"closed"}, {"closed"}]


def test_a_checkpoint_tells_what_it_was_made_with(whole: Path) -> None:
    about = read_about(whole / "best.safetensors")

    assert about["config"]["optimizer"]["lr"] == 2e-3
    assert about["provenance"] == [{"name": "spheres", "licence": "CC0-1.0", "note": ""}]
    assert about["step"] in (3, 6)
    assert 0 <= about["metrics"]["dice_first"] <= 1
    build_tiny_sgp_sam().load_state_dict(load_file(whole / "last.safetensors"))


def test_a_run_keeps_one_state_and_no_parts(whole: Path) -> None:
    names = sorted(path.name for path in whole.iterdir())

    assert names == ["best.safetensors", "last.safetensors", "log.csv", "state-0000006.pt", "validation.csv"]


def test_the_best_weights_may_be_kept_in_half_the_bytes(tmp_path: Path) -> None:
    train(a_config(best_weights="float16", steps=3), tmp_path)

    assert {x.dtype for x in load_file(tmp_path / "best.safetensors").values()} == {torch.float16}
    assert {x.dtype for x in load_file(tmp_path / "last.safetensors").values()} == {torch.float32}


def test_it_learns(tmp_path: Path) -> None:
    config = a_config(steps=40, log_every=10, batch={"samples": 4}, validation={"every": 40, "samples": 4})

    best = train(config, tmp_path)

    at_first = float((tmp_path / "validation.csv").read_text().splitlines()[1].split(",")[1])
    assert best > at_first + 0.01
    losses = [float(line.split(",")[1]) for line in lines_of(tmp_path / "log.csv")[1:]]
    assert losses[-1] < losses[0] - 0.05


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_what_was_good(tmp_path: Path) -> None:
    config = a_config(data={"broken_from": 7}, save_every=1)

    with pytest.raises(
        TrainingFailed, match=r"loss became nan in step 4, with the samples sphere 6, sphere 7"
    ) as e:
        train(config, tmp_path)

    assert str(tmp_path / "last.safetensors") in str(e.value)
    assert read_about(tmp_path / "last.safetensors")["step"] == 3
    assert all(x.isfinite().all() for x in load_file(tmp_path / "last.safetensors").values())


@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
def test_a_disk_that_takes_no_more_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    import resource

    train(a_config(steps=2), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".csv"}

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OutputError, match="what was there before is unchanged"):
            train(a_config(steps=3, validation={"every": 9}), tmp_path, resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".csv"} == before


def test_a_disk_that_is_full_between_two_files_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train(a_config(steps=2), tmp_path)
    before = (tmp_path / LAST).read_bytes()

    def full(path: Path) -> Any:
        return _full_disk() if path.name == LAST else written(path)

    written = checkpoints.atomic_write
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "atomic_write", full)
        with pytest.raises(OutputError, match="full"):
            train(a_config(steps=3), tmp_path, resume=True)

    assert (tmp_path / LAST).read_bytes() == before
    train(a_config(steps=3), tmp_path, resume=True)
    assert "going on with other values than before of steps" in capsys.readouterr().err


def test_a_run_that_breaks_leaves_no_process_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> Any:
        raise ValueError("broken")

    monkeypatch.setattr(loop, "ask", broken)
    with pytest.raises(ValueError, match="broken") as kept:
        train(a_config(batch={"workers": 1}), tmp_path)

    assert not multiprocessing.active_children()
    assert kept.traceback  # which still knows the loop's variables


def test_tensorboard_gets_the_numbers_of_the_tables(tmp_path: Path) -> None:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train(a_config(steps=2, tensorboard=True, validation={"every": 2}), tmp_path)

    events = event_accumulator.EventAccumulator(str(tmp_path)).Reload()
    (loss,) = events.Scalars("log/loss")
    assert loss.value == pytest.approx(
        float((tmp_path / "log.csv").read_text().splitlines()[1].split(",")[1]), 1e-4
    )
    assert [s.step for s in events.Scalars("validation/dice_first")] == [0, 2]


def test_a_run_is_not_written_over(whole: Path) -> None:
    with pytest.raises(InputError, match="--resume"):
        train(a_config(), whole)


def test_there_must_be_a_run_to_go_on_with(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no last\.safetensors"):
        train(a_config(), tmp_path, resume=True)


@pytest.mark.parametrize("content", [{}, {"optimizer": {}, "scaler": {}}])
def test_a_state_that_lacks_something_is_told_in_one_sentence(
    whole: Path, tmp_path: Path, content: dict[str, Any]
) -> None:
    (tmp_path / LAST).write_bytes((whole / LAST).read_bytes())
    torch.save(content, tmp_path / "state-0000006.pt")
    with pytest.raises(
        WeightsError, match=r"state-0000006.pt cannot be read \(KeyError\), so the run cannot"
    ):
        train(a_config(), tmp_path, resume=True)


def test_weights_that_tell_nothing_of_a_run_are_no_run_to_go_on_with(tmp_path: Path) -> None:
    checkpoints.write_weights(tmp_path / LAST, {}, {"step": 3})
    with pytest.raises(WeightsError, match=r"last.safetensors does not tell its best, so the run cannot"):
        train(a_config(), tmp_path, resume=True)


@pytest.mark.parametrize("name", ["json:loads", "nowhere:build", "json:nothing", "junk"])
def test_an_architecture_that_cannot_be_built_is_told_in_one_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"The architecture {name} cannot be built"):
        train(a_config(architecture=name), tmp_path)


def test_it_starts_from_the_weights_of_a_run(whole: Path, tmp_path: Path) -> None:
    start = str(whole / "best.safetensors")

    train(a_config(steps=1, start=start, optimizer={"lr": 0.0, "weight_decay": 0.0}), tmp_path)

    ours, theirs = load_file(tmp_path / "last.safetensors"), load_file(start)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_it_starts_from_a_sam_med3d_of_its_size(tmp_path: Path) -> None:
    encoder = {**build_tiny_sgp_sam().state_dict()}
    base = {name: torch.ones_like(x) for name, x in encoder.items() if not name.startswith("sgpm.")}
    save_file(base, tmp_path / "base.safetensors")

    train(a_config(steps=1, start=str(tmp_path / "base.safetensors")), tmp_path / "run")

    assert (tmp_path / "run" / "last.safetensors").exists()


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    save_file(build_tiny_sam3d().state_dict(), tmp_path / "other.safetensors")

    with pytest.raises(WeightsError, match="does not fit") as refused:
        train(a_config(start=str(tmp_path / "other.safetensors")), tmp_path / "run")

    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()


def _full_disk() -> Any:
    raise OutputError(f"Cannot write it: the disk is full ({errno.ENOSPC}).")


def test_a_run_that_cannot_begin_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no data set"):
        train(a_config(data={"source": "cases", "path": str(tmp_path / "nowhere")}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_of_several_processes_one_tells_that_the_run_was_stopped(tmp_path: Path) -> None:
    run = open_run(a_config(), tmp_path, resume=False, team=Team())
    with pytest.raises(TrainingFailed, match="Stopped after step 0"):
        run.stop()
    run.team = Team(rank=1, size=2)
    with pytest.raises(SystemExit) as ended:
        run.stop()
    assert ended.value.code == 1
