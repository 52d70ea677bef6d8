"""Everything a training run can be told, with its defaults; a run file holds only what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from importlib import import_module
from typing import Any, Literal, cast

from SAMLesionLib.errors import InputError
from SAMLesionLib.models.sgp_sam import GateMode
from SAMLesionLib.training.alignment import WordSettings
from SAMLesionLib.training.click_rounds import ClickSettings
from SAMLesionLib.training.objectives import LossSettings
from SAMLesionLib.training.point_round import PointSettings
from SAMLesionLib.training.samples import SourceSettings
from SAMLesionLib.training.tables import Table, at_least, from_table, share, unknown_key
from SAMLesionLib.training.tuning import TuneSettings

SOURCES = {
    "cases": "SAMLesionLib.training.case_cubes:CaseSettings",
    "organs": "SAMLesionLib.training.organ_source:OrganSettings",
    "slices": "SAMLesionLib.training.case_slices:SliceSettings",
    "synthetic": "SAMLesionLib.training.synthetic:SyntheticSettings",
    "synthetic-organs": "SAMLesionLib.training.synthetic.organ_source:SyntheticOrganSettings",
}
"""What `[data] source` can be, each as `module:dataclass`; so can be written a class of your own."""


@dataclass(frozen=True)
class GateSettings:
    """The table `[gates]`, for networks that have them.

    Attributes:
        mode: how gates act while training.
        open_share: of all steps at the beginning, with all gates held open.
        wanted: the share of gates that should be open; none to let them be.
        weight: of that wish in the loss.
    """

    mode: GateMode = "hard"
    open_share: float = share(0.1)
    wanted: float = share(0.5)
    weight: float = at_least(0.0, 0.01)


@dataclass(frozen=True)
class OptimizerSettings:
    """The table `[optimizer]`: AdamW, a linear warm-up, then a fall.

    Attributes:
        lr: the highest learning rate.
        decoder_lr: that of prompt encoder and mask decoder; none for the same.
        final_share: the last learning rate over the highest.
        warmup_share: of all steps, with rising learning rate.
        fall: half a wave of a cosine, or a straight line.
        hold: steps for which a learning rate is held before it changes.
        weight_decay: of matrices and filters; norms, biases and scalars do not decay.
        decay_all: whether these decay too.
        betas: of the two moments.
        clip: longest gradient over all parameters.
        clip_parts: whether image encoder, prompt encoder and mask decoder are each held to it, in place of
            all together.
        averaged: how much of the running average of the weights stays in each step, such as 0.999; the
            average is what is judged and kept as the best. 0 for the weights as they are.
    """

    lr: float = at_least(0.0, 8e-4)
    decoder_lr: float | None = at_least(0.0, None)
    final_share: float = share(0.01)
    warmup_share: float = share(0.05)
    fall: Literal["cosine", "linear"] = "cosine"
    hold: int = at_least(1, 1)
    weight_decay: float = at_least(0.0, 0.1)
    decay_all: bool = False
    betas: tuple[float, ...] = (0.9, 0.999)
    clip: float = at_least(0.0, 1.0)
    clip_parts: bool = False
    averaged: float = share(0.0, most=0.99999)

    def __post_init__(self) -> None:
        """Refuse other than two betas."""
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise InputError(
                f"optimizer.betas must be two numbers from 0 to less than 1, got {list(self.betas)}."
            )


@dataclass(frozen=True)
class BatchSettings:
    """The table `[batch]`.

    Attributes:
        samples: that go through the network at once.
        per_step: such batches in one step of the optimizer, shared out among all processes.
        workers: processes that make samples, beside each training process; 0 to make them in it.
    """

    samples: int = at_least(1, 4)
    per_step: int = at_least(1, 1)
    workers: int = at_least(0, 2)


@dataclass(frozen=True)
class ValidationSettings:
    """The table `[validation]`.

    Attributes:
        every: steps between two looks.
        samples: how many, always the same.
        prompts: how they are asked; the schedule is the same at every look.
        points: how they are asked of TAGS.
        best_at: whether the checkpoint is best whose answer to the first prompt is, to the last, or both on
            average; or whose Dice loss and alignment with the words are the lowest together (`loss`).
    """

    every: int = at_least(1, 1000)
    samples: int = at_least(1, 64)
    prompts: ClickSettings = field(default_factory=lambda: ClickSettings(least=5, mask_only=0.0))
    points: PointSettings = field(default_factory=lambda: PointSettings(anywhere=0))
    best_at: Literal["first", "last", "mean", "loss"] = "mean"


@dataclass(frozen=True)
class TrainingConfig:
    """A whole run file.

    Attributes:
        data: what is learned from; the table `[data]`, whose key `source` says which.
        model: a 3D model's name.
        architecture: another network for it, as `module:function`; empty for its own.
        start: weights to start from: a file, or a model's name; empty for random ones.
        steps: of the optimizer.
        seed: of everything random.
        device: where the network runs.
        precision: arithmetic of the network; auto is bfloat16 where the device computes it fast.
        threads: of the CPU; 0 for torch's choice.
        compile: translate the transformer's blocks with torch.compile, for long runs on a GPU.
        recompute: compute TAGS's blocks once more for their gradients, in less memory.
        log_every: steps between two lines of the log.
        save_every: steps between two checkpoints.
        tensorboard: whether the log is written for TensorBoard too (the extra `train`).
        best_weights: numbers in which the best checkpoint is kept.
        prompts: the simulated reader.
        points: the reader of TAGS.
        words: what TAGS's features are held against.
        loss: what is made small.
        gates: how gates learn.
        tune: which parameters learn.
        optimizer: how they learn.
        batch: how samples are put together.
        validation: how checkpoints are compared.
    """

    data: SourceSettings
    model: str = "sgp-sam-small"
    architecture: str = ""
    start: str = ""
    steps: int = at_least(1, 100_000)
    seed: int = at_least(0, 2026)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    threads: int = at_least(0, 0)
    compile: bool = False
    recompute: bool = False
    log_every: int = at_least(1, 20)
    save_every: int = at_least(1, 500)
    tensorboard: bool = False
    best_weights: Literal["float32", "float16"] = "float32"
    prompts: ClickSettings = field(default_factory=ClickSettings)
    points: PointSettings = field(default_factory=PointSettings)
    words: WordSettings = field(default_factory=WordSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    gates: GateSettings = field(default_factory=GateSettings)
    tune: TuneSettings = field(default_factory=TuneSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    batch: BatchSettings = field(default_factory=BatchSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)

    def as_json(self) -> dict[str, Any]:
        """Plain values that `read_config` understands, for checkpoints."""
        values = asdict(self)
        kind = type(self.data)
        values["data"] = {"source": f"{kind.__module__}:{kind.__qualname__}", **values["data"]}
        return values


def read_config(table: Mapping[str, Any]) -> TrainingConfig:
    """The run that a file's content describes.

    Raises:
        InputError: naming an unknown key and the nearest known one, or a value of another kind.
    """
    told = dict(table)
    data = told.get("data")
    if not isinstance(data, Mapping) or "source" not in data:
        raise InputError(
            f"A run file needs a table [data] with source = {' or '.join(map(repr, SOURCES))}, got "
            f"{sorted(told)}."
        )
    told["data"] = _source(dict(data))
    return from_table(TrainingConfig, told)


def _source(data: Table) -> SourceSettings:
    """The settings of the source that the table names."""
    name = str(data.pop("source"))
    if ":" not in name and name not in SOURCES:
        raise InputError(unknown_key(name, SOURCES, "data.source"))
    module, _, settings = SOURCES.get(name, name).partition(":")
    try:
        cls: Any = getattr(import_module(module), settings)
    except (ImportError, AttributeError, ValueError, TypeError) as absent:
        raise InputError(f"data.source {name} cannot be loaded ({absent}). Check its spelling.") from None
    if not isinstance(cls, type) or not is_dataclass(cls) or not hasattr(cls, "open"):
        raise InputError(
            f"data.source {name} must name a dataclass with open(card, part). Check its spelling."
        )
    source: Any = from_table(cls, data, "data")
    return cast(SourceSettings, source)
