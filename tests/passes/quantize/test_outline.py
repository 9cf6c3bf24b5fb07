"""The outline of a quantized model against the quantized model: the same sizes, without a sample."""

from __future__ import annotations

from pathlib import Path

import onnx_ir as oir
import pytest

import tinyc
from tinyc.codegen.emit import weight_bytes
from tinyc.ir.errors import ModelError
from tinyc.ir.program import Program
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import lower
from tinyc.passes.place import place
from tinyc.passes.quantize import quantize
from tinyc.passes.quantize.outline import outlined
from tinyc.passes.samples import input_specs, random_samples

from ..small_networks import NETWORKS, float_model_of

STATEFUL = Path(tinyc.__file__).parent / "models" / "l2mu_digits.onnx"
"""Spikes of 1 bit, membranes of 16, states."""


@pytest.fixture
def model(name: str) -> oir.Model:
    return canonicalize(import_model(STATEFUL)) if name == "l2mu" else float_model_of(name)


def sizes(program: Program) -> list[tuple[str, list[int]]]:
    """Of each step the kernel's template and the bytes of its operands."""
    return [
        (step.kernel.template, [program.buffers[name].nbytes for name in (*step.inputs, *step.outputs)])
        for step in program.steps
    ]


@pytest.mark.parametrize("name", [*NETWORKS, "l2mu"])
def test_layers_and_tensors_have_the_sizes_that_quantization_gives_them(model: oir.Model) -> None:
    samples = random_samples(input_specs(model.graph.inputs), 4, seed=0)
    quantized = place(lower(quantize(model, samples.arrays), "net"), seconds=0)
    outline = place(lower(outlined(model), "net"), seconds=0)
    assert sizes(outline) == sizes(quantized)
    assert weight_bytes(outline) == pytest.approx(weight_bytes(quantized), rel=0.02)


@pytest.mark.parametrize("name", ["kws"])
def test_the_float_model_stays_as_it_is(model: oir.Model) -> None:
    before = [node.op_type for node in model.graph]
    outlined(model)
    assert [node.op_type for node in model.graph] == before and "QuantizeLinear" not in before


@pytest.mark.parametrize("name", ["kws"])
def test_a_quantized_model_is_refused(model: oir.Model) -> None:
    with pytest.raises(ModelError, match="quantized already"):
        outlined(outlined(model))
