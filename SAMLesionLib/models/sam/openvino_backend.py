"""The same network on a CPU, several times faster, through OpenVINO (the extra `fast-cpu`)."""

from __future__ import annotations

import logging
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from SAMLesionLib.models.sam.openvino_graphs import halves, import_openvino, load_graphs
from SAMLesionLib.models.sam.sam import Sam

logger = logging.getLogger(__name__)

Precision = Literal["bf16", "f32"]


class OpenVinoSam:
    """A `Sam` for answering only, with the same `encode`, `decode` and `image_size`.

    Tensors go in and come out as with `Sam`, on the CPU and in float32. One thread at a time may use it.

    Args:
        sam: the network with its weights; it stays as it is.
        cache_dir: where converted models are kept for the next start, or None.
        precision: arithmetic. "bf16" falls back to "f32" where the processor has no bfloat16; None takes
            the best it has.
        num_threads: processor threads, 0 for as many as there are cores.
    """

    def __init__(
        self,
        sam: Sam,
        cache_dir: Path | None = None,
        precision: Precision | None = None,
        num_threads: int = 0,
    ) -> None:
        self.image_size = sam.image_size
        self.precision: Precision = available_precision(precision)
        self.prompt_encoder = deepcopy(sam.prompt_encoder).eval().float().requires_grad_(False)
        graphs = load_graphs(sam, cache_dir)
        self._encoder = _compile(graphs["encoder"], self.precision, num_threads)
        self._decoder = _compile(graphs["decoder"], self.precision, num_threads)

    @torch.inference_mode()
    def encode(self, image: Tensor) -> Tensor:
        """As `Sam.encode`: BxCxHxW in [0, 1] to Bx256x64x64."""
        return torch.cat([self._encode_one(one) for one in image.float().split(1)])

    @torch.inference_mode()
    def decode(
        self,
        image_embedding: Tensor,
        points_xy: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_xy: Tensor | None = None,
        mask_input: Tensor | None = None,
        multimask: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """As `Sam.decode`: P objects on one embedding, or each on its own."""
        sparse, dense = self.prompt_encoder(points_xy, point_labels, boxes_xy, mask_input)
        images = image_embedding + dense
        count = max(len(images), len(sparse))
        tokens = sparse.expand(count, -1, -1)
        # Objects that share the image go together; otherwise one by one, which takes no longer.
        parts = [tokens] if len(images) == 1 else tokens.split(1)
        answers = [self._decode_one(*pair) for pair in zip(images.split(1), parts, strict=True)]
        logits, iou = (torch.cat(values) for values in zip(*answers, strict=True))
        masks = slice(1, None) if multimask else slice(0, 1)
        return logits[:, masks], iou[:, masks]

    def _encode_one(self, image: Tensor) -> Tensor:
        picture = halves(image.expand(-1, 3, -1, -1))
        return torch.from_numpy(_run(self._encoder, picture.numpy())[0].copy())

    def _decode_one(self, image: Tensor, sparse: Tensor) -> tuple[Tensor, Tensor]:
        logits, iou = _run(self._decoder, image.contiguous().numpy(), sparse.contiguous().numpy())
        return torch.from_numpy(logits.copy()), torch.from_numpy(iou.copy())


def available_precision(wanted: Precision | None = None) -> Precision:
    """What this processor computes in, given a wish."""
    if wanted == "f32":
        return "f32"
    capabilities = import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if "BF16" in capabilities:
        return "bf16"
    if wanted == "bf16":
        logger.warning("This processor has no bfloat16; OpenVINO computes in float32.")
    return "f32"


def _compile(model: Any, precision: Precision, num_threads: int) -> Any:
    """A request of the compiled model, which holds its inputs and outputs."""
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
        # Pinned threads wait for their core: three times the time when something else runs on it.
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_NUM_THREADS": num_threads,
    }
    return import_openvino().Core().compile_model(model, "CPU", settings).create_infer_request()


def _run(request: Any, *inputs: Any) -> list[Any]:
    """The outputs as arrays that the next run overwrites."""
    request.infer(dict(enumerate(inputs)), share_inputs=True)
    return [output.data for output in request.output_tensors]
