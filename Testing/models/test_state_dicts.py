from __future__ import annotations

import pickle
import sys
import zipfile
from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from ordinary_user import a_folder_for_all, as_ordinary_user
from safetensors.torch import save_file
from weights_cases import a_checkpoint, a_state_dict

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models import state_dicts
from SAMLesionLib.models.state_dicts import check_kind, read_state_dict


class Exploit:
    """Unpickling this creates a file, as an attacker's would do worse."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return Path.touch, (self.target,)


def the_refusal(path: Path) -> str:
    with pytest.raises(WeightsError) as refused:
        read_state_dict(path)
    sentence = str(refused.value)
    assert sentence.startswith(str(path)) or "There is no file" in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_torch_and_safetensors_give_the_same_tensors(tmp_path: Path) -> None:
    tensors = a_state_dict()
    torch.save(tensors, tmp_path / "a.pth")
    save_file(tensors, tmp_path / "b.safetensors")
    for path in (tmp_path / "a.pth", tmp_path / "b.safetensors"):
        read = read_state_dict(path)
        assert read.keys() == tensors.keys()
        assert all(torch.equal(read[name], tensors[name]) for name in tensors)


def test_the_kind_is_known_from_the_content_whatever_the_ending(tmp_path: Path) -> None:
    save_file(a_state_dict(), tmp_path / "named.pth")
    assert check_kind(tmp_path / "named.pth") == "safetensors"
    a_checkpoint(tmp_path / "named.safetensors")
    assert check_kind(tmp_path / "named.safetensors") == "torch"


@pytest.mark.parametrize("wrapper", ["model", "state_dict", "model_state_dict"])
def test_a_training_checkpoint_is_unwrapped(tmp_path: Path, wrapper: str) -> None:
    torch.save({wrapper: a_state_dict(), "epoch": 3}, tmp_path / "a.pth")
    assert read_state_dict(tmp_path / "a.pth").keys() == a_state_dict().keys()


def test_a_checkpoint_that_keeps_its_options_and_its_schedule_is_read(tmp_path: Path) -> None:
    """What SAM-Med3D's training script saves."""
    beside = {
        "epoch": 7,
        "args": Namespace(task_name="turbo", img_size=128, gpu_ids=[0, 1], device=torch.device("cpu")),
        "lr_scheduler_state_dict": {"milestones": Counter({120: 1, 180: 1}), "gamma": 0.1},
        "losses": [0.3, 0.2],
        "used_datas": ["data/train/liver/ct_LiTS"],
    }
    torch.save({"model_state_dict": a_state_dict(), **beside}, tmp_path / "a.pth")
    assert read_state_dict(tmp_path / "a.pth").keys() == a_state_dict().keys()


def test_options_that_hide_code_are_refused_and_not_run(tmp_path: Path) -> None:
    target = tmp_path / "owned"
    torch.save({"model_state_dict": a_state_dict(), "args": Namespace(x=Exploit(target))}, tmp_path / "a.pth")
    assert "cannot be read as weights" in the_refusal(tmp_path / "a.pth")
    assert not target.exists()


def test_the_prefix_of_distributed_training_is_taken_off(tmp_path: Path) -> None:
    torch.save({"model": {f"module.{name}": t for name, t in a_state_dict().items()}}, tmp_path / "a.pth")
    assert read_state_dict(tmp_path / "a.pth").keys() == a_state_dict().keys()


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    target = tmp_path / "owned"
    torch.save({"model": Exploit(target)}, tmp_path / "evil.pth")
    assert "cannot be read as weights" in the_refusal(tmp_path / "evil.pth")
    assert not target.exists()
    # The same file does harm when it is loaded carelessly, so the test means something.
    torch.load(tmp_path / "evil.pth", weights_only=False)
    assert target.exists()


def test_a_bare_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    target = tmp_path / "owned"
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Exploit(target)))
    assert "bare pickle, which may run code" in the_refusal(tmp_path / "evil.pth")
    assert not target.exists()


def test_a_truncated_file_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    whole = a_checkpoint(tmp_path / "whole.pth").read_bytes()
    cut = tmp_path / "cut.pth"
    for n_bytes in (10, len(whole) // 2, len(whole) - 1):
        cut.write_bytes(whole[:n_bytes])
        assert "cut short or damaged" in the_refusal(cut)


def test_a_truncated_safetensors_file_is_refused(tmp_path: Path) -> None:
    save_file(a_state_dict(), tmp_path / "a.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes((tmp_path / "a.safetensors").read_bytes()[:-100])
    assert "cannot be read as weights" in the_refusal(cut)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer"),
        (b"just some text", "neither a PyTorch nor a safetensors file"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{not json at all}", "cannot be read as weights"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    assert said in the_refusal(tmp_path / "a.pth")


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("lite_medsam.pth", b"weights")
    assert "ZIP archive without PyTorch weights" in the_refusal(tmp_path / "a.pth")


def test_a_zip_that_unpacks_to_much_more_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    a_checkpoint(tmp_path / "whole.pth")
    with (
        zipfile.ZipFile(tmp_path / "whole.pth") as whole,
        zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in whole.namelist():
            bomb.writestr(name, bytes(2**24) if name.endswith("data/0") else whole.read(name))
    assert (tmp_path / "bomb.pth").stat().st_size < 2**20
    assert "not packed the way PyTorch saves" in the_refusal(tmp_path / "bomb.pth")


def test_a_pickle_larger_than_any_checkpoint_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_dicts, "MAX_PICKLE_BYTES", 1000)
    assert "not packed the way" in the_refusal(a_checkpoint(tmp_path / "a.pth"))


def test_an_absurdly_large_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.pth").open("wb") as file:
        file.truncate(state_dicts.MAX_WEIGHTS_BYTES + 1)  # sparse: takes no room on the disk
    assert "has 9 GB" in the_refusal(tmp_path / "a.pth")


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    assert "is not a file" in the_refusal(tmp_path)
    assert "Check the path" in the_refusal(tmp_path / "absent.pth")


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX modes")
def test_a_file_that_may_not_be_read_is_refused() -> None:
    with a_folder_for_all() as folder:
        path = a_checkpoint(folder / "a.pth")
        path.chmod(0)
        with as_ordinary_user():
            assert "Check its permissions" in the_refusal(path)


@pytest.mark.parametrize(
    "content",
    [
        [1, 2, 3],
        {},
        {"weight": torch.zeros(2, 2).to_sparse()},
        {"weight": torch.zeros(2, device="meta")},
        {"weight": "text"},
        {7: torch.zeros(2)},
    ],
    ids=["list", "empty", "sparse", "meta", "text", "number as name"],
)
def test_what_holds_no_plain_tensors_by_name_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "a.pth")
    assert "holds " in the_refusal(tmp_path / "a.pth")


def test_a_tensor_that_claims_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(77)}, tmp_path / "whole.pth")
    with (
        zipfile.ZipFile(tmp_path / "whole.pth") as whole,
        zipfile.ZipFile(tmp_path / "claim.pth", "w") as claim,
    ):
        for name in whole.namelist():
            # 77 stands in the pickle as K\x4d, a number in one byte; J is a number in four: 1.6 GB.
            content = whole.read(name)
            greedy = content.replace(b"K\x4d", b"J" + (400_000_000).to_bytes(4, "little"))
            claim.writestr(name, greedy if name.endswith("data.pkl") else content)
    assert "cannot be read as weights" in the_refusal(tmp_path / "claim.pth")
