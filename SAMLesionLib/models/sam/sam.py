"""The whole of SAM, and a builder for each published size of it.

Kirillov et al., "Segment Anything" (ICCV 2023); Ma et al., "Segment anything in medical images" (Nature
Communications 15:654, 2024), which keeps ViT-B's architecture; LiteMedSAM, the same with TinyViT.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from SAMLesionLib.models.sam.image_encoder import ImageEncoderViT
from SAMLesionLib.models.sam.mask_decoder import MaskDecoder
from SAMLesionLib.models.sam.prompt_encoder import PromptEncoder
from SAMLesionLib.models.sam.tiny_vit import TinyViT

EMBED_DIM = 256
EMBEDDING_SIZE = 64


class Sam(nn.Module):
    """Encode an image once, then decode as many prompts as the reader draws.

    The network takes intensities as they are. Plain SAM was trained on colours with a mean and a spread
    taken out, MedSAM and LiteMedSAM on [0, 1]; whoever prepares the image does what its weights expect.
    """

    def __init__(
        self,
        image_encoder: ImageEncoderViT | TinyViT,
        prompt_encoder: PromptEncoder,
        mask_decoder: MaskDecoder,
    ) -> None:
        super().__init__()
        self.image_encoder = image_encoder
        self.prompt_encoder = prompt_encoder
        self.mask_decoder = mask_decoder

    @property
    def image_size(self) -> int:
        """Side of the square input in pixels; points and boxes are in these pixels."""
        return self.image_encoder.image_size

    def encode(self, image: Tensor) -> Tensor:
        """The embedding of an image, in float32.

        Args:
            image: BxCxHxW in [0, 1], H = W = `image_size`, C = 3 or 1 (grey).

        Returns:
            Bx256x64x64, good for every prompt on this image.
        """
        dtype = next(self.image_encoder.parameters()).dtype
        return self.image_encoder(image.expand(-1, 3, -1, -1).to(dtype)).float()

    def decode(
        self,
        image_embedding: Tensor,
        points_xy: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_xy: Tensor | None = None,
        mask_input: Tensor | None = None,
        multimask: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """The masks of P objects, each with its own prompts.

        One embedding serves all P objects (B = 1), or each object brings its own (B = P).

        Args:
            image_embedding: Bx256x64x64 from `encode`.
            points_xy: PxNx2, (X, Y) in input pixels.
            point_labels: PxN, 1 inside the object, 0 outside, -1 no point (to fill short lists).
            boxes_xy: Px4, (X_min, Y_min, X_max, Y_max) in input pixels.
            mask_input: Px1x256x256, the logits of an earlier answer.
            multimask: three masks, for a prompt that could mean several things.

        Returns:
            low_res_logits: PxMx256x256, above 0 inside the object; M is 1, or 3 with `multimask`.
            iou: PxM, the network's guess of each mask's overlap with the object.
        """
        sparse, dense = self.prompt_encoder(points_xy, point_labels, boxes_xy, mask_input)
        return self.mask_decoder(image_embedding, self.prompt_encoder.dense_pe(), sparse, dense, multimask)

    def forward(self, image: Tensor, boxes_xy: Tensor) -> tuple[Tensor, Tensor]:
        """Encode and decode at once: a batch of images (BxCxHxW), each with one box (Bx4)."""
        return self.decode(self.encode(image), boxes_xy=boxes_xy)


def build_sam_vit_b() -> Sam:
    """SAM and MedSAM with ViT-B: 93.7 million parameters, 1024x1024 pixels."""
    return _build_sam(embed_dim=768, depth=12, num_heads=12, global_attn_indexes=(2, 5, 8, 11))


def build_sam_vit_l() -> Sam:
    """SAM with ViT-L: 312 million parameters, 1024x1024 pixels."""
    return _build_sam(embed_dim=1024, depth=24, num_heads=16, global_attn_indexes=(5, 11, 17, 23))


def build_sam_vit_h() -> Sam:
    """SAM with ViT-H: 641 million parameters, 1024x1024 pixels."""
    return _build_sam(embed_dim=1280, depth=32, num_heads=16, global_attn_indexes=(7, 15, 23, 31))


def build_lite_medsam() -> Sam:
    """LiteMedSAM: 9.8 million parameters, 256x256 pixels."""
    return Sam(TinyViT(), PromptEncoder(EMBED_DIM, EMBEDDING_SIZE, image_size=256), MaskDecoder())


def build_tiny_sam() -> Sam:
    """The architecture of SAM in 24 thousand parameters, for tests: 64x64 pixels, random weights."""
    encoder = ImageEncoderViT(64, 8, 16, 2, 2, global_attn_indexes=(1,), window_size=3, out_chans=16)
    return _tiny(encoder)


def build_tiny_lite_medsam() -> Sam:
    """The architecture of LiteMedSAM in 24 thousand parameters, for tests: 32x32 pixels, random weights."""
    encoder = TinyViT(32, (8, 8, 16, 16), (1, 1, 1, 1), (1, 2, 2, 2), (3, 3, 3, 3), out_chans=16)
    return _tiny(encoder)


def _build_sam(embed_dim: int, depth: int, num_heads: int, global_attn_indexes: Sequence[int]) -> Sam:
    encoder = ImageEncoderViT(
        embed_dim=embed_dim, depth=depth, num_heads=num_heads, global_attn_indexes=global_attn_indexes
    )
    return Sam(encoder, PromptEncoder(EMBED_DIM, EMBEDDING_SIZE, image_size=1024), MaskDecoder())


def _tiny(encoder: ImageEncoderViT | TinyViT) -> Sam:
    prompt_encoder = PromptEncoder(16, 8, encoder.image_size, mask_in_chans=8)
    return Sam(encoder, prompt_encoder, MaskDecoder(16, 2, 32, 16))
