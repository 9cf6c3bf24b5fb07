"""What a user reads when a file is not a usable model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from tinyc.ir.errors import ModelError
from tinyc.passes.import_onnx import import_model
from tinyc.passes.onnx_graph import shape_of

from .onnx_text import assert_same, build, normal

X = "float[1,3,8,8] x"


def refused(source: str | Path | onnx.ModelProto, **input_shapes: list[int]) -> str:
    """The text of the error that importing raises."""
    with pytest.raises(ModelError) as e:
        import_model(source, input_shapes)
    assert e.value.exit_code == 3
    return str(e.value)


def small() -> onnx.ModelProto:
    return build(X, "[conv] a = Conv(x, w) [relu] y = Relu(a)", {"w": normal(4, 3, 3, 3)})


# ---- the file ----


def test_missing_file(tmp_path: Path) -> None:
    text = refused(tmp_path / "no.onnx")
    assert "There is no such model file" in text and "no.onnx" in text


def test_folder_instead_of_a_file(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path)


@pytest.mark.parametrize("data", [b"", b"hello, world\n" * 50, b"PK\x03\x04" + bytes(100), bytes(64)])
def test_not_onnx(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    text = refused(path)
    assert "This is not an ONNX model" in text and "export the model to ONNX" in text


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_truncated(tmp_path: Path, share: float) -> None:
    data = small().SerializeToString()
    path = tmp_path / "model.onnx"
    path.write_bytes(data[: int(len(data) * share)])
    text = refused(str(path))
    assert "truncated or damaged" in text or "may have been cut off" in text
    assert "again" in text


def test_every_cut_of_a_file_is_refused_or_complete(tmp_path: Path) -> None:
    """Whatever byte a download ends at: a ModelError, never another exception."""
    data = build("float[2] x", "y = Relu(x)").SerializeToString()
    path = tmp_path / "model.onnx"
    for end in range(len(data)):
        path.write_bytes(data[:end])
        refused(path)


def test_flipped_bytes_never_crash(tmp_path: Path) -> None:
    data = bytearray(small().SerializeToString())
    path = tmp_path / "model.onnx"
    random = np.random.default_rng(0)
    for _ in range(500):
        copy = bytearray(data)
        for position in random.integers(0, len(data), 3):
            copy[position] = random.integers(0, 256)
        path.write_bytes(bytes(copy))
        try:
            import_model(path)
        except ModelError as e:
            assert str(e)


def test_opset_too_old() -> None:
    proto = small()
    proto.opset_import[0].version = 6
    text = refused(proto)
    assert "opset 6 is too old" in text and "convert_version" in text


def test_opset_from_the_future() -> None:
    proto = small()
    proto.opset_import[0].version = 999
    text = refused(proto)
    assert (
        "opset 999 is newer than the installed onnx package" in text and "pip install --upgrade onnx" in text
    )


def test_no_opset() -> None:
    proto = small()
    del proto.opset_import[:]
    assert "does not say which opset" in refused(proto)


# ---- the graph ----


def test_cycle() -> None:
    proto = build("float[4] x", "[one] a = Add(x, b) [two] b = Relu(a) [three] y = Neg(b)")
    text = refused(proto)
    assert "The graph has a cycle" in text and "'one'" in text and "'two'" in text and "'three'" not in text


def test_node_that_reads_itself() -> None:
    assert "The graph has a cycle" in refused(build("float[4] x", "[own] y = Add(x, y)"))


def test_nodes_in_any_order_are_sorted() -> None:
    model = import_model(build("float[4] x", "[late] y = Neg(a) [early] a = Relu(x)"))
    assert [node.name for node in model.graph] == ["early", "late"]


def test_missing_tensor() -> None:
    text = refused(build("float[4] x", "[add] y = Add(x, gone)"))
    assert "Tensor 'gone' is missing" in text and "Add node 'add'" in text


def test_missing_output() -> None:
    text = refused(build("float[4] x", "a = Relu(x)"))
    assert "Tensor 'y' is missing" in text and "graph output 'y'" in text


def test_tensor_produced_twice() -> None:
    text = refused(build("float[4] x", "[a] y = Relu(x) [b] y = Neg(x)"))
    assert "Tensor 'y' is produced more than once" in text and "Neg node 'b'" in text


def test_node_output_with_the_name_of_an_initializer() -> None:
    assert "'w' is produced more than once" in refused(
        build("float[4] x", "w = Relu(x) y = Add(x, w)", {"w": normal(4)})
    )


def test_two_inputs_of_one_name() -> None:
    assert "graph input 'x'" in refused(build("float[4] x, float[4] x", "y = Relu(x)"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("[c] y = Conv(x)", "Conv has operands or attributes that it does not allow"),
        ('[c] y = Conv<strides="two">(x, w)', "Conv has operands or attributes that it does not allow"),
        ("[c] y = Conv<nonsense=1>(x, w)", "nonsense"),
        ("[c] a = Concat(x, x) y = Relu(a)", "axis"),
        ("[c] a = Add(x, w) y = Relu(a)", "ncompatible dimensions"),
        ("[c] y = Conv<kernel_shape=[3]>(x, w)", "Conv node 'c'"),
    ],
)
def test_operands_and_attributes_that_an_operator_does_not_allow(body: str, words: str) -> None:
    text = refused(build(X, body, {"w": normal(4, 3, 3, 3)} if "w" in body else {}))
    assert words in text and "node 'c'" in text


def test_input_that_is_no_tensor() -> None:
    proto = small()
    proto.graph.input.append(onnx.helper.make_tensor_sequence_value_info("list", onnx.TensorProto.FLOAT, [1]))
    assert "Input 'list' is not a tensor" in refused(proto)


# ---- numbers ----


@pytest.mark.parametrize(
    ("number", "words"), [(np.nan, "1 NaN and 0 infinite"), (np.inf, "0 NaN and 1 infinite")]
)
def test_weights_that_are_not_finite(number: float, words: str) -> None:
    weights = normal(4, 3, 3, 3)
    weights[1, 2, 0, 1] = number
    text = refused(build(X, "y = Conv(x, kernel)", {"kernel": weights}))
    assert "not finite numbers" in text and "initializer 'kernel'" in text
    assert words in text and "[1, 2, 0, 1]" in text


def test_constant_that_is_not_finite() -> None:
    proto = build("float[2] x", "[add] y = Add(x, c)")
    proto.graph.node.insert(
        0,
        onnx.helper.make_node(
            "Constant", [], ["c"], "number", value=onnx.helper.make_tensor("", 1, [1], [np.nan])
        ),
    )
    text = refused(proto)
    assert "constant 'c'" in text and "Constant node 'number'" in text


def test_infinity_as_a_bound_is_a_number_like_others() -> None:
    import_model(build("float[4] x", "y = Clip(x, low)", {"low": np.array(-np.inf, np.float32)}))


def test_weights_that_nothing_reads_may_be_anything() -> None:
    import_model(build("float[4] x", "y = Relu(x)", {"unused": np.array([np.nan], np.float32)}))


def test_data_that_does_not_match_the_shape() -> None:
    proto = small()
    proto.graph.initializer[0].raw_data = bytes(12)
    text = refused(proto)
    assert "data of tensor 'w' does not match its shape" in text and "432 bytes; there are 12" in text


def test_tensor_without_data() -> None:
    proto = small()
    proto.graph.initializer[0].ClearField("raw_data")
    assert "takes 108 values; there are 0" in refused(proto)


def test_tensor_of_unknown_type() -> None:
    proto = small()
    proto.graph.initializer[0].data_type = 99
    assert "no known data type" in refused(proto)


def test_sparse_weights() -> None:
    proto = small()
    proto.graph.sparse_initializer.add().values.name = "thin"
    assert "Sparse initializers are not supported" in refused(proto)


# ---- sizes ----


@pytest.mark.parametrize(
    "proto",
    [
        build(f"float[1,{2**20},{2**20}] x", "y = Relu(x)"),
        build(f"float[{2**62},{2**62}] x", "y = Relu(x)"),
        build("float[4] x", f"n = Constant<value_ints=[{2**40}]>() a = Expand(x, n) y = Relu(a)"),
        build(
            "float[4] x", f"n = Constant<value_ints=[{2**20},{2**20}]>() a = ConstantOfShape(n) y = Add(x, a)"
        ),
        build("float[4] x", f"n = Constant<value_ints=[{2**33}]>() a = Tile(x, n) y = Relu(a)"),
        build("float[1,1,9,9] x", "s = Constant<value_floats=[1.0,1.0,1e6,1e6]>() y = Resize(x, , s)"),
    ],
    ids=["input", "overflowing input", "Expand", "ConstantOfShape", "Tile", "Resize"],
)
def test_absurd_sizes_are_refused_before_memory_is_taken(proto: onnx.ModelProto) -> None:
    assert "is impossibly large" in refused(proto) or "does not allow" in refused(proto)


def test_absurd_initializer() -> None:
    proto = small()
    proto.graph.initializer[0].dims[:] = [2**40, 2**40]
    text = refused(proto)
    assert "Tensor 'w' is impossibly large" in text


def test_shape_that_depends_on_data() -> None:
    text = refused(build("float[8] x", "[find] a = NonZero(x) b = Cast<to=1>(a) y = Relu(b)"))
    assert "depends on the model's data" in text and "NonZero node 'find'" in text


def test_tensors_without_elements_inside_the_model() -> None:
    """Concat leaves them out; a sum over them is known."""
    body = """cut, whole = Split<axis=0>(x, n) twice = Mul(cut, two) a = Concat<axis=0>(twice, whole)
    s = ReduceSum(cut) y = Add(a, s)"""
    proto = build("float[4] x", body, {"n": np.array([0, 4]), "two": np.array(2, np.float32)})
    imported = import_model(proto)
    assert all(0 not in shape_of(value) for node in imported.graph for value in node.inputs if value)
    assert_same(imported, proto)


def test_tensor_without_elements() -> None:
    body = (
        "s = Constant<value_ints=[2]>() e = Constant<value_ints=[2]>() [cut] a = Slice(x, s, e) y = Relu(a)"
    )
    text = refused(build("float[8] x", body))
    assert "Tensor 'y' has no elements" in text and "Relu node" in text


def test_hostile_names_are_shown_escaped_and_cut() -> None:
    name = "*/\n" + "a" * 10_000
    proto = build("float[4] x", "[n] y = Add(x, b)")
    proto.graph.node[0].input[1] = name
    text = refused(proto)
    assert "'*/\\naaa" in text and len(text) < 1000 and "\n\n" not in text


# ---- shapes of inputs ----


def test_open_dimension() -> None:
    text = refused(build("float[N,3,H,W] image", "y = Relu(image)"))
    assert "The shape of input 'image' is not fixed" in text
    assert "dimension 2 of [N, 3, H, W] is 'H'" in text
    assert "--input-shape image=1,3,96,96" in text


def test_unknown_rank() -> None:
    text = refused(build("float[] x", "y = Relu(x)"))
    assert "not even say how many dimensions" in text and "--input-shape x=1,3,96,96" in text


def test_input_shape_for_an_unknown_input() -> None:
    text = refused(build("float[N,3,H,W] image", "y = Relu(image)"), imgae=[1, 3, 8, 8])
    assert "names 'imgae', which is not an input" in text
    assert "the inputs are 'image'" in text and "--input-shape image=1,3,8,8" in text


def test_input_shape_that_contradicts_the_model() -> None:
    text = refused(build("float[N,3,H,W] x", "y = Relu(x)"), x=[1, 4, 8, 8])
    assert (
        "dimension 1 is 3, not 4" in text and "[N, 3, H, W]" in text and "--input-shape x=1,3,96,96" in text
    )


def test_input_shape_with_other_rank() -> None:
    text = refused(build("float[N,3,H,W] x", "y = Relu(x)"), x=[3, 8, 8])
    assert "gives 3 dimensions to an input that has 4" in text


def test_input_shape_below_one() -> None:
    assert "dimension below 1" in refused(build("float[N,3] x", "y = Relu(x)"), x=[0, 3])


def test_one_symbol_with_two_values() -> None:
    proto = build("float[N,L] a, float[N,L] b", "y = Add(a, b)")
    text = refused(proto, a=[1, 5], b=[1, 6])
    assert "dimension 1 is 5, not 6" in text and "graph input 'b'" in text


# ---- elements of less than a byte ----


@pytest.mark.parametrize("kind", ["INT4", "UINT4", "INT2", "UINT2"])
@pytest.mark.parametrize("at", ["input", "output"])
def test_packed_tensors_at_the_border(kind: str, at: str) -> None:
    narrow, real = getattr(onnx.TensorProto, kind), onnx.TensorProto.FLOAT
    operator = "DequantizeLinear" if at == "input" else "QuantizeLinear"
    zero = np.zeros((), onnx.helper.tensor_dtype_to_np_dtype(narrow))
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(operator, ["x", "s", "z"], ["y"])], "border",
        [onnx.helper.make_tensor_value_info("x", narrow if at == "input" else real, [1, 3])],
        [onnx.helper.make_tensor_value_info("y", real if at == "input" else narrow, [1, 3])],
        [onnx.numpy_helper.from_array(np.float32(0.5), "s"), onnx.numpy_helper.from_array(zero, "z")],
    )  # fmt: skip
    opset = onnx.helper.make_opsetid("", 25)
    text = refused(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=13))
    assert f"graph {at}" in text and "less than a byte" in text and "quantize and dequantize itself" in text
