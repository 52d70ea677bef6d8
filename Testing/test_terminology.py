"""Slicer's terminology tag, taken apart and put together; the organ's word in it."""

from __future__ import annotations

import pytest

from SAMLesionLib.errors import InputError
from SAMLesionLib.terminology import MASS, OWN_SCHEME, Code, Terminology, organ_of, with_organ

AS_SLICER_WRITES_IT = (
    "Segmentation category and type - DICOM master list~SCT^49755003^Morphologically Altered Structure"
    "~SCT^108369006^Neoplasm~^^~Anatomic codes - DICOM master list~SCT^64033007^Kidney~SCT^7771000^Left"
)


def test_a_tag_is_read_and_written_unchanged():
    read = Terminology.parse(AS_SLICER_WRITES_IT)
    assert read.type == Code("SCT", "108369006", "Neoplasm")
    assert (read.region.meaning, read.region_modifier.meaning) == ("Kidney", "Left")
    assert not read.modifier
    assert str(read) == AS_SLICER_WRITES_IT


def test_an_organ_gets_its_code_and_keeps_what_the_lesion_is():
    changed = with_organ(AS_SLICER_WRITES_IT, "LIVER")
    assert Terminology.parse(changed).region == Code("SCT", "10200004", "Liver")
    assert Terminology.parse(changed).region_modifier.meaning == ""
    assert Terminology.parse(changed).type.meaning == "Neoplasm"
    assert organ_of(changed) == "liver"
    assert organ_of(with_organ(changed, "")) == ""


def test_a_word_of_no_list_is_coded_by_itself():
    region = Terminology.parse(with_organ(str(MASS), "Popliteal fossa, left")).region
    assert (region.scheme, region.meaning) == (OWN_SCHEME, "Popliteal fossa, left")
    assert len(region.value) <= 16  # DICOM's limit


def test_what_another_program_wrote_is_no_obstacle():
    assert organ_of("tumour") == ""
    assert organ_of(with_organ("tumour", "brain")) == "brain"


def test_a_word_that_would_break_the_tag_is_refused():
    with pytest.raises(InputError, match="holds none of"):
        with_organ(str(MASS), "liver~")
    with pytest.raises(InputError, match="seven parts"):
        Terminology.parse("liver")
