"""The whole of TAGS: tumours from points, an organ mask and words.

Li et al., "TAGS: 3D Tumor-Adaptive Guidance for SAM" (arXiv 2505.17096) and its released code; the parts that
it imports from 3DSAM-adapter (Gong et al., arXiv 2306.13465) are taken from there. Words take part in
training only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models.tags.image_encoder import Block, Features, ImageEncoderTags
from SAMLesionLib.models.tags.mask_decoder import MaskDecoderTags
from SAMLesionLib.models.tags.prompt_encoder import PointPromptEncoder

SAM_KEYS = "image_encoder."
SAM_LEAVES_OUT = (
    "depth_embed",
    "slice_embed.",
    "neck_3d.",
    "alignment_adapters.",
    ".adapter.",
    ".attn.lr",
    ".attn.rel_pos_d",
)
"""Parts of the image encoder's keys that a checkpoint of SAM lacks."""

TRAINED = (*(part for part in SAM_LEAVES_OUT if part != ".attn.lr"), ".norm1.", ".norm2.")
"""Parts of the image encoder's keys that training changes; all else stays SAM's."""


class TagsEncoded(NamedTuple):
    """What is computed of a cube before any point is known.

    Attributes:
        last_map: BxCxhxwxd, the map that points change.
        prepared: BxKx2hx2wx2d, the share of all other maps in the decoder's sum.
    """

    last_map: Tensor
    prepared: Tensor


class Tags(nn.Module):
    """Encode a cube with its organ once, then decode as many points as the reader gives.

    The cube's axes are (d, h, w): across the slices, along a slice's columns, and along its rows. Its three
    channels are the grey values twice and the organ mask (0 or 1), or without a mask the grey values three
    times.
    """

    def __init__(
        self,
        image_encoder: ImageEncoderTags,
        prompt_encoder: PointPromptEncoder,
        mask_decoder: MaskDecoderTags,
    ) -> None:
        super().__init__()
        self.image_encoder = image_encoder
        self.prompt_encoder = prompt_encoder
        self.mask_decoder = mask_decoder
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(learns_in_tags(name))

    @property
    def image_size(self) -> int:
        """Side of the cubic input in voxels."""
        return self.image_encoder.image_size

    def encode(self, image: Tensor) -> TagsEncoded:
        """What serves all points on cubes.

        Args:
            image: Bx3xDxHxW, D = H = W = `image_size`, grey values normalised as the weights expect.
        """
        return self.encode_aligned(image)[0]

    def encode_aligned(self, image: Tensor) -> tuple[TagsEncoded, Features]:
        """As `encode`, with the features that training holds against the words."""
        features = self.image_encoder(image)
        return self._encoded(features, image), features

    def encode_in_steps(self, image: Tensor) -> Iterator[float | TagsEncoded]:
        """As `encode`: how much is done, 0 to 1, after each block of the encoder, and then what it gives."""
        features = Features((), ())
        for n, so_far in enumerate(self.image_encoder.in_steps(image), start=1):
            features = so_far
            yield n / len(self.image_encoder.blocks)
        yield self._encoded(features, image)

    def _encoded(self, features: Features, image: Tensor) -> TagsEncoded:
        *others, last = features.maps
        return TagsEncoded(last, self.mask_decoder.prepare(others, image[:, :1]))

    def decode(self, encoded: TagsEncoded, points_dhw: Tensor) -> Tensor:
        """The tumour at some points.

        Args:
            encoded: from `encode`.
            points_dhw: BxNx3, on the tumour, in voxels of the cube, voxel centres at whole numbers; N may
                be 0.

        Returns:
            Logits Bx2xDxHxW, of background and tumour.
        """
        seen = self.prompt_encoder(encoded.last_map.float(), points_dhw, self.image_size)
        return self.mask_decoder(seen, encoded.prepared, self.image_size)

    def forward(self, image: Tensor, points_dhw: Tensor) -> Tensor:
        """Encode and decode at once."""
        return self.decode(self.encode(image), points_dhw)

    def load_sam(self, state_dict: Mapping[str, Tensor]) -> list[str]:
        """Start from a checkpoint of SAM of the same size; its prompt encoder and decoder are not used.

        Positions along the third axis begin as the mean of the other two.

        Returns:
            The tensors of the image encoder that SAM does not have, which keep their values.

        Raises:
            WeightsError: when a tensor is missing or of another shape.
        """
        ours = self.image_encoder.state_dict()
        wanted = {key for key in ours if not any(part in f".{key}" for part in SAM_LEAVES_OUT)}
        given = {key: state_dict.get(SAM_KEYS + key) for key in wanted}
        wrong = sorted(key for key, value in given.items() if value is None or value.shape != ours[key].shape)
        if wrong:
            raise WeightsError(
                "TAGS starts from a SAM of its own size, but these tensors are missing or of another shape: "
                f"{', '.join(SAM_KEYS + key for key in wrong)}. Choose the weights of SAM ViT-B."
            )
        missing, _ = self.image_encoder.load_state_dict(given, strict=False)
        with torch.no_grad():
            for block in self.image_encoder.blocks:
                attn = cast(Block, block).attn
                attn.rel_pos_d.copy_((attn.rel_pos_h + attn.rel_pos_w) / 2)
        return sorted(missing)


def learns_in_tags(name: str) -> bool:
    """Whether training changes the parameter of this name; what does not learn stays SAM's."""
    is_sams = name.startswith(SAM_KEYS)
    return not is_sams or any(part in f".{name.removeprefix(SAM_KEYS)}" for part in TRAINED)


def prepare_for_answers(network: Tags, dtype: torch.dtype = torch.float32) -> Tags:
    """The same network, changed in place: it answers faster and can no longer be trained.

    Args:
        network: the network as loaded.
        dtype: arithmetic of the encoder's blocks and of the decoder's heads. Voxels become tokens, points
            are read and classes are told in float32.
    """
    network.eval().requires_grad_(False)
    encoder, decoder = network.image_encoder, network.mask_decoder
    for part in (
        encoder.blocks,
        encoder.neck_3d,
        encoder.alignment_adapters,
        decoder.mlahead,
        decoder.cls[0],
    ):
        part.to(dtype)
    return network


def build_tags() -> Tags:
    """TAGS on SAM ViT-B: 116.7 million parameters, 128x128x128 voxels."""
    return Tags(ImageEncoderTags(), PointPromptEncoder(), MaskDecoderTags())


def build_3dsam_adapter() -> Tags:
    """3DSAM-adapter: the same without alignment."""
    return Tags(ImageEncoderTags(align=False), PointPromptEncoder(), MaskDecoderTags())


def build_tiny_tags() -> Tags:
    """The architecture of TAGS in few parameters, for tests: 32x32x32 voxels, random weights."""
    encoder = ImageEncoderTags(
        image_size=32,
        embed_dim=48,
        depth=4,
        num_heads=4,
        global_attn_indexes=(1, 3),
        sam_window=6,
        sam_side=16,
        window=4,
        out_chans=24,
    )
    return Tags(encoder, PointPromptEncoder(24, 4, 48), MaskDecoderTags(24, 12))
