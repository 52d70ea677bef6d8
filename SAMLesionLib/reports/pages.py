"""Pages that hold everything they show: no file beside them, nothing fetched."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from SAMLesionLib.io import atomic_write
from SAMLesionLib.version import __version__

NOTHING = "–"


def write_page(path: Path, room: str, template: str, **values: Any) -> None:
    """Fill a template and write it.

    Args:
        path: the file to make or replace.
        room: the package whose folder `templates` holds the template; ours holds what all pages share.
        template: its name in that folder.
        values: what it shows; text is escaped unless it is `Markup`.

    Raises:
        OutputError: when it cannot be written.
    """
    page = _environment(room).get_template(template).render(version=__version__, **values)
    with atomic_write(path) as file:
        file.write(page.encode())


def as_markup(svg: str) -> Markup:
    """A chart of ours as part of a page."""
    return Markup(svg)


def number(value: float | None, digits: int = 3) -> str:
    """A number for people; a dash when there is none."""
    if value is None:
        return NOTHING
    return "∞" if math.isinf(value) else f"{value:,.{digits}f}".replace("-", "−")


def signed(value: float | None, digits: int = 3) -> str:
    """A difference for people, with its sign."""
    return f"+{number(value, digits)}" if value is not None and value > 0 else number(value, digits)


def p_value(value: float | None) -> str:
    """A p value for people."""
    return NOTHING if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def percent(value: float | None) -> str:
    """A share for people."""
    return NOTHING if value is None else "over 100%" if value > 1 else f"{value:.1%}"


def _environment(room: str) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(room), PackageLoader("SAMLesionLib.reports")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "signed": signed, "p_value": p_value, "percent": percent}
    return environment
