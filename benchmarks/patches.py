"""Patches of two classes against patches of one: BitOPs, arena and accuracy, as a table or as JSON.

    python -m tinyc.benchmarks.patches [--json] [--models ../shared/models] [--only NAME ...]
        [--grid 3x3] [--coverage 0.96] [--threshold 0.5] [--search]

All models run the same first layers in the same patches, and the others layer by layer. ``one class``: all
positions alike; ``two classes``: those that hold outliers keep 8 bits; ``at run time``: whichever patches
hold outliers in an inference do. With ``4 bits`` and ``2 bits`` that is
what the maps within these layers have elsewhere, and all else is int8; ``searched`` is mixed precision as a
compile finds it. BitOPs are those of the tasks, halo included, and where values decide, those to be expected
by the calibration samples, and at most; the arena is placed. Data and metrics are as
in ``tinyc.benchmarks.mixed``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import onnx_ir as oir

from ..ir.program import Program
from ..passes.dead_channels import remove_dead_channels
from ..passes.mixed_precision import MixedOptions, Patches, PatchOptions, Stage, patches_of, search, stage_of
from ..passes.mixed_precision.branches import TWIN, WHOLE
from ..passes.mixed_precision.patches import inner_tensors
from ..passes.place import place
from ..passes.quantize.pipeline import Quantizer
from ..passes.schedule import Grid, Segment, build
from ..passes.schedule.cost import bitops, most
from ..passes.schedule.selection import Selection
from .mixed import NAMES, ROOT, Data, accuracy_of, load, program_of


@dataclass(frozen=True)
class Row:
    """A model in one way: ``accuracy`` is the share of evaluation samples, the arena in bytes."""

    model: str
    way: str
    classes: str
    bitops: int
    most: int
    arena: int
    accuracy: float


def rows(name: str, data: Data, stage: Stage, options: PatchOptions, searched: bool) -> list[Row]:
    """int8, and each way with one class, with two, and with classes that values decide."""
    patches = patches_of(data.model, data.calibration, stage, options)
    decided = patches_of(data.model, data.calibration, stage, replace(options, decided="runtime"))
    inner = inner_tensors(data.model, stage)
    one, two, values = (Quantizer(m, data.calibration) for m in (data.model, patches.model, decided.model))
    made = [_row(name, "int8", one.quantized({}, {}), data, patches)]
    for bits in (4, 2):
        ways = (("one class", one, ""), ("two classes", two, TWIN), ("at run time", values, TWIN))
        for classes, quantizer, end in ways:
            widths = _narrowed(quantizer, {f"{tensor}{end}" for tensor in inner}, stage.source.source, bits)
            made.append(_row(name, f"{classes}, {bits} bits", quantizer.quantized(widths, {}), data, patches))
    if searched:
        for classes, model, branches in (
            ("one class", data.model, WHOLE), ("two classes", patches.model, patches.branches),
        ):  # fmt: skip
            limits = MixedOptions(goal="fast", objective="bitops")
            found = search(model, data.calibration, data.labels[0], program_of, limits, branches=branches)
            made.append(_row(name, f"{classes}, searched", found.model, data, patches))
    return made


def _narrowed(quantizer: Quantizer, tensors: set[str], image: str, bits: int) -> dict[str, int]:
    """Bits for ``tensors``, but for those that only are other names of the image."""
    groups = [set(group.members) for group in quantizer.groups if image not in group.members]
    return {tensor: bits for group in groups for tensor in group & tensors}


def _row(name: str, way: str, model: oir.Model, data: Data, patches: Patches) -> Row:
    program = in_patches(program_of(remove_dead_channels(model.clone())), patches)
    plan = place(program).plan
    assert plan is not None
    drawn = "/".join(patches.classes.drawn().splitlines()) if way.startswith("two") else ""
    work = bitops(program), most(program).bitops
    return Row(name, way, drawn, *work, plan.arena_bytes, accuracy_of(model, data))


def in_patches(layers: Program, patches: Patches) -> Program:
    """``layers``, of the model with one branch or with two, with the stage in its patches."""
    ends = (f"{patches.stage.result.source}_quantized", f"{patches.stage.result.source}_selected_quantized")
    stages = [
        index
        for index, step in enumerate(layers.steps)
        if isinstance(step.kernel, Selection) or layers.buffers[step.outputs[0]].source in ends
    ]
    end = stages[-1] + 1
    rest = [Segment(index, index + 1) for index in range(end, len(layers.steps))]
    grid = Grid(patches.stage.grid.down, patches.stage.grid.across)
    return build(layers, [Segment(0, end, grid), *rest])


def table(found: list[Row]) -> str:
    """Rows as Markdown, each against the int8 row of its model."""
    lines = ["| model | | map | BitOPs | at most | arena | accuracy |", "|---|---|---|---|---|---|---|"]
    base = {row.model: row for row in found if row.way == "int8"}
    for row in found:
        of = base[row.model]
        lines.append(
            f"| {row.model} | {row.way} | {row.classes} "
            f"| {row.bitops / 1e6:,.0f} M ({of.bitops / row.bitops:.2f}× fewer) | {row.most / 1e6:,.0f} M "
            f"| {row.arena:,} B ({row.arena / of.arena - 1:+.0%}) | {row.accuracy:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Prints the table, or JSON."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--models", type=Path, default=ROOT.parent / "shared" / "models")
    parser.add_argument("--only", nargs="*", choices=NAMES, default=NAMES)
    parser.add_argument("--grid", default="3x3")
    parser.add_argument("--coverage", type=float, default=0.96)
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    down, across = map(int, arguments.grid.split("x"))
    options = PatchOptions(arguments.coverage, arguments.threshold)
    found: list[Row] = []
    for name in arguments.only:
        data = load(name, arguments.models)
        stage = stage_of(program_of(data.model), down, across)
        found += rows(name, data, stage, options, arguments.search)
    print(json.dumps([asdict(row) for row in found], indent=1) if arguments.json else table(found))


if __name__ == "__main__":
    main()
