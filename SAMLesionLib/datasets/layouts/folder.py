"""A folder a case: `NAME/image.nrrd` and `NAME/label.nrrd`, or the same in another format.

Beside them may lie `instances` (a number for each lesion) and `organ`; `manifest.json` above them may
list cases with `name`, `modality`, `organ` or `body_part`, and a `lesion_type` of "none" for a case to
leave out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from SAMLesionLib.datasets.layouts.dataset_json import read_json
from SAMLesionLib.datasets.layouts.listing import CaseFiles, Listing, modality_of

MANIFEST = "manifest.json"


def is_here(path: Path) -> bool:
    """Whether a folder below holds an image."""
    return any(path.glob("*/image.*"))


def list_cases(path: Path, channel: int | None) -> Listing:
    """Every folder with an image; the label may turn out to be missing."""
    told = _manifest(path)
    folders = sorted({image.parent for image in path.glob("*/image.*")})
    left_out = [f.name for f in folders if _has_no_lesion(told.get(f.name, {}))]
    cases = [_case(f, channel, told.get(f.name, {})) for f in folders if f.name not in left_out]
    return Listing(path.resolve().name, tuple(cases), left_out=tuple(left_out))


def _manifest(path: Path) -> dict[str, dict[str, Any]]:
    """What the manifest says about each case."""
    if not (path / MANIFEST).exists():
        return {}
    listed = read_json(path / MANIFEST).get("cases", [])
    return {str(case.get("name")): case for case in listed if isinstance(case, dict)}


def _has_no_lesion(told: dict[str, Any]) -> bool:
    return str(told.get("lesion_type", "")).lower().startswith("none")


def _case(folder: Path, channel: int | None, told: dict[str, Any]) -> CaseFiles:
    where = str(told.get("organ") or told.get("body_part") or "")
    return CaseFiles(
        folder.name,
        _file(folder, "image") or folder / "image.nrrd",
        _file(folder, "label") or folder / "label.nrrd",
        modality_of(str(told.get("modality", ""))),
        channel,
        _file(folder, "instances"),
        _file(folder, "organ"),
        where.partition("(")[0].strip() or None,
    )


def _file(folder: Path, stem: str) -> Path | None:
    return min(folder.glob(f"{stem}.*"), default=None)
