"""What a lesion is and where it lies, as coded words: Slicer's terminology tag, taken apart."""

from __future__ import annotations

from dataclasses import dataclass, replace

from SAMLesionLib.errors import InputError


@dataclass(frozen=True)
class Code:
    """A coded word.

    Attributes:
        scheme: who defines it, such as "SCT" for SNOMED CT.
        value: the code.
        meaning: the word for people.
    """

    scheme: str
    value: str
    meaning: str

    def __bool__(self) -> bool:
        return bool(self.value)


NO_CODE = Code("", "", "")
_CATEGORIES = "Segmentation category and type - 3D Slicer General Anatomy list"
_REGIONS = "Anatomic codes - DICOM master list"


@dataclass(frozen=True)
class Terminology:
    """What a segment shows.

    Attributes:
        category: the kind of thing.
        type: the thing.
        modifier: says more of the thing, usually nothing.
        region: the organ or part of the body.
        region_modifier: says more of the region, such as its side.
        category_context: name of the list that category and type are from.
        region_context: name of the list that the region is from.
    """

    category: Code
    type: Code
    modifier: Code = NO_CODE
    region: Code = NO_CODE
    region_modifier: Code = NO_CODE
    category_context: str = _CATEGORIES
    region_context: str = _REGIONS

    @classmethod
    def parse(cls, text: str) -> Terminology:
        """The terminology that a segment's tag holds.

        Raises:
            InputError: the text has not the seven parts of one.
        """
        parts = text.split("~")
        if len(parts) != 7:
            raise InputError(f"A terminology has seven parts divided by ~, got {len(parts)}: {text[:80]!r}.")
        category, kind, modifier, region, side = (_code(parts[n]) for n in (1, 2, 3, 5, 6))
        return cls(category, kind, modifier, region, side, parts[0], parts[4])

    def __str__(self) -> str:
        codes = (self.category, self.type, self.modifier, self.region, self.region_modifier)
        category, kind, modifier, region, side = ("^".join((c.scheme, c.value, c.meaning)) for c in codes)
        return "~".join((self.category_context, category, kind, modifier, self.region_context, region, side))


MASS = Terminology(
    Code("SCT", "49755003", "Morphologically Altered Structure"), Code("SCT", "4147007", "Mass")
)
"""What a lesion is until somebody says more."""

ORGANS = {
    code.meaning.lower(): code
    for code in (
        Code("SCT", "23451007", "Adrenal gland"),
        Code("SCT", "89837001", "Bladder"),
        Code("SCT", "272673000", "Bone"),
        Code("SCT", "12738006", "Brain"),
        Code("SCT", "76752008", "Breast"),
        Code("SCT", "71854001", "Colon"),
        Code("SCT", "38848004", "Duodenum"),
        Code("SCT", "32849002", "Esophagus"),
        Code("SCT", "28231008", "Gallbladder"),
        Code("SCT", "80891009", "Heart"),
        Code("SCT", "64033007", "Kidney"),
        Code("SCT", "10200004", "Liver"),
        Code("SCT", "39607008", "Lung"),
        Code("SCT", "59441001", "Lymph node"),
        Code("SCT", "72410000", "Mediastinum"),
        Code("SCT", "71616004", "Muscle"),
        Code("SCT", "15497006", "Ovary"),
        Code("SCT", "15776009", "Pancreas"),
        Code("SCT", "3120008", "Pleura"),
        Code("SCT", "41216001", "Prostate"),
        Code("SCT", "34402009", "Rectum"),
        Code("SCT", "39937001", "Skin"),
        Code("SCT", "30315005", "Small intestine"),
        Code("SCT", "78961009", "Spleen"),
        Code("SCT", "69695003", "Stomach"),
        Code("SCT", "69748006", "Thyroid"),
        Code("SCT", "35039007", "Uterus"),
    )
}
"""Organs to choose from, by their word; codes as in Slicer's terminology files (DICOM master lists)."""

OWN_SCHEME = "99SAMLESION"
"""Coding scheme of words that are in no list; DICOM reserves names that begin with 99 for this."""


def organ_of(terminology: str) -> str:
    """The organ's word in lower case; empty where the terminology names none."""
    try:
        return Terminology.parse(terminology).region.meaning.lower()
    except InputError:  # a tag that some other program wrote
        return ""


def meaning_of(terminology: str) -> str:
    """What the lesion is, for people; empty where the terminology does not say."""
    try:
        return Terminology.parse(terminology).type.meaning
    except InputError:
        return ""


def with_organ(terminology: str, word: str) -> str:
    """The terminology with another organ; an empty word takes it away.

    A word that `ORGANS` lacks is coded by itself in our own scheme (DICOM's codes have 16 characters).

    Raises:
        InputError: the word holds a character that divides the parts of a terminology.
    """
    word = word.strip()
    if set(word) & set("~^|"):
        raise InputError(f"An organ's name holds none of ~ ^ |, got {word!r}. Leave them out.")
    try:
        known = Terminology.parse(terminology)
    except InputError:
        known = MASS
    region = ORGANS.get(word.lower(), Code(OWN_SCHEME, word.lower()[:16], word)) if word else NO_CODE
    return str(replace(known, region=region, region_modifier=NO_CODE))


def _code(text: str) -> Code:
    scheme, value, meaning = (*text.split("^"), "", "", "")[:3]
    return Code(scheme, value, meaning)
