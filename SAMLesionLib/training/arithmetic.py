"""The device of a training run and the numbers it computes with."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from SAMLesionLib.errors import InputError
from SAMLesionLib.training.config import TrainingConfig


@dataclass(frozen=True)
class Arithmetic:
    """Where a network is trained and how.

    Attributes:
        device: torch's device.
        dtype: of the network's products; its weights stay float32.
    """

    device: torch.device
    dtype: torch.dtype

    def autocast(self) -> AbstractContextManager[None]:
        """In it the network computes in `dtype` where that is safe."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def scaler(self) -> torch.amp.GradScaler:
        """Keeps small float16 gradients from vanishing; does nothing for other numbers."""
        return torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)


def choose_arithmetic(config: TrainingConfig, process: int = 0) -> Arithmetic:
    """The device and numbers that a run asks for.

    Args:
        config: the run.
        process: number of this process on its machine; each takes the GPU of its number.

    Raises:
        InputError: when the device is not here.
    """
    n_gpus = torch.cuda.device_count()
    kind = config.device if config.device != "auto" else "cuda" if n_gpus else "cpu"
    if kind == "cuda" and process >= n_gpus:
        raise InputError(
            f"Training needs {process + 1} CUDA devices, this computer has {n_gpus}. Use device=cpu."
        )
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.set_float32_matmul_precision("high")
    device = torch.device(kind, process) if kind == "cuda" else torch.device(kind)
    # A processor without bfloat16 instructions computes it many times slower than float32.
    is_fast = torch.cuda.is_bf16_supported() if kind == "cuda" else torch.cpu._is_avx512_bf16_supported()
    wanted = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    return Arithmetic(device, wanted.get(config.precision, torch.bfloat16 if is_fast else torch.float32))
