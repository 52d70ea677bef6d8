"""Ways in which data sets lie on a disk."""

from SAMLesionLib.datasets.layouts.finding import LAYOUTS, find_layout, list_cases
from SAMLesionLib.datasets.layouts.listing import CaseFiles, Listing

__all__ = ["LAYOUTS", "CaseFiles", "Listing", "find_layout", "list_cases"]
