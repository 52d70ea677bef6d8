"""Questions to the engine about one volume, as streams that a worker thread follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from SAMLesionLib.errors import VolumeNotLoaded
from SAMLesionLib.events import Stage
from SAMLesionLib.host.parameters import Parameters
from SAMLesionLib.host.volumes import volume_from_node, world_affine
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.prompts import PromptSet
from SAMLesionLib.protocol import ModelInfo, Segmenter, SegmentRequest
from SAMLesionLib.volume import Volume


class Requests:
    """Makes streams of what a segmenter says about the scan of a volume node."""

    def __init__(self, segmenter: Segmenter, volume_node: Any) -> None:
        self._segmenter, self._volume_node = segmenter, volume_node
        self._seen: tuple[Any, Volume] | None = None

    def models(self) -> tuple[ModelInfo, ...]:
        """The models to choose from; this may wait for the engine, so only a worker thread calls it."""
        return self._segmenter.models()

    @property
    def volume(self) -> Volume:
        """The scan as it is now; the same object until its voxels or its place change.

        Raises:
            ImageError: the node is no scan any more.
        """
        node = self._volume_node
        image = node.GetImageData()
        state = (image, image.GetMTime() if image else 0, world_affine(node))
        if self._seen is None or self._seen[0] != state:
            self._seen = (state, volume_from_node(node))
        return self._seen[1]

    def mask_of(
        self, prompts: PromptSet, parameters: Parameters
    ) -> Callable[[], Iterator[Stage | MaskUpdate]]:
        """A stream of the stages of the work and the updates of the mask.

        Raises:
            ImageError: the node is no scan any more.
        """
        segmenter, volume = self._segmenter, self.volume

        def stream() -> Iterator[Stage | MaskUpdate]:
            # The id is made here, in the worker: it reads every voxel.
            request = SegmentRequest(volume.volume_id, parameters.model, prompts, parameters.window)
            yield "encoding"
            try:
                yield from segmenter.segment(request)
            except VolumeNotLoaded:
                yield "sending"
                segmenter.load_volume(volume)
                yield "encoding"
                yield from segmenter.segment(request)

        return stream
