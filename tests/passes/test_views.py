"""Copies that become views: the same outputs from emulator and host C, in a smaller arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from tinyc.codegen.emit import Facts, emit
from tinyc.emulator.host import HostModel
from tinyc.emulator.machine import Machine
from tinyc.ir.program import Program
from tinyc.passes.place import place
from tinyc.passes.validate import validate
from tinyc.passes.views import eliminate_copies
from tinyc.targets import load_target

from ..kernels.checks import float_model, lowered, qdq_model, reference, samples_of
from ..kernels.schedules import stream_rows

Node = onnx.NodeProto


def _node(operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: object) -> Node:
    return helper.make_node(operator, list(inputs), list(outputs), f"{operator}_{outputs[0]}", **attributes)


def _slice(source: str, out: str, begin: int, end: int, axis: int) -> tuple[Node, dict[str, np.ndarray]]:
    names = [f"{out}_{what}" for what in ("begin", "end", "axis")]
    constants = dict(zip(names, (np.int64([v]) for v in (begin, end, axis)), strict=True))
    return _node("Slice", [source, *names], [out]), constants


def _split(
    source: str, outs: Sequence[str], part: int, axis: int
) -> tuple[list[Node], dict[str, np.ndarray]]:
    made = [_slice(source, out, i * part, (i + 1) * part, axis) for i, out in enumerate(outs)]
    return [node for node, _ in made], {k: v for _, constants in made for k, v in constants.items()}


def _arena(program: Program) -> int:
    placed = place(program)
    validate(placed)
    assert placed.plan is not None
    return placed.plan.arena_bytes


def _outputs(program: Program, samples: Sequence[Mapping[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
    """By emulator for each sample, then by host C for each."""
    placed = place(program)
    validate(placed)
    fed = [
        {n: program.buffers[n].to_memory(a) for n, a in zip(program.inputs, sample.values(), strict=True)}
        for sample in samples
    ]
    files = emit(placed, load_target("host"), Facts("0", "test.onnx", "0", 25, 0, 0, ""))
    machine = Machine(placed)
    with HostModel(placed, files) as host:
        return [*(machine.run(sample) for sample in fed), *host.run(fed)]


def _same(model: onnx.ModelProto, gone: int) -> tuple[Program, int]:
    """Without copies, emulator and C compute the very bytes that they compute with them, and what ONNX
    Runtime does; ``gone`` steps became views. Returns the program without copies, and how many bytes smaller
    its arena is."""
    before = lowered(model)
    after = eliminate_copies(before)
    assert len(after.views) == gone == len(before.steps) - len(after.steps)
    samples = samples_of(model)
    found, wanted = _outputs(after, samples), reference(model, samples) * 2
    for with_copies, mine, theirs in zip(_outputs(before, samples), found, wanted, strict=True):
        for name, want in zip(after.outputs, theirs, strict=True):
            np.testing.assert_array_equal(mine[name], with_copies[name])
            tolerance = 1 if want.dtype.kind == "i" else 1e-5
            np.testing.assert_allclose(mine[name], after.buffers[name].to_memory(want), atol=tolerance)
    return after, _arena(before) - _arena(after)


def _tanh(source: str, out: str) -> Node:
    return _node("Tanh", [source], [out])


def test_a_split_becomes_views() -> None:
    cut, constants = _split("h", "abc", 8, 1)
    nodes = [_tanh("x", "h"), *cut, _node("Sigmoid", ["a"], ["p"]), _tanh("b", "q"), _tanh("c", "r")]
    after, smaller = _same(float_model(nodes, {"x": (1, 24)}, ["p", "q", "r"], constants), gone=3)
    assert smaller > 0
    assert {step.operator for step in after.views} == {"Slice"}
    assert all(step.operator != "Slice" for step in after.steps)


def test_a_slice_of_rows_keeps_the_axes_in_front() -> None:
    node, constants = _slice("h", "a", 1, 4, 2)
    _, smaller = _same(
        float_model([_tanh("x", "h"), node, _tanh("a", "y")], {"x": (1, 1, 5, 6)}, ["y"], constants), gone=1
    )
    assert smaller > 0


@pytest.mark.parametrize("axis", [2, 3])
def test_a_slice_of_several_pieces_stays_a_copy(axis: int) -> None:
    node, constants = _slice("h", "a", 1, 3, axis)
    _same(
        float_model([_tanh("x", "h"), node, _tanh("a", "y")], {"x": (1, 2, 5, 6)}, ["y"], constants), gone=0
    )


def test_a_concat_is_written_part_by_part() -> None:
    nodes = [
        _tanh("x", "a"),
        _node("Sigmoid", ["x"], ["b"]),
        _node("Concat", ["a", "b"], ["c"], axis=1),
        _tanh("c", "y"),
    ]
    after, smaller = _same(float_model(nodes, {"x": (1, 3, 4, 5)}, ["y"]), gone=1)
    assert smaller > 0
    assert [step.operator for step in after.views] == ["Concat"]


def test_a_concat_may_be_what_the_caller_gets() -> None:
    nodes = [_tanh("x", "a"), _node("Sigmoid", ["x"], ["b"]), _node("Concat", ["a", "b"], ["y"], axis=0)]
    _, smaller = _same(float_model(nodes, {"x": (1, 7)}, ["y"]), gone=1)
    assert smaller > 0


def test_int8_parts_need_no_alignment_but_their_own() -> None:
    node = _node("Concat", ["a", "b"], ["c"], axis=1)
    model = qdq_model([node], {"a": (1, 7), "b": (1, 6)}, ["c"], dict.fromkeys("abc", (0.05, 3)), stage=True)
    after, smaller = _same(model, gone=1)
    assert smaller >= 0
    assert [b.alias.offset for b in after.buffers.values() if b.alias is not None] == [0, 7]


def test_reshaped_heads_are_written_into_one_list_of_boxes() -> None:
    """Like the heads of a detector: (1, n, 4) from maps of different sizes, joined along the boxes."""
    nodes = [
        _tanh("x", "a"), _node("Reshape", ["a", "boxes"], ["a_boxes"]),
        _node("Sigmoid", ["z"], ["b"]), _node("Reshape", ["b", "boxes"], ["b_boxes"]),
        _node("Concat", ["a_boxes", "b_boxes"], ["all"], axis=1), _tanh("all", "y"),
    ]  # fmt: skip
    model = float_model(nodes, {"x": (1, 4, 2, 3), "z": (1, 8, 2, 1)}, ["y"], {"boxes": np.int64([1, -1, 4])})
    _, smaller = _same(model, gone=1)
    assert smaller > 0


def test_a_chain_of_concats_is_one_buffer() -> None:
    """Dense blocks: each layer adds to what all layers before it gave."""
    nodes = [
        _tanh("x", "a"), _node("Sigmoid", ["a"], ["b"]), _node("Concat", ["a", "b"], ["ab"], axis=0),
        _tanh("ab", "c"), _node("Concat", ["ab", "c"], ["abc"], axis=0), _node("Sigmoid", ["abc"], ["y"]),
    ]  # fmt: skip
    after, smaller = _same(float_model(nodes, {"x": (3, 5)}, ["y"]), gone=2)
    assert smaller > 0
    assert len({after.owner(name)[0] for step in after.steps for name in step.outputs}) == 2


def test_a_slice_of_a_part_of_a_concat() -> None:
    cut, constants = _slice("a", "a1", 2, 5, 1)
    nodes = [
        _tanh("x", "a"),
        cut,
        _node("Sigmoid", ["a1"], ["b"]),
        _node("Concat", ["a", "b"], ["y"], axis=1),
    ]
    _same(float_model(nodes, {"x": (1, 8)}, ["y"], constants), gone=2)


def test_outputs_share_no_bytes_with_other_outputs_or_inputs() -> None:
    cut, constants = _split("h", ["a", "b"], 6, 1)
    after, _ = _same(float_model([_tanh("x", "h"), *cut], {"x": (1, 12)}, ["a", "b"], constants), gone=1)
    owners = [after.owner(name)[0] for name in (*after.inputs, *after.outputs)]
    assert len(set(owners)) == len(owners)
    cut, constants = _split("x", ["a", "b"], 6, 1)
    _same(float_model(cut, {"x": (1, 12)}, ["a", "b"], constants), gone=0)


CONCATS = {
    "an input of the model": [_node("Sigmoid", ["x"], ["b"]), _node("Concat", ["x", "b"], ["c"], axis=1)],
    "one tensor twice": [_tanh("x", "a"), _node("Concat", ["a", "a"], ["c"], axis=1)],
    "an output of the model": [
        _tanh("x", "a"),
        _node("Sigmoid", ["x"], ["o"]),
        _node("Concat", ["a", "o"], ["c"], axis=1),
    ],
    "an inner axis": [
        _tanh("x", "a"),
        _node("Sigmoid", ["x"], ["b"]),
        _node("Concat", ["a", "b"], ["c"], axis=2),
    ],
}


@pytest.mark.parametrize("case", CONCATS)
def test_concats_that_must_copy(case: str) -> None:
    outputs = ["y", "o"] if "output" in case else ["y"]
    _same(float_model([*CONCATS[case], _tanh("c", "y")], {"x": (1, 3, 4)}, outputs), gone=0)


def test_scales_that_differ_must_be_requantized() -> None:
    node = _node("Concat", ["a", "b"], ["y"], axis=1)
    quants = {"a": (0.05, 3), "b": (0.06, 3), "y": (0.05, 3)}
    _same(qdq_model([node], {"a": (1, 8), "b": (1, 8)}, ["y"], quants, stage=True), gone=0)


@pytest.mark.parametrize(("begin", "gone"), [(0, 1), (31, 0)])
def test_a_view_that_would_lie_amid_what_others_need_stays_a_copy(begin: int, gone: int) -> None:
    """A few elements of the input are wanted at the end, after a layer that needs much memory itself: those
    at one end of their tensor are in nobody's way."""
    node, constants = _slice("h", "few", begin, begin + 2, 1)
    rng = np.random.default_rng(0)
    constants |= {
        f"w{rows}": rng.normal(0, 0.05, (rows, columns)).astype(np.float32)
        for rows, columns in ((64, 90), (90, 200))
    }
    nodes = [
        _tanh("x", "h"), node,
        _node("Gemm", ["h", "w64"], ["wide"]), _node("Gemm", ["wide", "w90"], ["wider"]),
        _tanh("wider", "y"), _tanh("few", "z"),
    ]  # fmt: skip
    _same(float_model(nodes, {"x": (1, 64)}, ["y", "z"], constants), gone=gone)


def test_other_schedules_come_back_as_they_are() -> None:
    pool = [
        _node("MaxPool", ["x"], ["a"], kernel_shape=[1, 1]),
        _node("AveragePool", ["x"], ["b"], kernel_shape=[1, 1]),
    ]
    model = float_model([*pool, _node("Concat", ["a", "b"], ["y"], axis=2)], {"x": (1, 1, 4, 5)}, ["y"])
    streamed = stream_rows(lowered(model))
    assert eliminate_copies(streamed) is streamed


@st.composite
def _graphs(draw: st.DrawFn) -> onnx.ModelProto:
    """Random graphs of functions, slices and concatenations of vectors."""
    sizes, nodes, constants = {"x": 12, "z": 5}, list[Node](), dict[str, np.ndarray]()
    for number in range(draw(st.integers(2, 9))):
        out, source = f"t{number}", draw(st.sampled_from(sorted(sizes)))
        match draw(st.sampled_from(["Tanh", "Sigmoid", "Slice", "Concat"])):
            case "Slice":
                begin = draw(st.integers(0, sizes[source] - 1))
                end = draw(st.integers(begin + 1, sizes[source]))
                node, values = _slice(source, out, begin, end, 0)
                nodes, constants, sizes[out] = [*nodes, node], constants | values, end - begin
            case "Concat":
                sources = [source, *draw(st.lists(st.sampled_from(sorted(sizes)), min_size=1, max_size=2))]
                if sum(sizes[s] for s in sources) <= 100:
                    nodes.append(_node("Concat", sources, [out], axis=0))
                    sizes[out] = sum(sizes[s] for s in sources)
            case function:
                nodes.append(_node(function, [source], [out]))
                sizes[out] = sizes[source]
    made = sorted(sizes.keys() - {"x", "z"})
    outputs = draw(st.lists(st.sampled_from(made), min_size=1, max_size=2, unique=True)) if made else []
    if not outputs:
        nodes, outputs = [_tanh("x", "y")], ["y"]
    return float_model(nodes, {"x": (12,), "z": (5,)}, outputs, constants)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(_graphs())
def test_random_graphs(model: onnx.ModelProto) -> None:
    before = lowered(model)
    after = eliminate_copies(before)
    (sample,) = samples_of(model, count=1)
    outputs: list[dict[str, np.ndarray]] = []
    for program in (place(before), place(after)):
        validate(program)
        outputs.append(Machine(program).run(dict(zip(program.inputs, sample.values(), strict=True))))
    for name in before.outputs:
        np.testing.assert_array_equal(outputs[0][name], outputs[1][name])
    assert len(after.steps) + len(after.views) == len(before.steps)
