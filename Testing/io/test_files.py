from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from ordinary_user import a_folder_for_all, as_ordinary_user

from SAMLesionLib.errors import OutputError
from SAMLesionLib.io import atomic_write

ROOT = Path(__file__).parents[2]
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits and modes")


def left_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def write_half(path: Path) -> None:
    with atomic_write(path) as file:
        file.write(b"half of the n")
        raise KeyboardInterrupt


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.json") as file:
        file.write(b"new")
        assert not (tmp_path / "a.json").exists()

    assert (tmp_path / "a.json").read_bytes() == b"new"
    assert left_in(tmp_path) == ["a.json"]


def test_a_failure_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"old")

    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / "a.json")

    assert (tmp_path / "a.json").read_bytes() == b"old"
    assert left_in(tmp_path) == ["a.json"]


@posix_only
def test_a_disk_that_takes_no_more_leaves_the_old_file_and_says_so(tmp_path: Path) -> None:
    target = tmp_path / "lesion.seg.nrrd"
    target.write_bytes(b"old")
    code = (
        "import resource, numpy as np\n"
        "from SAMLesionLib import Volume\n"
        "from SAMLesionLib.io import Segment, write_segmentation\n"
        "from SAMLesionLib.errors import OutputError\n"
        "volume = Volume(np.zeros((40, 64, 64), np.int16))\n"
        "segment = Segment('a', np.random.default_rng(0).random((40, 64, 64)) > 0.5)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try:\n"
        f"    write_segmentation({str(target)!r}, [segment], volume)\n"
        "except OutputError as refusal:\n"
        "    print(refusal)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert "Cannot write" in done.stdout
    assert "the file would be larger than allowed" in done.stdout
    assert "is unchanged." in done.stdout
    assert target.read_bytes() == b"old"
    assert left_in(tmp_path) == ["lesion.seg.nrrd"]


@posix_only
@pytest.mark.parametrize("number", ["ENOSPC", "EDQUOT", "EROFS"])
def test_what_the_system_says_becomes_a_sentence(tmp_path: Path, number: str) -> None:
    import errno

    (tmp_path / "a.nrrd").write_bytes(b"old")

    with (
        pytest.raises(OutputError, match=r"Cannot write .*: the disk .*hoose another folder; what was there"),
        atomic_write(tmp_path / "a.nrrd"),
    ):
        raise OSError(getattr(errno, number), "refused")

    assert (tmp_path / "a.nrrd").read_bytes() == b"old"


@posix_only
def test_a_folder_that_may_not_be_written_is_named() -> None:
    with a_folder_for_all() as parent:
        folder = parent / "locked"
        folder.mkdir(mode=0o500)
        with (
            pytest.raises(OutputError, match="may not be written"),
            as_ordinary_user(),
            atomic_write(folder / "a.nrrd"),
        ):
            pass


def test_missing_folders_folders_and_long_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match="its folder does not exist"), atomic_write(tmp_path / "no" / "a"):
        pass
    with pytest.raises(OutputError, match="it is a folder"), atomic_write(tmp_path):
        pass
    with pytest.raises(OutputError, match="Cannot write"), atomic_write(tmp_path / "file" / "a"):
        pass
    with pytest.raises(OutputError, match="Choose"), atomic_write(tmp_path / ("a" * 300)):
        pass
    assert left_in(tmp_path) == ["file"]


@posix_only
def test_a_link_is_followed_and_modes_are_the_users(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_bytes(b"old")
    (tmp_path / "link.json").symlink_to("real.json")

    with atomic_write(tmp_path / "link.json") as file:
        file.write(b"new")

    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_bytes() == b"new"
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "real.json").stat().st_mode) == 0o666 & ~umask
