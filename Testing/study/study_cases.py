"""Small studies for the tests: designs, folders, and logs written line by line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from SAMLesionLib.geometry import Affine
from SAMLesionLib.io import Segment, write_segmentation
from SAMLesionLib.study.design import Arm, Order, StudyCase, StudyDesign
from SAMLesionLib.study.design_templates import find_template
from SAMLesionLib.study.log_reading import Log, parse_log
from SAMLesionLib.study.new_design import write_design
from SAMLesionLib.study.study_folder import StudyFolder, freeze
from SAMLesionLib.volume import Volume

MANUAL = Arm("manual", "Fully manual", "manual")
ASSISTED = Arm("assisted", "With LiteMedSAM", "assisted", "lite-medsam")


def a_design(n_cases: int = 4, n_readers: int = 2, **changes: Any) -> StudyDesign:
    design = StudyDesign(
        "pilot",
        "A pilot",
        1,
        7,
        tuple(f"R{n}" for n in range(1, n_readers + 1)),
        (MANUAL, ASSISTED),
        tuple(
            StudyCase(f"C{n}", f"images/C{n}.nrrd", f"references/C{n}.nrrd") for n in range(1, n_cases + 1)
        ),
        order=Order(washout_days=7),
    )
    return replace(design, **changes)


def a_volume(size: int = 12) -> Volume:
    voxels = np.arange(size**3, dtype=np.int16).reshape(size, size, size)
    return Volume(voxels, Affine(np.diag([1.0, 1.0, 2.0, 1.0])), "scan", "CT")


def a_cube(start: int = 3, stop: int = 8, size: int = 12) -> np.ndarray:
    mask = np.zeros((size, size, size), bool)
    mask[start:stop, start:stop, start:stop] = True
    return mask


def a_folder(
    folder: Path, n_cases: int = 2, readers: tuple[str, ...] = ("R1", "R2"), **settings: Any
) -> Path:
    """A folder with scans, references and a design, not yet dealt."""
    cases = []
    for n in range(1, n_cases + 1):
        image, reference = f"images/C{n}.nrrd", f"references/expert-{n}.nrrd"
        for path in (image, reference):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
        volume = a_volume()
        write_segmentation(folder / image, [Segment("scan", a_cube(1, 11))], volume)
        write_segmentation(folder / reference, [Segment("lesion", a_cube())], volume)
        cases.append(StudyCase(f"C{n}", image, reference, modality="CT"))
    write_design(folder, a_draft(cases=tuple(cases), readers=readers, **settings))
    return folder


def a_draft(template: str = "assisted", model: str = "", **changes: Any) -> StudyDesign:
    """What a template asks; `repeat_cases` and `washout_days` are changed in its order."""
    design = find_template(template).with_arms(["manual", model] if model else [])
    names = {"repeat_cases", "washout_days", "scheme"} & changes.keys()
    order = replace(design.order, **{name: changes.pop(name) for name in names})
    return replace(design, order=order, **changes)


def a_study(folder: Path, **settings: Any) -> StudyFolder:
    return freeze(a_folder(folder, **settings))


def a_log(*lines: tuple[Any, ...], recorder: str = "host") -> Log:
    """A log of one session; each line is (seconds, kind, facts...), all of the reading `x`."""
    return parse_log(a_text(*lines, recorder=recorder).encode().split(b"\n"))


def a_text(*lines: tuple[Any, ...], recorder: str = "host") -> str:
    told = [{"t": 0.0, "w": 1000.0, "e": "session", "format": 1, "recorder": recorder}]
    for seconds, kind, *facts in lines:
        told.append({"t": seconds, "w": 1000.0 + seconds, "e": kind, "r": "x", **(facts[0] if facts else {})})
    return "".join("\n" + json.dumps(line) for line in told)
