"""The whole of SAM-Med3D, and a builder for its published size.

Wang et al., "SAM-Med3D: Towards General-purpose Segmentation Models for Volumetric Medical Images" (arXiv
2310.15161). `sam_med3d.pth` and `sam_med3d_turbo.pth` are the size that the authors call `vit_b_ori`.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from SAMLesionLib.models.sam3d.image_encoder import ImageEncoderViT3D
from SAMLesionLib.models.sam3d.mask_decoder import MaskDecoder3D
from SAMLesionLib.models.sam3d.prompt_encoder import PromptEncoder3D
from SAMLesionLib.models.sam3d.refiner import prompt_maps

Encoded = tuple[Tensor, ...]
"""The embedding of a cube, BxCxdxhxw, and finer maps of it where the encoder has a stem."""


class Sam3D(nn.Module):
    """Encode a cube once, then decode as many prompts as the reader gives.

    Positions are in input voxels, in the order of the input's axes (d, h, w), voxel centres at whole
    numbers. The published weights expect the patient's axes in the order right, anterior, superior.
    """

    def __init__(
        self,
        image_encoder: ImageEncoderViT3D,
        prompt_encoder: PromptEncoder3D,
        mask_decoder: MaskDecoder3D,
    ) -> None:
        super().__init__()
        self.image_encoder = image_encoder
        self.prompt_encoder = prompt_encoder
        self.mask_decoder = mask_decoder

    @property
    def image_size(self) -> int:
        """Side of the cubic input in voxels."""
        return self.image_encoder.image_size

    @property
    def mask_size(self) -> int:
        """Side of the logits, and of a mask given as a prompt."""
        return 4 * self.prompt_encoder.embedding_size

    def encoder_blocks(self) -> list[nn.Module]:
        """The parts of the encoder that may compute in another arithmetic than the rest."""
        return [self.image_encoder.blocks, self.image_encoder.neck]

    def encode(self, image: Tensor) -> Encoded:
        """The embedding of a cube, in float32, good for every prompt on it.

        Args:
            image: Bx1xDxHxW, D = H = W = `image_size`, normalised as the weights expect.
        """
        return tuple(x.float() for x in self.image_encoder(image))

    def decode(
        self,
        encoded: Sequence[Tensor],
        points_dhw: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_dhw: Tensor | None = None,
        mask_input: Tensor | None = None,
        multimask: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """The masks of P objects, each with its own prompts.

        Args:
            encoded: from `encode`; one cube serves all P objects, or each brings its own.
            points_dhw: PxNx3.
            point_labels: PxN, 1 inside the object, 0 outside, -1 no point (to fill short lists).
            boxes_dhw: Px6, the first and the last corner; only where `prompt_encoder.takes_boxes`.
            mask_input: Px1xSxSxS of side `mask_size`, the logits of an earlier answer or zeros.
            multimask: three masks, for a prompt that could mean several things.

        Returns:
            low_res_logits: PxMxSxSxS, above 0 inside the object; M is 1, or 3 with `multimask`.
            iou: PxM; SAM-Med3D does not train it.
        """
        sparse, dense = self.prompt_encoder(points_dhw, point_labels, boxes_dhw, mask_input)
        prompts = (points_dhw, point_labels, boxes_dhw, mask_input)
        maps = None
        if self.mask_decoder.refiner is not None:
            maps = prompt_maps(*prompts, self.image_size, self.mask_size)
        return self.mask_decoder(encoded, self.prompt_encoder.dense_pe(), sparse, dense, multimask, maps)

    def enlarge(self, low_res_logits: Tensor) -> Tensor:
        """Logits PxMxSxSxS on the input's voxels, PxMxDxHxW."""
        return F.interpolate(low_res_logits, size=(self.image_size,) * 3, mode="trilinear")


def build_sam_med3d() -> Sam3D:
    """SAM-Med3D and SAM-Med3D-turbo: 100.5 million parameters, 128x128x128 voxels."""
    return Sam3D(ImageEncoderViT3D(), PromptEncoder3D(), MaskDecoder3D())


def build_tiny_sam3d() -> Sam3D:
    """The architecture of SAM-Med3D in 40 thousand parameters, for tests: 32x32x32 voxels, random weights."""
    encoder = ImageEncoderViT3D(32, 16, 48, 2, 4, global_attn_indexes=(1,), window_size=3, out_chans=24)
    return Sam3D(encoder, PromptEncoder3D(24, 2, 32, 8), MaskDecoder3D(24, 4, 48, 24))
