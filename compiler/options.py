"""What a user asks of a compilation."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import onnx

from ..codegen.export import ExportKind
from ..codegen.optimization import Optimize
from ..ir.errors import UsageError
from ..passes.nir import NirReset
from ..passes.spiking.inputs import SpikeCoding

Precision = Literal["auto", "float32", "int8", "mixed"]
Objective = Literal["cycles", "bitops"]
PatchClass = Literal["static", "runtime"]
IoLayout = Literal["nhwc", "model"]
InputDtype = Literal["int8", "uint8", "float32"]
ScheduleGoal = Literal["fit", "min-sram", "fast"]
InputMode = Literal["buffer", "rows", "reread"]
OptimizeGoal = Literal["auto", "speed", "size"]
Source = str | os.PathLike[str] | onnx.ModelProto

MOST_STEPS = 1024
"""Time steps of a spiking network; more tell rates apart that no weight of 8 bits does."""
AUTO = "auto"
"""``stream`` along the axis that the model itself shows."""
RANDOM = "random"
"""``calibration`` for studies of size: random numbers instead of data."""


@dataclass(frozen=True)
class CompileOptions:
    """Options of ``tinyc compile``; budgets in bytes, None: the target's own. ``max_drop`` is in points,
    ``lam`` is ``--lambda``; both and ``objective`` are for mixed precision, as are ``patches`` (down, across;
    or those of the schedule in 8 bits), whose coverage and threshold are shares and whose ``patch_class`` is
    of a position, or of its values in each inference. ``states`` are pairs
    ``IN:OUT``. ``dt``, in seconds, and ``nir_reset`` are for .nir files. ``spiking`` is a number of time
    steps, ``spike_coding`` how its inputs come in. ``stream`` is the axis of the inputs that is time, or
    AUTO: that along which the model is recurrent."""

    target: str
    calibration: str | Path | None = None
    evaluate: str | Path | None = None
    precision: Precision = "auto"
    sram_budget: int | None = None
    flash_budget: int | None = None
    max_drop: float = 1.0
    lam: float = 0.5
    objective: Objective = "cycles"
    patches: tuple[int, int] | Literal["auto"] | None = None
    patch_coverage: float = 0.96
    patch_threshold: float = 0.5
    patch_class: PatchClass = "static"
    io_layout: IoLayout = "nhwc"
    input_dtype: InputDtype = "int8"
    schedule: ScheduleGoal = "fit"
    pareto: int | None = None
    input_mode: InputMode = "buffer"
    optimize: OptimizeGoal = "auto"
    input_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    states: Sequence[str] = ()
    export: ExportKind | None = None
    name: str | None = None
    verify: bool = True
    dump_passes: Path | None = None
    check_passes: bool = False
    dt: float | None = None
    nir_reset: NirReset | None = None
    spiking: int | None = None
    spike_coding: SpikeCoding = "analog"
    stream: int | str | None = None

    def __post_init__(self) -> None:
        _require(self.precision, Precision, "--precision")
        _require(self.objective, Objective, "--objective")
        _require(self.patch_class, PatchClass, "--patch-class")
        _require(self.io_layout, IoLayout, "--io-layout")
        _require(self.input_dtype, InputDtype, "--input-dtype")
        _require(self.schedule, ScheduleGoal, "--schedule")
        _require(self.input_mode, InputMode, "--input-mode")
        _require(self.spike_coding, SpikeCoding, "--spike-coding")
        _require(self.optimize, OptimizeGoal, "--optimize")
        _require_within(self.max_drop, 0, 100, "--max-drop")
        _require_within(self.lam, 0, 1, "--lambda")
        _require_within(self.patch_threshold, 0, 1, "--patch-threshold")
        self._require_patched()
        self._require_spiking()
        self._require_stream()
        if self.export is not None:
            _require(self.export, ExportKind, "--export")
        if self.nir_reset is not None:
            _require(self.nir_reset, NirReset, "--nir-reset")

    @property
    def goal(self) -> Optimize:
        """What code is optimized for; ``auto`` is ``speed`` unless the code has no room in flash then."""
        return "size" if self.optimize == "size" else "speed"

    def _require_patched(self) -> None:
        """UsageError where patches are asked for together with what leaves no room for them."""
        if self.patches is None:
            if self.patch_class != "static":
                raise UsageError(
                    f"--patch-class {self.patch_class} needs --patches",
                    why="it says when the class of each patch is decided",
                    remedy="add --patches auto, or a grid such as 3x3",
                )
            return
        if not 0 < self.patch_coverage < 1:
            raise UsageError(
                f"--patch-coverage cannot be {self.patch_coverage:g}",
                remedy="choose a number between 0 and 1, neither of them",
            )
        if self.precision != "mixed":
            raise UsageError(
                f"--patches does not go with --precision {self.precision}",
                why="it says which positions of an image keep 8 bits where others get fewer",
                remedy="add --precision mixed",
            )
        if self.objective != "bitops":
            raise UsageError(
                f"--patches does not go with --objective {self.objective}",
                why="patches compute their halos again: they save BitOPs, and no cycles",
                remedy="add --objective bitops",
            )
        if self.schedule == "fast" and self.pareto is None:
            raise UsageError(
                "--patches does not go with --schedule fast",
                why="whole layers would compute each position twice, in 8 bits and in fewer",
                remedy="choose --schedule fit or min-sram",
            )

    def _require_spiking(self) -> None:
        if self.spiking is None:
            if self.spike_coding != "analog":
                raise UsageError(
                    f"--spike-coding {self.spike_coding} does not go without --spiking",
                    why="it says how the inputs come into a network that is converted to spikes",
                    remedy="add --spiking STEPS, or leave it out",
                )
            return
        _require_within(self.spiking, 1, MOST_STEPS, "--spiking")
        if self.check_passes:
            raise UsageError(
                "--spiking does not go with --check-passes",
                why="the output of one time step is no output of the network that it was made from",
                remedy="leave one of the two out; the report has the agreement after each time step",
            )
        if self.precision not in ("auto", "int8"):
            raise UsageError(
                f"--spiking does not go with --precision {self.precision}",
                why="a spiking network has spikes of one bit, membranes of 16 and weights of 8",
                remedy="leave one of the two out",
            )

    @property
    def stream_axis(self) -> int | None:
        """The axis that ``stream`` names; None where it names none."""
        return None if self.stream in (None, AUTO) else int(str(self.stream))

    def _require_stream(self) -> None:
        if self.stream is None:
            return
        if self.stream != AUTO and not str(self.stream).isdigit():
            raise UsageError(
                f"--stream cannot be {str(self.stream)[:40]!r}",
                remedy="leave the axis out, or give the number of the inputs' axis that is time, from 0",
            )
        others = {
            "--check-passes": self.check_passes, "--spiking": self.spiking is not None,
            "--state": bool(self.states), "--input-mode": self.input_mode != "buffer",
        }  # fmt: skip
        for option, given in others.items():
            if given:
                raise UsageError(
                    f"--stream does not go with {option}",
                    why="it makes a model of one time step of a model of whole sequences",
                    remedy="leave one of the two out",
                )

    def described(self) -> str:
        """``words`` in one line."""
        return " ".join(self.words())

    def words(self) -> list[str]:
        """The options that shape the emitted code, as typed, each with its value behind a blank; no paths."""
        parts = [f"--target {self.target if os.sep not in self.target else Path(self.target).name}"]
        parts.append(f"--precision {self.precision}")
        if self.precision == "mixed":
            parts += [f"--max-drop {self.max_drop:g}", f"--lambda {self.lam:g}"]
            parts.append(f"--objective {self.objective}")
        if self.patches is not None:
            grid = self.patches if self.patches == "auto" else "x".join(map(str, self.patches))
            parts += [f"--patches {grid}", f"--patch-coverage {self.patch_coverage:g}"]
            parts.append(f"--patch-threshold {self.patch_threshold:g}")
            parts.append(f"--patch-class {self.patch_class}")
        if self.io_layout != "nhwc":
            parts.append(f"--io-layout {self.io_layout}")
        if self.input_dtype != "int8":
            parts.append(f"--input-dtype {self.input_dtype}")
        if self.schedule != "fit":
            parts.append(f"--schedule {self.schedule}")
        if self.pareto is not None:
            parts.append(f"--pareto {self.pareto}")
        if self.input_mode != "buffer":
            parts.append(f"--input-mode {self.input_mode}")
        if self.optimize != "auto":
            parts.append(f"--optimize {self.optimize}")
        parts += [f"--state {state}" for state in self.states]
        if self.sram_budget is not None:
            parts.append(f"--sram-budget {self.sram_budget}")
        if self.flash_budget is not None:
            parts.append(f"--flash-budget {self.flash_budget}")
        if self.export is not None:
            parts.append(f"--export {self.export}")
        if self.dt is not None:
            parts.append(f"--dt {self.dt:g}")
        if self.spiking is not None:
            parts.append(f"--spiking {self.spiking}")
            parts += [] if self.spike_coding == "analog" else [f"--spike-coding {self.spike_coding}"]
        if self.stream is not None:
            parts.append("--stream" if self.stream == AUTO else f"--stream {self.stream}")
        if self.nir_reset is not None:
            parts.append(f"--nir-reset {self.nir_reset}")
        return parts


def _require_within(value: float, low: float, high: float, option: str) -> None:
    if not low <= value <= high:
        raise UsageError(
            f"{option} cannot be {value:g}", remedy=f"choose a number from {low:g} to {high:g}"
        )


def _require(value: str, choices: Any, option: str) -> None:
    """What the command line's parser checks, for calls from Python."""
    allowed = get_args(choices)
    if value not in allowed:
        raise UsageError(
            f"{option} cannot be {str(value)[:40]!r}", remedy=f"choose one of {', '.join(allowed)}"
        )
