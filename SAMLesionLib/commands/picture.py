"""Draws slices through lesions with our contour, the expert's, and the box that was given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from SAMLesionLib.commands.sample import Case
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.prompts import BoxPrompt

Mask = npt.NDArray[np.bool_]
Span = tuple[float, float]

HEADING = "Brain tumour, contrast-enhanced T1 MR"
OURS, EXPERT, BOX = "#2ee6d0", "#ffb84d", "#ffffff"
PAPER, INK, DIM = "#10161c", "#e8eef2", "#8fa1ae"
N_COLUMNS = 4
MARGIN_MM = 15.0
SCALE_BAR_MM = 20.0


def draw_case(path: Path, case: Case, masks: Sequence[Mask], title: str) -> None:
    """Write a PNG: the whole slice first, then each slice of the lesions close up.

    Args:
        path: the file to make or replace.
        case: the scan with its expert's mask and boxes; its axial slices lie across k.
        masks: ours, one (k, j, i) array a lesion.
        title: shown at the top.

    Raises:
        OutputError: when it cannot be written.
    """
    from SAMLesionLib.io import atomic_write

    ours = np.logical_or.reduce(list(masks))
    shown = IndexBox.of_mask(ours | case.expert)
    shown = case.volume.block if shown is None else shown
    slices = list(range(shown.start_ijk[2], shown.stop_ijk[2]))
    close = _close_up(case, shown)
    n_rows = -(-(len(slices) + 1) // N_COLUMNS)
    fig = Figure(figsize=(3.05 * N_COLUMNS, 3.05 * n_rows + 1.15), facecolor=PAPER)
    axes = fig.subplots(n_rows, N_COLUMNS, squeeze=False).ravel()
    largest = max(slices, key=lambda k: int((ours | case.expert)[k].sum()))
    _overview(axes[0], case, largest, close)
    for ax, k in zip(axes[1:], slices, strict=False):
        _panel(ax, case, ours, k, close)
    for ax in axes[len(slices) + 1 :]:
        ax.set_visible(False)
    _scale_bar(axes[1], case, close)
    _frame(fig, title)
    with atomic_write(path) as file:
        fig.savefig(file, format="png", dpi=110, facecolor=PAPER)


def _overview(ax: Any, case: Case, k: int, close: tuple[Span, Span]) -> None:
    """The whole slice and where the close-ups lie."""
    _image(ax, case, k)
    (i0, i1), (j0, j1) = close
    ax.add_patch(Rectangle((i0, j0), i1 - i0, j1 - j0, fill=False, ec=INK, lw=1.2))
    n_i, n_j, _ = case.volume.shape_ijk
    _orient(ax, case, (-0.5, n_i - 0.5), (-0.5, n_j - 0.5))
    for x, letter in ((0.03, "R"), (0.97, "L")):
        ax.text(x, 0.5, letter, transform=ax.transAxes, color=DIM, ha="center", va="center", fontsize=10)
    _label(ax, f"whole slice {k}")


def _panel(ax: Any, case: Case, ours: Mask, k: int, close: tuple[Span, Span]) -> None:
    _image(ax, case, k)
    for lesion in case.lesions:
        _boxes(ax, lesion.prompts.of(BoxPrompt), k)
    # A dark line below each contour keeps it visible on bright tumour.
    for mask, colour, style, width in ((case.expert, EXPERT, "--", 1.7), (ours, OURS, "-", 1.7)):
        if mask[k].any():
            ax.contour(mask[k], [0.5], colors=["#000000"], linewidths=width + 1.4, alpha=0.45)
            ax.contour(mask[k], [0.5], colors=[colour], linewidths=width, linestyles=style)
    _orient(ax, case, *close)
    _label(ax, f"slice {k}")


def _boxes(ax: Any, prompts: Sequence[BoxPrompt], k: int) -> None:
    for prompt in prompts:
        (i0, j0, k0), (i1, j1, k1) = prompt.box.start_ijk, prompt.box.stop_ijk
        if k0 <= k < k1:
            corner = (i0 - 0.5, j0 - 0.5)
            ax.add_patch(Rectangle(corner, i1 - i0, j1 - j0, fill=False, ec=BOX, lw=1.0, ls=":", alpha=0.9))


def _image(ax: Any, case: Case, k: int) -> None:
    voxels = case.volume.voxels
    low, high = np.percentile(voxels[voxels > voxels.min()], (1, 98.8))
    i_mm, j_mm, _ = case.volume.affine.spacing_mm
    ax.imshow(voxels[k], cmap="gray", vmin=low, vmax=high, interpolation="bicubic", aspect=j_mm / i_mm)


def _orient(ax: Any, case: Case, across: Span, along: Span) -> None:
    """As readers look at axial slices: the patient's right on the left, the front on top."""
    matrix = case.volume.affine.ijk_to_ras
    ax.set_xlim(across if matrix[0, 0] < 0 else across[::-1])
    ax.set_ylim(along if matrix[1, 1] > 0 else along[::-1])
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)


def _close_up(case: Case, shown: IndexBox) -> tuple[Span, Span]:
    """A square in mm around the lesions, as ranges of i and j."""
    i_mm, j_mm, _ = case.volume.affine.spacing_mm
    n_i, n_j, _ = shown.shape_ijk
    half_mm = max(n_i * i_mm, n_j * j_mm) / 2 + MARGIN_MM
    i, j, _ = shown.centre_ijk
    return (i - half_mm / i_mm, i + half_mm / i_mm), (j - half_mm / j_mm, j + half_mm / j_mm)


def _scale_bar(ax: Any, case: Case, close: tuple[Span, Span]) -> None:
    (i0, i1), _ = close
    fraction = SCALE_BAR_MM / case.volume.affine.spacing_mm[0] / (i1 - i0)
    ax.plot([0.05, 0.05 + fraction], [0.06, 0.06], transform=ax.transAxes, color=INK, lw=2.5)
    ax.text(
        0.05 + fraction / 2,
        0.085,
        f"{SCALE_BAR_MM:.0f} mm",
        transform=ax.transAxes,
        color=INK,
        ha="center",
        va="bottom",
        fontsize=9,
    )


def _label(ax: Any, text: str) -> None:
    ax.text(0.03, 0.965, text, transform=ax.transAxes, color=INK, ha="left", va="top", fontsize=10)


def _frame(fig: Figure, title: str) -> None:
    fig.subplots_adjust(left=0.008, right=0.992, bottom=0.075, top=0.905, wspace=0.02, hspace=0.02)
    fig.text(0.012, 0.952, HEADING, color=INK, fontsize=17, fontweight="bold", va="center")
    fig.text(0.988, 0.952, title, color=INK, fontsize=13, va="center", ha="right")
    handles = [
        Line2D([], [], color=OURS, lw=2.2, label="SAMLesion"),
        Line2D([], [], color=EXPERT, lw=2.2, ls="--", label="expert"),
        Line2D([], [], color=BOX, lw=1.2, ls=":", label="box that was drawn"),
    ]
    fig.legend(
        handles=handles,
        loc="lower center",
        ncols=3,
        frameon=False,
        labelcolor=INK,
        fontsize=12,
        bbox_to_anchor=(0.5, 0.005),
        columnspacing=3,
    )
