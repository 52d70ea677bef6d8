"""The command measures the real model on the brain sample and refuses bad input in one sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from samlesion_command import SAMPLE, samlesion

from SAMLesionLib import cli

QUICK = ("--model", "ellipsoid", "--reader", "box3d", "--workers", "1")


@pytest.fixture(scope="module")
def real_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LiteMedSAM and one opponent on the brain sample; its two lesions from a 3D box each."""
    folder = tmp_path_factory.mktemp("run")
    models = ("--model", "lite-medsam,ellipsoid")
    said = samlesion("evaluate", SAMPLE.parent, *models, "--reader", "box3d", "-o", folder / "run")
    assert said.returncode == 0, said.stderr
    assert re.search(r"^lite-medsam +0\.8", said.stdout, re.MULTILINE)
    assert said.stderr == ""
    return folder / "run"


def test_the_real_model_is_measured_on_the_brain_sample(real_run: Path) -> None:
    summary = json.loads((real_run / "summary.json").read_text())
    ours, null = (summary["models"][name] for name in ("lite-medsam", "ellipsoid"))
    assert (summary["n_cases"], summary["n_lesions"]) == (1, 2)
    assert ours["cases"]["dice"]["mean"] == pytest.approx(0.857, abs=0.01)
    assert null["cases"]["dice"]["mean"] == pytest.approx(0.656, abs=0.005)
    assert ours["weights_sha256"].startswith("79d8c9dc")
    assert ours["peak_memory_mb"] > 200
    assert sum(ours["failures"].values()) == 0


def test_the_real_run_is_replayed(real_run: Path, tmp_path: Path) -> None:
    said = samlesion("evaluate", "--replay", real_run, "-o", tmp_path / "again")
    assert said.returncode == 0, said.stderr
    first, again = ((folder / "masks.jsonl").read_text() for folder in (real_run, tmp_path / "again"))
    assert first == again
    said = samlesion("compare", real_run, tmp_path / "again", "-o", tmp_path / "page.html")
    assert said.returncode == 0, said.stderr
    assert "All pairs are equal" in said.stdout
    assert (tmp_path / "page-lite-medsam.html").exists()


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return a_case(tmp_path / "data" / "one")


def a_case(folder: Path, image_shape=(6, 20, 20), label_shape=(6, 20, 20)) -> Path:
    folder.mkdir(parents=True)
    label = np.zeros(label_shape, np.uint8)
    label[2:4, 5:12, 5:12] = 1
    image = np.random.default_rng(0).integers(0, 50, image_shape, dtype=np.int16)
    for name, voxels in (("image", image), ("label", label)):
        sitk.WriteImage(sitk.GetImageFromArray(voxels, isVector=False), str(folder / f"{name}.nrrd"))
    return folder.parent


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one sentence of a command that refuses, run in this process."""
    try:
        code = cli.main([str(word) for word in words])
    except SystemExit as left:
        code = left.code
    said = capsys.readouterr()
    assert (code, said.out) == (2, ""), said.err
    assert said.err.count("\n") == 1, said.err
    assert said.err.startswith("samlesion: ")
    return said.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--model", "lite-medsan"), "Did you mean lite-medsam.*opponents are .*box-fill"),
        (("--reader", "mind"), "no reader 'mind'"),
        (("--reader", "box3d", "--clicks", "3"), "box3d does not click"),
        (("--label", "7"), "label value 7 never occurs"),
        (("--organ", "7"), "An organ is a word"),
        (("--jitter", "-1"), "--jitter: a whole number of 0 or more"),
        (("--tolerance", "wide"), "--tolerance: a number of 0 or more"),
        (("--workers", "0"), "--workers: a whole number of 1 or more"),
        (("--model", ","), "at least one model"),
        (("--least-ml", "99"), "has a lesion that counts"),
        (("--replay", "nowhere"), "holds no run"),
        (
            ("--model", "lite-medsam", "--reader", "tags"),
            "tags begins with point prompts, and lite-medsam takes",
        ),
    ],
)
def test_options_that_cannot_be_used_are_refused(words, sentence, dataset, tmp_path, capsys) -> None:
    given = words if "--model" in words or "--replay" in words else (*QUICK[:2], *words)
    assert re.search(sentence, refused(capsys, "evaluate", dataset, *given, "-o", tmp_path / "run"))


def test_no_data_set_is_refused(tmp_path: Path, capsys) -> None:
    assert "data set is needed" in refused(capsys, "evaluate", "-o", tmp_path / "run")
    missing = refused(capsys, "evaluate", tmp_path / "none", *QUICK, "-o", tmp_path / "run")
    assert "none" in missing


def test_a_data_set_without_a_case_is_refused(tmp_path: Path, capsys) -> None:
    (tmp_path / "empty").mkdir()
    assert "case" in refused(capsys, "evaluate", tmp_path / "empty", *QUICK, "-o", tmp_path / "run")


def test_a_label_of_another_size_is_refused_when_it_is_the_only_case(tmp_path: Path, capsys) -> None:
    data = a_case(tmp_path / "data" / "one", label_shape=(6, 20, 19))
    said = refused(capsys, "evaluate", data, *QUICK, "-o", tmp_path / "run")
    assert "No case of data can be used. Case one:" in said


def test_a_multi_channel_image_needs_a_channel(tmp_path: Path, capsys) -> None:
    data = a_case(tmp_path / "data" / "one", image_shape=(2, 6, 20, 20))
    assert "--channel" in refused(capsys, "evaluate", data, *QUICK, "-o", tmp_path / "run")


def test_a_folder_that_holds_another_run_is_refused(dataset: Path, tmp_path: Path, capsys) -> None:
    words = ("evaluate", dataset, *QUICK, "-o", tmp_path / "run")
    assert cli.main([str(word) for word in words]) == 0
    capsys.readouterr()
    assert "with seed 0, now seed 4 is asked" in refused(capsys, *words, "--seed", 4)
    assert cli.main([str(word) for word in words]) == 0  # the same command finds everything done


def test_loose_boxes_in_plane_keep_their_slices_and_are_told_in_the_page(
    dataset: Path, tmp_path: Path
) -> None:
    loose = ("evaluate", dataset, *QUICK, "--jitter", 6, "--in-plane", "-o", tmp_path / "run")
    assert cli.main([str(word) for word in loose]) == 0
    (lesion,) = [json.loads(line) for line in (tmp_path / "run" / "prompts.jsonl").read_text().splitlines()]
    (box,) = lesion["prompts"]
    assert (box["start_ijk"][2], box["stop_ijk"][2]) == (2, 4)
    assert box["start_ijk"][:2] != [5, 5]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "jitter 6 in plane" in page
    assert "--in-plane" in page


def test_a_place_that_cannot_be_written_is_refused(dataset: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_text("here")
    assert "Cannot make the folder" in refused(capsys, "evaluate", dataset, *QUICK, "-o", tmp_path / "file")


def test_a_replay_takes_no_other_settings(dataset: Path, tmp_path: Path, capsys) -> None:
    assert cli.main([str(w) for w in ("evaluate", dataset, *QUICK, "-o", tmp_path / "run")]) == 0
    capsys.readouterr()
    words = ("evaluate", "--replay", tmp_path / "run", "--seed", 3, "-o", tmp_path / "again")
    assert "but got --seed too" in refused(capsys, *words)


def test_folders_without_runs_are_not_compared(tmp_path: Path, capsys) -> None:
    assert "holds no run" in refused(capsys, "compare", tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("verb", "wanted"),
    [
        (
            "evaluate",
            ("examples:", "exit codes:", "cases.csv", "in mm", "ml", "1 or more", "box3d", "resumes"),
        ),
        ("compare", ("examples:", "exit codes:", "95 % interval", "in mm", "Wilcoxon")),
    ],
)
def test_the_help_tells_units_ranges_and_examples(verb: str, wanted: tuple[str, ...], capsys) -> None:
    with pytest.raises(SystemExit):
        cli.main([verb, "--help"])
    said = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert [word for word in wanted if word not in said] == []
