"""The lesion list as plain rows; what changed is measured anew, in a thread of its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from SAMLesionLib.errors import ImageError
from SAMLesionLib.host.controller import Controller
from SAMLesionLib.host.measures import Measuring, Point, measure
from SAMLesionLib.lesions import Lesion, Status, label_values
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.terminology import meaning_of
from SAMLesionLib.volume import Volume


@dataclass(frozen=True)
class LesionRow:
    """One line of the list.

    Attributes:
        lesion_id: the lesion and its segment.
        name: its name for people.
        colour: red, green and blue, each 0 to 1.
        terminology: what it is, for people, such as "Mass".
        organ: the organ's word, empty when nobody named it.
        status: how far it is.
        volume_ml: as in `Measures`, and so the next three.
        long_mm: see there.
        short_mm: see there.
        mean_intensity: see there.
        n_prompts: how many prompts were drawn on it.
        centre_ras: where a view should jump to: its middle, or where it was prompted; None for neither.
        is_busy: whether its mask is on its way.
        is_outdated: whether its mask is not the answer to its prompts.
        is_measured: whether the sizes are those of its mask; otherwise they are the earlier ones, if any.
    """

    lesion_id: str
    name: str
    colour: tuple[float, float, float]
    terminology: str
    organ: str
    status: Status
    volume_ml: float | None
    long_mm: float | None
    short_mm: float | None
    mean_intensity: float | None
    n_prompts: int
    centre_ras: Point | None
    is_busy: bool
    is_outdated: bool
    is_measured: bool


class LesionTable:
    """Rows of a controller's lesions; ask for them whenever the list shall be drawn."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._measuring = Measuring()
        self.pump, self.close = self._measuring.pump, self._measuring.close

    @property
    def is_measuring(self) -> bool:
        """Whether a size is still being measured; `pump` takes it over."""
        return self._measuring.is_busy

    def rows(self, statuses: Collection[Status] | None = None) -> tuple[LesionRow, ...]:
        """The lesions in the order they were added; those of these statuses, or all when none are given."""
        volume = self._volume()
        lesions = self._controller.annotation.snapshot.lesions
        return tuple(self._row(x, volume) for x in lesions if not statuses or x.status in statuses)

    def next_id(
        self, lesion_id: str | None, statuses: Collection[Status] | None = None, step: int = 1
    ) -> str | None:
        """The lesion that comes after one in the list, round its end; None when there is none to go to.

        Args:
            lesion_id: where the reader is, None for nowhere.
            statuses: which lesions count; all when none are given.
            step: 1 for the next, -1 for the one before.
        """
        lesions = self._controller.annotation.snapshot.lesions
        ids = [x.lesion_id for x in lesions]
        at = ids.index(lesion_id) if lesion_id in ids else (-1 if step > 0 else len(ids))
        for n in range(1, len(ids) + 1):
            lesion = lesions[(at + step * n) % len(ids)]
            if not statuses or lesion.status in statuses:
                return lesion.lesion_id
        return None

    def to_csv(self) -> str:
        """All lesions as a table: a line of headings, then one line a lesion, commas between."""
        return self.writing_csv()()

    def writing_csv(self) -> Callable[[], str]:
        """The same in two parts: what is returned measures what is left, in any thread, and writes it."""
        volume, controller = self._volume(), self._controller
        rows = [(row, controller.mask(row.lesion_id)) for row in self.rows()]
        return lambda: _csv_of([_measured(row, mask, volume) for row, mask in rows])

    def _row(self, lesion: Lesion, volume: Volume | None) -> LesionRow:
        lesion_id, controller = lesion.lesion_id, self._controller
        sizes, is_measured = self._measuring.look(lesion_id, controller.mask(lesion_id), volume)
        return LesionRow(
            lesion_id=lesion_id,
            name=lesion.name,
            colour=controller.colour(lesion_id),
            terminology=meaning_of(lesion.terminology),
            organ=lesion.organ,
            status=lesion.status,
            volume_ml=sizes.volume_ml,
            long_mm=sizes.long_mm,
            short_mm=sizes.short_mm,
            mean_intensity=sizes.mean_intensity,
            n_prompts=len(lesion.prompts),
            centre_ras=sizes.centre_ras or _prompted_at(lesion, volume),
            is_busy=controller.is_busy_with(lesion_id),
            is_outdated=controller.is_outdated(lesion_id),
            is_measured=is_measured,
        )

    def _volume(self) -> Volume | None:
        try:
            return self._controller.volume
        except ImageError:  # it was put under a transform that bends space, or emptied
            return None


def _prompted_at(lesion: Lesion, volume: Volume | None) -> Point | None:
    placed = [positions for p in lesion.prompts if len(positions := p.positions_ijk())]
    if not placed or volume is None:
        return None
    r, a, s = volume.affine.to_ras(placed[-1].mean(axis=0))[0].tolist()
    return r, a, s


def _measured(row: LesionRow, mask: PackedMask, volume: Volume | None) -> LesionRow:
    if row.is_measured or volume is None:
        return row
    sizes = measure(mask, volume)
    return replace(
        row,
        volume_ml=sizes.volume_ml,
        long_mm=sizes.long_mm,
        short_mm=sizes.short_mm,
        mean_intensity=sizes.mean_intensity,
        centre_ras=sizes.centre_ras or row.centre_ras,
        is_measured=True,
    )


def _csv_of(rows: Sequence[LesionRow]) -> str:
    labels, text = label_values([row.lesion_id for row in rows]), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADINGS)
    writer.writerows(_cells(row, labels[row.lesion_id]) for row in rows)
    return text.getvalue()


_HEADINGS = (
    *("label", "name", "what", "organ", "status", "volume_ml", "long_mm", "short_mm", "mean_intensity"),
    *("n_prompts", "centre_r_mm", "centre_a_mm", "centre_s_mm", "lesion_id"),
)


def _cells(row: LesionRow, label: int) -> list[str | int]:
    return [
        *(label, row.name, row.terminology, row.organ, row.status.value, _number(row.volume_ml, 4)),
        *(_number(v, 2) for v in (row.long_mm, row.short_mm, row.mean_intensity)),
        row.n_prompts,
        *(_number(v, 2) for v in row.centre_ras or (None, None, None)),
        row.lesion_id,
    ]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
