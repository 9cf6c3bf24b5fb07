"""``tinyc inspect``: what a model holds and where it would fit, without calibration data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..ir.dtype import DType
from ..ir.names import model_identifier
from ..ir.program import Program
from ..passes.canonicalize import canonicalize
from ..passes.dead_channels import remove_dead_channels
from ..passes.import_onnx import import_model
from ..passes.lower import lower
from ..passes.lower.unsupported import unsupported_operators
from ..passes.place import place
from ..passes.settle import settle_states
from ..passes.views import eliminate_copies
from ..targets import load_target, target_names
from . import console
from .blame import blaming_invalid_models
from .memory import live_bytes
from .options import Source
from .parameters import count_parameters


@dataclass(frozen=True)
class LayerSize:
    """SRAM in use while a layer runs, in bytes."""

    name: str
    node: str
    operator: str
    shape: tuple[int, ...]
    macs: int
    sram: int


@dataclass(frozen=True)
class Inspection:
    """Sizes of the int8 form (what a float model becomes when it is quantized), and the verdict per board."""

    name: str
    opset: int
    operators: Mapping[str, int]
    unsupported: tuple[str, ...]
    parameters: int
    macs: int
    arena: int
    state: int
    weights: int
    layers: tuple[LayerSize, ...]
    fits: Mapping[str, bool]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "name": self.name,
            "opset": self.opset,
            "operators": dict(self.operators),
            "unsupported": list(self.unsupported),
            "parameters": self.parameters,
            "macs": self.macs,
            "arena": self.arena,
            "state": self.state,
            "weights": self.weights,
            "layers": [
                asdict(row) | {"shape": list(row.shape)}
                for row in self.layers
            ],
            "fits": dict(self.fits),
        }  # fmt: skip

    def show(self) -> None:
        """Prints tables: the model, its layers with a bar for their SRAM, the boards."""
        operators = ", ".join(f"{name} ×{count}" for name, count in self.operators.items())
        facts = {
            "opset": self.opset,
            "operators": operators,
            "parameters": f"{self.parameters:,}",
            "MACs": f"{self.macs:,}",
        }
        if self.unsupported:
            facts["not supported"] = ", ".join(self.unsupported)
            console.show_mapping(self.name, facts)
            return
        facts |= {
            "arena, int8": console.kilobytes(self.arena),
            **({"state, int8": console.kilobytes(self.state)} if self.state else {}),
            "weights, int8": console.kilobytes(self.weights),
        }
        console.show_mapping(self.name, facts)
        most = max((row.sram for row in self.layers), default=1)
        rows = [
            (
                row.name, row.operator, "×".join(map(str, row.shape)), f"{row.macs:,}", f"{row.sram:,}",
                "█" * round(24 * row.sram / most),
            )
            for row in self.layers
        ]  # fmt: skip
        console.show(
            console.table(
                "layers", ["layer", "operator", "output", "MACs", "SRAM", ""], rows, right=["MACs", "SRAM"]
            )
        )
        counted = "weights, arena and state" if self.state else "weights and arena"
        verdicts = [(name, "fits" if fits else "does not fit") for name, fits in self.fits.items()]
        console.show(console.table(f"boards (int8, {counted})", ["board", ""], verdicts))


def inspect_model(
    source: Source, input_shapes: Mapping[str, tuple[int, ...]], states: Sequence[str] = ()
) -> Inspection:
    """Imports ``source`` and plans its int8 form layer by layer; ``states`` are pairs ``IN:OUT``. Raises
    ModelError where it cannot be read, UsageError for options that do not fit it."""
    model = import_model(source, input_shapes, states)
    name = model_identifier(model.metadata_props["tinyc.source_name"])
    operators = dict(sorted(Counter(node.op_type for node in model.graph).items()))
    opset, parameters = int(model.metadata_props["tinyc.source_opset"]), count_parameters(model)
    with blaming_invalid_models(model.clone()):
        model = remove_dead_channels(canonicalize(model))
        unsupported = tuple(sorted({node.op_type for node in unsupported_operators(model)}))
        if unsupported:
            return Inspection(name, opset, operators, unsupported, parameters, 0, 0, 0, 0, (), {})
        program = place(settle_states(eliminate_copies(_as_int8(lower(model, name)))))
    assert program.plan is not None
    layers = _layers(program)
    weights = _int8_weights(program)
    arena, state = program.plan.arena_bytes, program.plan.state_bytes
    boards = [load_target(known) for known in target_names()]
    fits = {b.name: arena + state <= b.sram_bytes and weights <= b.flash_bytes for b in boards}
    macs = sum(row.macs for row in layers)
    return Inspection(name, opset, operators, (), parameters, macs, arena, state, weights, layers, fits)


def _as_int8(program: Program) -> Program:
    """The program with every float tensor stored in 8 bits, as quantization would have it."""
    buffers = {
        name: replace(buffer, dtype=DType.INT8) if buffer.dtype.is_float else buffer
        for name, buffer in program.buffers.items()
    }
    return replace(program, buffers=buffers)


def _int8_weights(program: Program) -> int:
    """Bytes of flash: float weights take one byte each, a bias four."""
    total = 0
    for step in program.steps:
        for name, array in step.kernel.constants().items():
            total += array.size if array.dtype.kind == "f" and name != "bias" else array.nbytes
    return total


def _layers(program: Program) -> tuple[LayerSize, ...]:
    live = live_bytes(program)
    return tuple(
        LayerSize(
            step.name, step.source, step.operator, program.buffers[step.outputs[0]].shape,
            step.kernel.cost(program.buffers[step.outputs[0]].whole).macs, live[index],
        )
        for index, step in enumerate(program.steps)
    )  # fmt: skip
