"""SGP-SAM: SAM-Med3D whose encoder asks itself on the way whether small things need a closer look.

Tang and Zhao, "SGP-SAM: Self-Gated Prompting for Transferring 3D Segment Anything Models to Lesion
Segmentation" (arXiv 2604.22825) describe a gating unit that predicts whether features need multi-scale
fusion, and a fusion block that runs only then. How these are built is not known to us: what stands here is
a design of our own that agrees with that description (docs/models.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models.layers import LayerNorm3d
from SAMLesionLib.models.sam3d.image_encoder import ImageEncoderViT3D
from SAMLesionLib.models.sam3d.mask_decoder import MaskDecoder3D
from SAMLesionLib.models.sam3d.prompt_encoder import PromptEncoder3D
from SAMLesionLib.models.sam3d.sam3d import Encoded, Sam3D

GateMode = Literal["hard", "soft", "open", "closed"]
"""`hard`: a cube is fused or not, as its gate says. `soft`: always fused, as much as the gate says. `open`
and `closed`: whatever the gate says, for the first steps of training and for comparison."""

NEW_KEYS = "sgpm."


class GateReading(NamedTuple):
    """What one gate said about each cube of a batch.

    Attributes:
        probability: B, how surely the features need fusion.
        is_open: B, whether they were fused.
    """

    probability: Tensor
    is_open: Tensor


class GatingUnit(nn.Module):
    """Looks at mean, maximum and spread of every channel; says whether to fuse, and each scale's weight.

    Args:
        channels: channels of the features.
        n_scales: scales of the fusion block.
        hidden: channels that each of the three statistics is reduced to.
        temperature: by which the decision's logit is divided.
    """

    def __init__(self, channels: int, n_scales: int, hidden: int = 32, temperature: float = 1.0) -> None:
        super().__init__()
        self.temperature = temperature
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(3))
        self.reduce = nn.Linear(channels, hidden)
        self.decide = nn.Linear(3 * hidden, 1 + n_scales)
        for layer in (self.reduce, self.decide):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.decide.bias[0] = 1.0  # open, until training has found when it need not be

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens BxDxHxWxC to the probability that they need fusion, B, and the scales' weights, BxK."""
        tokens = x.flatten(1, 3)
        statistics = (tokens.mean(dim=1), tokens.amax(dim=1), tokens.std(dim=1, correction=0))
        seen = [F.gelu(self.reduce(norm(s))) for norm, s in zip(self.norms, statistics, strict=True)]
        logits = self.decide(torch.cat(seen, dim=-1))
        return torch.sigmoid(logits[:, 0] / self.temperature), torch.sigmoid(logits[:, 1:])


class FusionBlock(nn.Module):
    """Sees features at several scales at once, in a few channels; says nothing before it is trained.

    Args:
        channels: channels of the features.
        bottleneck: channels inside.
        dilations: distance of the taps of each scale's 3x3x3 filter.
    """

    def __init__(self, channels: int, bottleneck: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, bottleneck)
        self.norm = nn.LayerNorm(bottleneck, eps=1e-6)
        self.scales = nn.ModuleList(
            nn.Sequential(
                nn.Conv3d(bottleneck, bottleneck, 3, padding=d, dilation=d, groups=bottleneck),
                LayerNorm3d(bottleneck),
                nn.GELU(),
            )
            for d in dilations
        )
        self.merge = nn.Linear(len(dilations) * bottleneck, bottleneck)
        self.expand = nn.Linear(bottleneck, channels)
        self.strength = nn.Parameter(torch.ones(()))
        # At first the network is the one it was built on.
        nn.init.zeros_(self.expand.weight)
        nn.init.zeros_(self.expand.bias)

    def forward(self, x: Tensor, scale_weights: Tensor) -> Tensor:
        """Tokens BxDxHxWxC and the scales' weights BxK to what is added to the tokens."""
        u = F.gelu(self.norm(self.reduce(x)))
        channels_first = u.movedim(-1, 1)
        seen = [
            scale(channels_first).movedim(1, -1) * weight.view(-1, 1, 1, 1, 1)
            for scale, weight in zip(self.scales, scale_weights.unbind(dim=1), strict=True)
        ]
        return self.strength * self.expand(F.gelu(self.merge(torch.cat(seen, dim=-1))) + u)


class SelfGatedPrompting(nn.Module):
    """A gate, and the fusion that runs where it is open.

    Args:
        channels: channels of the tokens.
        bottleneck: channels inside the fusion block.
        hidden: channels inside the gating unit.
        dilations: the scales of the fusion block.
    """

    def __init__(
        self, channels: int, bottleneck: int = 96, hidden: int = 32, dilations: Sequence[int] = (1, 2, 3)
    ) -> None:
        super().__init__()
        self.mode: GateMode = "hard"
        self.gate = GatingUnit(channels, len(dilations), hidden)
        self.fusion = FusionBlock(channels, bottleneck, dilations)

    def forward(self, tokens: Tensor) -> tuple[Tensor, GateReading]:
        """Tokens BxDxHxWxC to the same shape, fused or left as they are."""
        probability, scale_weights = self.gate(tokens)
        reading = GateReading(probability, self._is_open(probability))
        if self.mode == "soft" or (self.mode == "hard" and self.training):
            # Whole steps forward, smooth gradients back: the gate learns what opening would have changed.
            how_much = probability
            if self.mode == "hard":
                how_much = reading.is_open.to(probability.dtype) + (probability - probability.detach())
            return tokens + self.fusion(tokens, scale_weights) * how_much.view(-1, 1, 1, 1, 1), reading
        return self._fuse_open(tokens, scale_weights, reading.is_open), reading

    def _is_open(self, probability: Tensor) -> Tensor:
        if self.mode in ("open", "closed"):
            return torch.full_like(probability, self.mode == "open", dtype=torch.bool)
        return probability > 0.5

    def _fuse_open(self, tokens: Tensor, scale_weights: Tensor, is_open: Tensor) -> Tensor:
        """Nothing is computed for cubes whose gate is closed."""
        chosen = is_open.nonzero()[:, 0]
        if len(chosen) == 0:
            return tokens
        fused = self.fusion(tokens[chosen], scale_weights[chosen])
        return tokens.index_add(0, chosen, fused.to(tokens.dtype))  # autocast may compute it in another


class SgpSam(Sam3D):
    """SAM-Med3D with a `SelfGatedPrompting` after some of its encoder's blocks.

    Args:
        image_encoder: as in SAM-Med3D.
        prompt_encoder: as in SAM-Med3D.
        mask_decoder: as in SAM-Med3D.
        after_blocks: the blocks that are followed by one, by default those that attend globally: their
            features have seen the whole cube.
        bottleneck: channels inside the fusion blocks.
    """

    def __init__(
        self,
        image_encoder: ImageEncoderViT3D,
        prompt_encoder: PromptEncoder3D,
        mask_decoder: MaskDecoder3D,
        after_blocks: Sequence[int] = (2, 5, 8, 11),
        bottleneck: int = 96,
    ) -> None:
        super().__init__(image_encoder, prompt_encoder, mask_decoder)
        self.after_blocks = tuple(after_blocks)
        self.sgpm = nn.ModuleList(
            SelfGatedPrompting(image_encoder.embed_dim, bottleneck) for _ in after_blocks
        )

    def encoder_blocks(self) -> list[nn.Module]:
        """See `Sam3D.encoder_blocks`."""
        return [*super().encoder_blocks(), self.sgpm]

    def encode(self, image: Tensor) -> Encoded:
        """See `Sam3D.encode`."""
        return self.encode_gated(image)[0]

    def encode_gated(self, image: Tensor) -> tuple[Encoded, tuple[GateReading, ...]]:
        """As `encode`, with what each gate said, from the first to the last."""
        readings: list[GateReading] = []

        def gated(module: nn.Module) -> Callable[[Tensor], Tensor]:
            def step(tokens: Tensor) -> Tensor:
                tokens, reading = module(tokens)
                readings.append(reading)
                return tokens

            return step

        steps = {block: gated(module) for block, module in zip(self.after_blocks, self.sgpm, strict=True)}
        encoded = tuple(x.float() for x in self.image_encoder(image, steps))
        return encoded, tuple(readings)

    def set_gates(self, mode: GateMode) -> None:
        """Let all gates decide, or hold them open or closed."""
        for module in self.sgpm:
            cast(SelfGatedPrompting, module).mode = mode

    def load_base(self, state_dict: Mapping[str, Tensor]) -> None:
        """Take the weights of a SAM-Med3D of the same sizes; what SGP-SAM adds stays as it is.

        Raises:
            WeightsError: when a tensor is missing, unexpected or of another shape.
        """
        ours = self.state_dict()
        expected = {key: value.shape for key, value in ours.items() if not key.startswith(NEW_KEYS)}
        wrong = sorted(
            key
            for key in expected.keys() | state_dict.keys()
            if key not in state_dict or key not in expected or state_dict[key].shape != expected[key]
        )
        if wrong:
            raise WeightsError(
                "SGP-SAM starts from a SAM-Med3D of its own size, but these tensors differ: "
                f"{', '.join(wrong)}. Choose the weights of SAM-Med3D."
            )
        self.load_state_dict({**ours, **state_dict})


def build_sgp_sam() -> SgpSam:
    """SGP-SAM on SAM-Med3D: 101.4 million parameters, 128x128x128 voxels."""
    return SgpSam(ImageEncoderViT3D(), PromptEncoder3D(), MaskDecoder3D())


def build_sgp_sam_small() -> SgpSam:
    """The same in 4.9 million parameters, for a CPU: 64x64x64 voxels, a stem, boxes, and prompts as maps."""
    stem = (24, 48, 96)
    blocks = range(4)
    encoder = ImageEncoderViT3D(
        image_size=64,
        patch_size=8,
        embed_dim=192,
        depth=len(blocks),
        num_heads=6,
        global_attn_indexes=blocks,
        out_chans=192,
        rel_pos=False,
        stem_chans=stem,
    )
    nn.init.trunc_normal_(encoder.pos_embed, std=0.02)
    prompt_encoder = PromptEncoder3D(192, 8, image_size=64, takes_boxes=True)
    decoder = MaskDecoder3D(192, 6, mlp_dim=384, iou_hidden_dim=64, finer_chans=stem[1::-1], refiner_chans=16)
    return SgpSam(encoder, prompt_encoder, decoder, after_blocks=blocks[1::2], bottleneck=48)


def build_tiny_sgp_sam() -> SgpSam:
    """The architecture of SGP-SAM in few parameters, for tests: 32x32x32 voxels, random weights."""
    encoder = ImageEncoderViT3D(32, 16, 48, 4, 4, global_attn_indexes=(1, 3), window_size=3, out_chans=24)
    decoder = MaskDecoder3D(24, 4, 48, 24)
    return SgpSam(encoder, PromptEncoder3D(24, 2, 32, 8), decoder, after_blocks=(1, 3), bottleneck=16)
