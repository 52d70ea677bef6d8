"""Imports point down: compares every file's imports with the table of the map."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "SAMLesionLib"

# For each place the places of ours below it.
BELOW = {
    "vocabulary": set(),
    "imaging": {"vocabulary"},
    "metrics": {"vocabulary"},
    "io": {"vocabulary"},
    "models": {"vocabulary", "imaging"},
    "datasets": {"vocabulary", "io"},
    "engine": {"vocabulary", "models", "imaging"},
    "transport": {"vocabulary"},
    "host": {"vocabulary", "imaging", "metrics", "io"},
    "reports": {"vocabulary", "io"},
    "study": {"vocabulary", "metrics", "io", "datasets", "reports"},
    "evaluation": {"vocabulary", "metrics", "io", "imaging", "datasets", "reports"},
    "training": {"vocabulary", "models", "imaging", "metrics", "io", "datasets", "reports"},
    "web": {"vocabulary", "host", "transport", "study"},
    "module": {"vocabulary", "host", "transport", "study"},
}
FRONT_ENDS = {"cli"}  # may import any place; nobody imports them

# For each place the packages of others, numpy apart.
PACKAGES = {
    "vocabulary": set(),
    "imaging": {"scipy"},
    "metrics": {"scipy"},
    "io": {"SimpleITK", "nibabel", "pydicom", "highdicom", "psutil", "tomli"},
    "models": {"torch", "safetensors", "scipy", "openvino", "platformdirs", "tqdm", "transformers"},
    "datasets": {"scipy"},
    "engine": {"torch", "scipy", "psutil", "openvino"},
    "transport": {"starlette", "uvicorn", "anyio", "psutil"},
    "host": {"slicer", "vtk", "vtkmodules"},
    "reports": {"scipy", "matplotlib", "jinja2", "markupsafe"},
    "study": {"scipy", "matplotlib", "statsmodels", "pandas"},
    "evaluation": {
        "scipy",
        "tqdm",
        "matplotlib",
        "jinja2",
        "markupsafe",
        "ray",
        "SimpleITK",
        "skimage",
        "itk",
    },
    "training": {"torch", "scipy", "safetensors", "platformdirs"},
    "web": {
        "trame",
        "trame_client",
        "trame_server",
        "trame_slicer",
        "trame_vuetify",
        "vtk",
        "vtkmodules",
        "slicer",
    },
    "module": {"slicer", "vtk", "qt", "ctk", "SampleData", "DICOMSegmentationPlugin"},
}
# Here packages of others load when a function needs them.
LAZY = {"vocabulary", "io", "cli"}
# A page that only draws: its caller loads it when there is something to draw.
DRAWING = {"SAMLesionLib/commands/picture.py"}
# None of these may load with the library: Slicer would start slower, and has not all of them.
HEAVY = set(
    "torch slicer vtk qt scipy SimpleITK nibabel pydicom starlette uvicorn psutil matplotlib".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Import:
    """One import statement's target."""

    place: str
    file: str
    line: int
    name: str
    at_file_scope: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.name}"

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]


def files() -> list[Path]:
    folders = [LIBRARY, ROOT / "SAMLesion"]
    return sorted(p for folder in folders for p in folder.rglob("*.py") if "Testing" not in p.parts)


def place_of(path: Path) -> str:
    if LIBRARY not in path.parents:
        return "module"
    return place_of_module(path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."))


def place_of_module(name: str) -> str:
    """The place of a dotted name of ours."""
    parts = name.removesuffix(".__init__").split(".")[1:]
    if parts and parts[0] in ("cli", "commands", "__main__"):
        return "cli"
    is_folder = bool(parts) and (LIBRARY / parts[0]).is_dir()
    return parts[0] if is_folder else "vocabulary"


def imports() -> Iterator[Import]:
    for path in files():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lazy = {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
        }
        for node in ast.walk(tree):
            for name in names_of(node):
                file = path.relative_to(ROOT).as_posix()
                yield Import(place_of(path), file, node.lineno, name, id(node) not in lazy)


def names_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: imports here name their place in full"
        if node.module == "SAMLesionLib":
            return [f"SAMLesionLib.{alias.name}" for alias in node.names]
        return [node.module or ""]
    return []


ALL = list(imports())


def listed(wrong: list[Import]) -> str:
    return "\n".join(map(str, wrong))


def test_every_place_is_on_the_map() -> None:
    assert {i.place for i in ALL} <= BELOW.keys() | FRONT_ENDS
    assert {"vocabulary", "metrics", "io", "models"} <= {i.place for i in ALL}


def test_imports_of_ours_point_down() -> None:
    ours = [i for i in ALL if i.package == "SAMLesionLib" and i.place not in FRONT_ENDS]
    wrong = [i for i in ours if place_of_module(i.name) not in BELOW[i.place] | {i.place}]

    assert ours
    assert not wrong, listed(wrong)


def test_each_place_uses_only_the_packages_of_its_row() -> None:
    own = {"SAMLesionLib", "SAMLesionQt", "numpy", "__future__", *sys.stdlib_module_names}
    others = [i for i in ALL if i.package not in own and i.place not in FRONT_ENDS]
    wrong = [i for i in others if i.package not in PACKAGES[i.place]]

    assert others
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("place", sorted(LAZY))
def test_packages_load_when_a_function_needs_them(place: str) -> None:
    known = {"SAMLesionLib", "numpy", "__future__", *sys.stdlib_module_names}
    wrong = [i for i in ALL if i.place == place and i.at_file_scope and i.package not in known]
    wrong = [i for i in wrong if i.file not in DRAWING]

    assert not wrong, listed(wrong)


def modules_loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["", ".io", ".metrics", ".transport", ".cli"])
def test_importing_loads_nothing_heavier_than_numpy(module: str) -> None:
    loaded = modules_loaded_by(f"import SAMLesionLib{module}")

    assert f"SAMLesionLib{module}" in loaded
    assert not loaded & HEAVY


def test_the_vocabulary_adds_few_modules_to_numpys() -> None:
    # A count, because a time would depend on the machine; benchmarks hold the time.
    added = modules_loaded_by("import SAMLesionLib") - modules_loaded_by("import numpy, numpy.typing")

    assert len([m for m in added if m.startswith("SAMLesionLib")]) <= 20
    assert len(added) < 60, sorted(added)


def public_names(tree: ast.Module) -> set[str]:
    """What a package's file binds for others to use."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {n for n in names if not n.startswith("_") or n == "__version__"}


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("__init__.py")), ids=lambda p: p.parent.name)
def test_a_package_lists_what_it_offers(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lists = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    offered = public_names(tree) - {"__all__"}

    assert len(lists) == (1 if offered else len(lists)), "no __all__"
    assert offered == set(lists[0] if lists else [])
    assert ast.get_docstring(tree), "one sentence saying what the package is for"
