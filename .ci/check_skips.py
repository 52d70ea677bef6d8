"""Fails when a test was skipped for another reason than a missing GPU or Slicer application."""

from __future__ import annotations

import sys
from xml.etree import ElementTree

ALLOWED = ("GPU", "Slicer application")


def unexpected_skips(report: str) -> list[str]:
    """One line for each test that must not be skipped here."""
    lines = []
    for case in ElementTree.parse(report).iter("testcase"):
        for skip in case.iter("skipped"):
            reason = f"{skip.get('message', '')} {skip.text or ''}"
            if skip.get("type") != "pytest.xfail" and not any(word in reason for word in ALLOWED):
                lines.append(f"{case.get('classname')}::{case.get('name')}: {reason.strip()}")
    return lines


if __name__ == "__main__":
    found = [line for report in sys.argv[1:] for line in unexpected_skips(report)]
    if found:
        print(
            "Only a GPU or the Slicer application may be missing, but these tests were skipped:",
            *found,
            sep="\n",
        )
    sys.exit(bool(found))
