"""Loop and Scan with a known number of iterations are copies of their bodies, and mean the same."""

from __future__ import annotations

import numpy as np
import onnx.parser
import pytest

from tinyc.ir.errors import ModelError
from tinyc.passes.import_onnx import import_model
from tinyc.passes.importing import unroll

from .onnx_text import assert_same

SCAN = """
agraph (float[2] s, float[{x}] x, float[3,4] w) => (float[2] last, float[{y}] all)
{{
    last, all = Scan <num_scan_inputs = 2, {attributes} body = step
        (float[2] before, float[2] row, float[4] other) => (float[2] after, float[2] out) {{
            total = ReduceMax <keepdims = 0> (other)
            sum = Add (before, row)
            after = Mul (sum, total)
            out = Tanh (sum)
        }}> (s, x, w)
}}
"""
LOOP = """
agraph (float[1,3] x) => (float[1,3] last, float[{steps},1,3] all)
<int64 trips = {{{steps}}}, bool always = {{1}}, float[3] weight = {{0.5, -1.0, 2.0}}>
{{
    last, all = Loop (trips, always, x) <body = step
        (int64 number, bool going, float[1,3] before) => (bool on, float[1,3] after, float[1,3] out) {{
            least = ReduceMin <keepdims = 0> (before)
            on = {condition}
            real = Cast <to = 1> (number)
            scaled = Mul (before, weight)
            after = Add (scaled, real)
            out = Neg (before)
        }}>
}}
"""


def model(text: str, opset: int = 21) -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]>\n{text}')


@pytest.mark.parametrize("opset", [11, 13, 21])
@pytest.mark.parametrize(
    ("x", "y", "attributes"),
    [
        ("3,2", "3,2", ""),
        ("2,3", "3,2", "scan_input_axes = [1, 0], "),
        ("3,2", "2,3", "scan_output_axes = [1], scan_input_directions = [1, 0], "),
        ("3,2", "3,2", "scan_output_directions = [1], "),
    ],
)
def test_scan(x: str, y: str, attributes: str, opset: int) -> None:
    proto = model(SCAN.format(x=x, y=y, attributes=attributes), opset)
    imported = import_model(proto)
    assert [node.op_type for node in imported.graph].count("Mul") == 3
    assert_same(imported, proto)


@pytest.mark.parametrize("condition", ["Identity (going)", "Constant <value = bool {1}> ()"])
@pytest.mark.parametrize("steps", [1, 4])
def test_loop(steps: int, condition: str) -> None:
    proto = model(LOOP.format(steps=steps, condition=condition))
    imported = import_model(proto)
    assert [node.op_type for node in imported.graph].count("Mul") == steps
    assert_same(imported, proto)


NESTED = """
agraph (float[1,3] x) => (float[1,3] last)
<int64 trips = {{{outer}}}, bool always = {{1}}, int64 few = {{{inner}}}>
{{
    last = Loop (trips, always, x) <body = step
        (int64 number, bool going, float[1,3] before) => (bool on, float[1,3] after) {{
            on = Identity (going)
            deep = Loop (few, going, before) <body = within
                (int64 count, bool still, float[1,3] y) => (bool yet, float[1,3] z) {{
                    yet = Identity (still)
                    real = Cast <to = 1> (count)
                    sum = Add (y, real)
                    z = Mul (sum, x)
                }}>
            after = Tanh (deep)
        }}>
}}
"""
"""The inner one reads a value from outside of both."""


def test_loops_in_loops() -> None:
    proto = model(NESTED.format(outer=2, inner=3))
    imported = import_model(proto)
    assert [node.op_type for node in imported.graph].count("Mul") == 6
    assert_same(imported, proto)


def test_loops_in_loops_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each alone would be short enough."""
    monkeypatch.setattr(unroll, "MAX_NODES", 100)
    import_model(model(NESTED.format(outer=1, inner=15)))
    with pytest.raises(ModelError, match="100 nodes in all"):
        import_model(model(NESTED.format(outer=8, inner=15)))


BACKWARD = """
agraph (float[2] s, float[2,5] x, float[3,5] w) => (float[2] last, float[4,5] up, float[5,4] down)
{
    last, up, down = Scan <num_scan_inputs = 2, scan_input_axes = [-1, 1], scan_input_directions = [1, 0],
            scan_output_axes = [-1, 0], scan_output_directions = [0, 1], body = step
        (float[2] before, float[2] row, float[3] other) => (float[2] after, float[4] a, float[4] b) {
            total = ReduceMax (other)
            after = Add (before, row)
            a = Concat <axis = 0> (before, after)
            b = Mul (a, total)
        }> (s, x, w)
}
"""


def test_scan_backward_along_its_last_axis() -> None:
    """Axes that count from the end, one operand and one result from the end."""
    proto = model(BACKWARD)
    imported = import_model(proto)
    assert_same(imported, proto)


@pytest.mark.parametrize(
    ("steps", "condition", "words"),
    [(0, "Identity (going)", "runs 0 times"), (10**6, "Identity (going)", "runs 1000000 times"),
     (1500, "Identity (going)", "4000 nodes in all"),
     (3, "Cast <to = 9> (least)", "depends on the model's data")],
)  # fmt: skip
def test_refused(steps: int, condition: str, words: str) -> None:
    with pytest.raises(ModelError) as caught:
        import_model(model(LOOP.format(steps=steps, condition=condition)))
    assert words in str(caught.value)


def test_the_last_values_agree_with_numpy() -> None:
    """Of the loop above, by hand: the states after iterations 0 and 1."""
    proto, x = model(LOOP.format(steps=2, condition="Identity (going)")), np.array([[1.0, 2.0, 3.0]])
    weight = np.array([0.5, -1.0, 2.0])
    from .onnx_text import run

    last, states = run(import_model(proto), {"x": x.astype(np.float32)})
    np.testing.assert_allclose(last, (x * weight + 0) * weight + 1)
    np.testing.assert_allclose(states[1], -(x * weight))


def test_a_body_that_takes_more_than_the_loop_gives() -> None:
    text = LOOP.format(steps=2, condition="Identity (going)")
    with pytest.raises(ModelError, match="does not fit it"):
        import_model(model(text.replace("bool going,", "bool going, float[3] more,")))
