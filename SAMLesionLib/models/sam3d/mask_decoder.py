"""SAM-Med3D's mask decoder: an embedding of a cube and prompt tokens become masks.

Wang et al., "SAM-Med3D" (arXiv 2310.15161), and the code released with it. The finer maps are SAM 2's
(Ravi et al., arXiv 2408.00714): added while the map grows, so that borders need not be remembered in tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from SAMLesionLib.models.layers import LayerNorm3d
from SAMLesionLib.models.sam.mask_decoder import MaskDecoderBase, wanted_masks
from SAMLesionLib.models.sam3d.refiner import Refiner


class MaskDecoder3D(MaskDecoderBase):
    """Predicts masks of four times the embedding's side; see `MaskDecoderBase`.

    Args:
        embed_dim: channels C of embedding and tokens.
        num_heads: attention heads of the transformer.
        mlp_dim: hidden channels of its perceptrons.
        iou_hidden_dim: hidden channels of the quality head.
        finer_chans: channels of the encoder's maps of twice and four times the embedding's side, at most
            these two; none as published.
        refiner_chans: channels inside a `Refiner`, which sees the prompts' maps and the last of the finer
            maps; 0 for none, as published.
    """

    def __init__(
        self,
        embed_dim: int = 384,
        num_heads: int = 8,
        mlp_dim: int = 2048,
        iou_hidden_dim: int = 256,
        finer_chans: Sequence[int] = (),
        refiner_chans: int = 0,
    ) -> None:
        super().__init__(embed_dim, num_heads, mlp_dim, iou_hidden_dim, nn.ConvTranspose3d, LayerNorm3d)
        wanted = (embed_dim // 4, embed_dim // 8)
        self.finer = nn.ModuleList(nn.Linear(a, b) for a, b in zip(finer_chans, wanted, strict=False))
        self.refiner = Refiner(wanted[-1], finer_chans[-1], refiner_chans) if refiner_chans else None

    def forward(
        self,
        encoded: Sequence[Tensor],
        image_pe: Tensor,
        sparse: Tensor,
        dense: Tensor,
        multimask: bool,
        maps: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Predict the masks of P prompts.

        Args:
            encoded: the embedding, (P or 1)xCxdxhxw, and what the encoder's stem gives, channels last: finer
                maps, the coarsest first, and the grey values.
            image_pe: 1x(d*h*w)xC, positions of its tokens.
            sparse: PxNxC, prompt tokens.
            dense: (P or 1)xCxdxhxw or 1xCx1x1x1, added to the embedding.
            multimask: the three masks of an ambiguous prompt; otherwise the one of a clear prompt.
            maps: the prompts drawn by `prompt_maps`, for a decoder with a refiner.

        Returns:
            low_res_logits: PxMx4dx4hx4w, above 0 inside the object; M is 3 or 1.
            iou: PxM, expected overlap of each mask with the object; not trained in SAM-Med3D.
        """
        embedding, *finer = encoded
        tokens, voxels = self.read(embedding + dense, image_pe, sparse)
        masks = wanted_masks(multimask)
        enlarged = self._enlarge(voxels.unflatten(1, embedding.shape[2:]), finer)
        classifiers = self.classifiers(tokens, masks)
        logits = (enlarged.flatten(1, 3) @ classifiers).transpose(1, 2).unflatten(-1, enlarged.shape[1:4])
        if self.refiner is not None and maps is not None:
            logits = logits + self.refiner(enlarged, *finer[-2:], maps)
        return logits, self.expected_iou(tokens, masks)

    def _enlarge(self, voxels: Tensor, finer: Sequence[Tensor]) -> Tensor:
        """The image tokens (PxdxhxwxC), twice as many along each axis twice over: Px4dx4hx4wxC/8."""
        first, norm, act, second, last_act = self.output_upscaling
        coarse, fine, *_ = (*(layer(x) for layer, x in zip(self.finer, finer, strict=False)), None, None)
        x = _double(voxels, cast(nn.ConvTranspose3d, first), coarse)
        x = act(cast(LayerNorm3d, norm).last_axis(x))
        return last_act(_double(x, cast(nn.ConvTranspose3d, second), fine))


def _double(x: Tensor, conv: nn.ConvTranspose3d, finer: Tensor | None) -> Tensor:
    """A transposed convolution of stride and side 2, channels last, and a map of the new size added to it.

    It is a linear layer from a cell to its eight parts.
    """
    p, d, h, w, _ = x.shape
    weight = conv.weight.permute(2, 3, 4, 1, 0).flatten(0, 3)
    bias = None if conv.bias is None else conv.bias.repeat(8)
    cells = F.linear(x, weight, bias).view(p, d, h, w, 2, 2, 2, -1)
    x = cells.permute(0, 1, 4, 2, 5, 3, 6, 7).reshape(p, 2 * d, 2 * h, 2 * w, -1)
    return x if finer is None else x + finer
