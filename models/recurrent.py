"""Stacks of LSTM or GRU layers with random weights, as PyTorch's exporter writes them.

The networks are for studies of memory and time, which trained weights would not change. Weights are uniform
within ± 1/√units, as PyTorch begins with them.

    python -m tinyc.models.recurrent --cell LSTM --layers 2 --units 128 -o lstm.onnx
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx

from ..passes.onnx_builder import GraphBuilder

OPSET = 17
_SEED = 1
_GATES = {"LSTM": 4, "GRU": 3}


def build_model(cell: str, layers: int, units: int, frames: int, features: int) -> onnx.ModelProto:
    """``layers`` of ``units`` each over (``frames``, 1, ``features``) float32, and the states of the last,
    (``frames``, 1, ``units``). A GRU's reset gate takes effect behind its product, as PyTorch has it."""
    graph, rng = GraphBuilder(cell.lower()), np.random.default_rng(_SEED)
    x = graph.input("x", [frames, 1, features])
    reach, axis = 1 / np.sqrt(units), graph.weight("direction", np.array([1], np.int64))
    for layer in range(layers):
        rows = _GATES[cell] * units
        shapes = {
            "W": (1, rows, features if layer == 0 else units),
            "R": (1, rows, units),
            "B": (1, 2 * rows),
        }
        operands = [
            graph.weight(f"{cell}.{layer}.{name}", rng.uniform(-reach, reach, shape).astype(np.float32))
            for name, shape in shapes.items()
        ]
        attributes: dict[str, Any] = {"linear_before_reset": 1} if cell == "GRU" else {}
        states = graph.op(cell, f"layer{layer}", [x, *operands], hidden_size=units, **attributes)
        x = graph.op("Squeeze", f"layer{layer}", [states, axis])
    return graph.model({"states": x}, OPSET)


@click.command()
@click.option("--cell", type=click.Choice(sorted(_GATES)), default="LSTM", show_default=True)
@click.option("--layers", type=click.IntRange(1, 8), default=2, show_default=True)
@click.option("--units", type=click.IntRange(1, 1024), default=128, show_default=True)
@click.option("--frames", type=click.IntRange(1, 4096), default=128, show_default=True)
@click.option("--features", type=click.IntRange(1, 1024), default=64, show_default=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE.onnx"
)
def main(cell: str, layers: int, units: int, frames: int, features: int, output: Path) -> None:
    """Writes the model; the same options give the same bytes."""
    onnx.save(build_model(cell, layers, units, frames, features), output)
    click.echo(f"{output}: {layers} × {cell} {units}, {frames} frames of {features}, random weights")


if __name__ == "__main__":
    main()
