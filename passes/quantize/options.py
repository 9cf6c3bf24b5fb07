"""What a caller may choose about quantization."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Progress = Callable[[str, float], None]
"""Called with the name of a stage and the share of it that is done, 0 to 1."""


@dataclass(frozen=True)
class QuantizeOptions:
    """Bounds on the work, and ties between tensors.

    ``tied`` are pairs of tensors that must have one quantization, besides the model's states.
    ``activation_bits`` gives tensors 16, 4 or 2 bits; ``weight_bits`` gives 4 or 2 to the weights of the
    operator that makes the tensor named; all others have 8. Tensors that share one quantization have the
    most bits that any of them is given.
    ``time_axis`` is that of the inputs along which the model will be streamed: ranges hold for every step
    then. ``samples`` is how many calibration samples choices are judged on (evenly spread over all of them;
    ranges are always taken from every sample). ``memory`` bounds, in bytes, the activations that are
    held at once while weights are rounded; samples are left out where it would be exceeded.
    """

    tied: tuple[tuple[str, str], ...] = ()
    activation_bits: Mapping[str, int] = field(default_factory=dict[str, int])
    weight_bits: Mapping[str, int] = field(default_factory=dict[str, int])
    time_axis: int | None = None
    samples: int = 128
    memory: int = 1 << 30


DEFAULTS = QuantizeOptions()


def silent(stage: str, share: float) -> None:
    """The Progress that tells nobody."""
