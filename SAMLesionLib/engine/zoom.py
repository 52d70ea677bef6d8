"""How close the network looks: the whole slice, or one of a fixed set of tiles around a small lesion.

The tiles of a level are the same for every lesion, so neighbours share their embeddings.
"""

from __future__ import annotations

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import IN_PLANE
from SAMLesionLib.volume import Volume

LEAST_SHARE = 1 / 8
"""A box whose longer side is a smaller share of the tile's side gets a closer look."""

DEEPEST_LEVEL = 3


def view_of(block: IndexBox, axis: int, volume: Volume) -> IndexBox:
    """The part of the volume's slices that the network looks at for a lesion's block.

    Level n halves the longer side of the slice n times; tiles overlap by half. The tile whose middle is
    nearest to the block's is taken, and the deepest level at which it still holds the block.

    Args:
        block: where the lesion may be.
        axis: the voxel axis across which slices are cut.
        volume: the scan.

    Returns:
        A block that holds the lesion's; along `axis` its slices, or all of them for a whole-slice view.
    """
    spacing, whole = volume.affine.spacing_mm, volume.block
    in_plane = IN_PLANE[axis]
    side_mm = max(whole.shape_ijk[a] * spacing[a] for a in in_plane)
    longest_mm = max(block.shape_ijk[a] * spacing[a] for a in in_plane)
    view = whole
    for level in range(1, DEEPEST_LEVEL + 1):
        if longest_mm >= LEAST_SHARE * side_mm / 2 ** (level - 1):
            break
        tile = _tile(block, axis, volume, side_mm / 2**level)
        if block.intersect(tile) != block.intersect(whole):
            break
        view = tile
    return view


def _tile(block: IndexBox, axis: int, volume: Volume, side_mm: float) -> IndexBox:
    start, stop = [0, 0, 0], list(volume.shape_ijk)
    for a in IN_PLANE[axis]:
        n_voxels = volume.shape_ijk[a]
        side = min(n_voxels, max(1, round(side_mm / volume.affine.spacing_mm[a])))
        step = max(1, side // 2)
        last = n_voxels - side
        middle = (block.start_ijk[a] + block.stop_ijk[a]) / 2
        start[a] = min(last, max(0, round((middle - side / 2) / step) * step))
        stop[a] = start[a] + side
    start[axis], stop[axis] = block.start_ijk[axis], block.stop_ijk[axis]
    return IndexBox((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
