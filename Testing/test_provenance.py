"""A segment's tags say how it was made."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

from SAMLesionLib import BoxPrompt, IndexBox, PromptSet, RunReport
from SAMLesionLib.provenance import provenance_tags

REPORT = RunReport("lite-medsam", "79d8", "cpu", "bfloat16", "0.1.0", 1.0, 0.1, 3)
PROMPTS = PromptSet((BoxPrompt(IndexBox((1, 2, 3), (4, 5, 6))),))


def test_the_tags_name_model_weights_version_and_device() -> None:
    tags = provenance_tags(REPORT, PROMPTS)
    named = [tags[f"SAMLesion.{key}"] for key in ("Model", "WeightsSHA256", "Version", "Device", "Precision")]
    assert named == ["lite-medsam", "79d8", "0.1.0", "cpu", "bfloat16"]


def test_the_prompts_can_be_read_back_from_the_tags() -> None:
    assert PromptSet.from_json(json.loads(provenance_tags(REPORT, PROMPTS)["SAMLesion.Prompts"])) == PROMPTS


def test_the_time_is_written_in_utc() -> None:
    noon_in_delhi = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert provenance_tags(REPORT, PROMPTS, noon_in_delhi)["SAMLesion.Time"] == "2026-03-01T06:30:00+00:00"


def test_dicom_export_learns_that_the_segment_is_not_manual() -> None:
    tags = provenance_tags(REPORT, PROMPTS)
    assert tags["DICOM.SegmentAlgorithmType"] == "SEMIAUTOMATIC"
    assert tags["DICOM.SegmentAlgorithmName"] == "SAMLesion 0.1.0 lite-medsam"


def test_no_key_holds_a_character_that_separates_tags_in_files() -> None:
    assert not [key for key in provenance_tags(REPORT, PROMPTS) if ":" in key or "|" in key]
