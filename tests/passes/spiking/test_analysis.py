"""Which tensors are found to be spikes."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir
import pytest

from tinyc.passes.onnx_builder import GraphBuilder
from tinyc.passes.spiking.analysis import spiking_of


def network(dtype: oir.DataType, operator: str | None) -> oir.Model:
    """Three inputs of a type, made float, through a dense layer to two neurons, or to none."""
    graph = GraphBuilder("given")
    given = graph.input("given", [1, 3], dtype)
    x = graph.op("Cast", "x", [given], to=int(oir.DataType.FLOAT))
    current = graph.op("Gemm", "layer", [x, graph.weight("w", np.ones((3, 2), np.float32))])
    if operator is not None:
        current = graph.neurons(operator, "neurons", current, [1, 2], {"beta": 0.5, "threshold": 1.0})
    return oir.serde.deserialize_model(graph.model({"y": current}, 18))


@pytest.mark.parametrize(
    ("dtype", "operator", "given"),
    [
        (oir.DataType.BOOL, "LIF", True),
        (oir.DataType.BOOL, "LI", True),
        (oir.DataType.UINT8, "LIF", False),
        (oir.DataType.BOOL, None, False),
    ],
)
def test_booleans_that_the_caller_gives_are_spikes(
    dtype: oir.DataType, operator: str | None, given: bool
) -> None:
    """Where there are neurons: the masks of other networks are none."""
    found = spiking_of(network(dtype, operator))
    assert ("/x/Cast_output_0" in found.spikes) == given
    assert ("/layer/Gemm_output_0" in found.currents) == given
