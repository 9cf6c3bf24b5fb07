"""``tinyc inspect``: what a model holds and where it would fit, without calibration data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import onnx_ir as oir
from rich.text import Text

from ..ir.names import model_identifier
from ..ir.program import Program
from ..passes.canonicalize import canonicalize
from ..passes.dead_channels import remove_dead_channels
from ..passes.import_onnx import import_model
from ..passes.lower import lower
from ..passes.lower.unsupported import unsupported_operators
from ..passes.quantize.outline import outlined
from ..targets import Target, load_target, target_names
from . import console
from .blame import blaming_invalid_models, located
from .fitting import STACK, Fit, Needs, Verdict, judge, needs_of
from .memory import live_bytes
from .options import Source
from .parameters import count_parameters
from .scheduling import ordered

_BAR = 24
_COLOURS = {Verdict.FITS: "green", Verdict.ROWS: "green", Verdict.CLOSE: "yellow", Verdict.NOT: "red"}


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
class Sizes:
    """What the int8 form takes (which a float model becomes when it is quantized), and the verdict per board;
    ``layers`` as they run one after the other. Bytes of memory, all of them planned or estimated."""

    needs: Needs
    layers: tuple[LayerSize, ...]
    boards: tuple[Fit, ...]

    @property
    def macs(self) -> int:
        """Of one inference."""
        return sum(row.macs for row in self.layers)


@dataclass(frozen=True)
class Inspection:
    """What is in a model; ``sizes`` is None where ``unsupported`` operators keep tinyc from compiling it."""

    name: str
    opset: int
    operators: Mapping[str, int]
    unsupported: tuple[str, ...]
    parameters: int
    sizes: Sizes | None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "name": self.name,
            "opset": self.opset,
            "operators": dict(self.operators),
            "unsupported": list(self.unsupported),
            "parameters": self.parameters,
            **(_sizes(self.sizes) if self.sizes else {}),
        }

    def show(self) -> None:
        """Prints tables: the model, its layers with a bar for their SRAM, the boards."""
        operators = ", ".join(f"{name} ×{count}" for name, count in self.operators.items())
        facts = {"opset": self.opset, "operators": operators, "parameters": f"{self.parameters:,}"}
        if self.sizes is None:
            console.show_mapping(self.name, facts | {"not supported": ", ".join(self.unsupported)})
            return
        console.show_mapping(self.name, facts | {"MACs": f"{self.sizes.macs:,}"} | _memory(self.sizes.needs))
        _show_layers(self.sizes.layers)
        _show_boards(self.sizes)


def _sizes(sizes: Sizes) -> dict[str, Any]:
    return {
        "macs": sizes.macs,
        **sizes.needs.to_dict(),
        "layers": [asdict(row) | {"shape": list(row.shape)} for row in sizes.layers],
        "boards": [fit.to_dict() for fit in sizes.boards],
    }


def _memory(needs: Needs) -> dict[str, str]:
    ways = {
        "arena, layer by layer": needs.layers,
        "arena, at least": needs.least,
        "rows fed once": needs.rows,
        "rows fed again": needs.again,
    }
    said = {
        name: f"{console.kilobytes(need.arena)}{'' if need is needs.layers else f': {need.schedule}'}"
        for name, need in ways.items()
        if need is not None
    }
    if needs.state:
        said["state"] = console.kilobytes(needs.state)
    said["weights"] = console.kilobytes(needs.layers.flash)
    return said | {"": "in int8; planned, not measured"}


def _show_layers(layers: Sequence[LayerSize]) -> None:
    most = max((row.sram for row in layers), default=1)
    rows = [
        (
            row.name, row.operator, "×".join(map(str, row.shape)), f"{row.macs:,}", f"{row.sram:,}",
            "█" * round(_BAR * row.sram / most),
        )
        for row in layers
    ]  # fmt: skip
    columns = ["layer", "operator", "output", "MACs", "SRAM", ""]
    console.show(console.table("layers, one after the other", columns, rows, right=["MACs", "SRAM"]))


def _show_boards(sizes: Sizes) -> None:
    rows = [
        (fit.board, Text(fit.verdict.value, _COLOURS[fit.verdict]), f"{fit.sram:+,}", f"{fit.flash:+,}")
        for fit in sizes.boards
    ]
    title = (
        f"boards: bytes left (+) or missing (−), estimated: "
        f"{STACK:,} allowed for the stack, {sizes.needs.code:,} for code"
    )
    right = ["SRAM", "flash"]
    console.show(console.table(title, ["board", "", *right], rows, right=right))
    if any(fit.verdict is Verdict.CLOSE for fit in sizes.boards):
        console.show("close: stack, code or a longer search decide; `tinyc compile` measures them")


def inspect_model(
    source: Source,
    input_shapes: Mapping[str, tuple[int, ...]],
    states: Sequence[str] = (),
    targets: Sequence[str] = (),
) -> Inspection:
    """Imports ``source`` and plans its int8 form; ``states`` are pairs ``IN:OUT``, ``targets`` the boards to
    judge, by name or file (none: all that come with tinyc). Nothing is run.

    Raises ModelError where the model cannot be read, UsageError for options that do not fit it.
    """
    boards = _boards(targets)
    with located(source):
        return _inspected(import_model(source, input_shapes, states), boards)


def _inspected(model: oir.Model, boards: Sequence[Target]) -> Inspection:
    name = model_identifier(model.metadata_props["tinyc.source_name"])
    operators = dict(sorted(Counter(node.op_type for node in model.graph).items()))
    opset, parameters = int(model.metadata_props["tinyc.source_opset"]), count_parameters(model)
    with blaming_invalid_models(model.clone()):
        model = remove_dead_channels(canonicalize(model))
        unsupported = tuple(sorted({node.op_type for node in unsupported_operators(model)}))
        sizes = None if unsupported else _planned(lower(_as_int8(model), name), boards)
    return Inspection(name, opset, operators, unsupported, parameters, sizes)


def _boards(targets: Sequence[str]) -> list[Target]:
    return [load_target(name) for name in targets or [n for n in target_names() if n != "host"]]


def _as_int8(model: oir.Model) -> oir.Model:
    """As it is, where it holds integers already."""
    quantized = any(node.op_type in ("QuantizeLinear", "DequantizeLinear") for node in model.graph)
    return model if quantized else outlined(model)


def _planned(program: Program, boards: Sequence[Target]) -> Sizes:
    program = ordered(program)
    needs = needs_of(program)
    return Sizes(needs, _layers(program), tuple(judge(needs, board) for board in boards))


def _layers(program: Program) -> tuple[LayerSize, ...]:
    live = live_bytes(program)
    return tuple(
        LayerSize(
            step.name, step.source, step.operator, program.buffers[step.outputs[0]].shape,
            step.kernel.cost(program.buffers[step.outputs[0]].whole).macs, live[index],
        )
        for index, step in enumerate(program.steps)
    )  # fmt: skip
