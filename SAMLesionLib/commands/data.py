"""`samlesion data`: whether a data set can be evaluated."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SAMLesionLib.commands import console
from SAMLesionLib.commands.evaluation_options import add_lesion_options

if TYPE_CHECKING:
    from SAMLesionLib.datasets.dataset import FileDataset
    from SAMLesionLib.evaluation.checks import Finding

EXAMPLES = """examples:
  samlesion data check lesions/
  samlesion data check Task07_Pancreas/ --label 2 --least-ml 0.1
  samlesion data check pairs.csv --json > findings.json

A data set is a folder of NAME/image.nrrd and NAME/label.nrrd, a folder of the Medical Segmentation
Decathlon, of nnU-Net or of KiTS, or a CSV file with the columns image and label (and case, modality,
instances, organ, word).
exit codes: 0 all cases can be evaluated; 2 some cannot, or something given cannot be used; 130 stopped.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb to argparse."""
    parser = verbs.add_parser(
        "data", help="check the images and labels of a data set", description=__doc__, epilog=EXAMPLES
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help="read every case and tell what is wrong with which",
        description="Read every case and tell what is wrong with which.",
        epilog=EXAMPLES,
    )
    check.add_argument("path", type=Path, metavar="PATH", help="folder or CSV file of the data set")
    check.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    add_lesion_options(check)
    check.set_defaults(run=check_data)


def check_data(args: argparse.Namespace) -> int:
    """Look at every case."""
    from SAMLesionLib.evaluation.checks import DatasetCheck

    dataset = _dataset(args)
    check, found = DatasetCheck(dataset), []
    with console.bar(len(dataset.case_names), "Checking", "case") as bar:
        for name in dataset.case_names:
            found += check.case(name)
            bar.update(1)
    found += check.whole()
    counts = Counter(finding.severity for finding in found)
    if args.json:
        findings = [asdict(finding) for finding in found]
        console.print_json({**dataset.describe(), "findings": findings})
    else:
        _print(dataset, found, counts)
    return console.INPUT_REFUSED if counts["error"] else 0


def _dataset(args: argparse.Namespace) -> FileDataset:
    from SAMLesionLib.datasets.dataset import find_dataset
    from SAMLesionLib.datasets.lesions import LesionRule

    rule = LesionRule(args.label, args.components is not False, args.least_ml or 0.0, args.least_voxels or 1)
    return find_dataset(args.path, rule, args.channel, args.layout or "auto")


def _print(dataset: FileDataset, found: list[Finding], counts: Counter[Any]) -> None:
    """A line a finding, the graver ones marked, and the sum."""
    for finding in found:
        mark = "" if finding.severity == "note" else f"{finding.severity.upper()}: "
        print(f"{finding.case or dataset.name}: {mark}{finding.sentence}")
    for name in dataset.listing.left_out:
        print(f"{name}: left out, its manifest says that it has no lesion.")
    told = [_number(counts[word], word) for word in ("error", "warning") if counts[word]]
    verdict = " and ".join(told) or "nothing wrong"
    print(f"{dataset.name} ({dataset.layout} layout, {_number(len(dataset.case_names), 'case')}): {verdict}.")


def _number(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
