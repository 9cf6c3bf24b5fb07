"""Shapes fixed and inferred, constants folded, functions inlined, external data read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as oir
import pytest

from tinyc.ir.errors import ModelError
from tinyc.passes.import_onnx import import_model

from .onnx_text import assert_same, build, normal, operators


def shapes(model: oir.Model) -> dict[str, tuple[int, ...]]:
    """Shape of every node output by name."""
    values = [value for node in model.graph for value in node.outputs]
    return {str(value.name): value.shape.numpy() for value in values if value.shape is not None}


# ---- shapes ----


def test_batch_is_one_unless_said_otherwise() -> None:
    proto = build("float[N,3] x, float[N,4] z", "y = Concat<axis=1>(x, z)")
    assert shapes(import_model(proto)) == {"y": (1, 7)}
    assert shapes(import_model(proto, {"x": [5, 3]})) == {"y": (5, 7)}


def test_a_symbol_has_one_value_everywhere() -> None:
    proto = build("float[N,L] x, float[2,L] z", "y = Concat<axis=0>(x, z)")
    assert shapes(import_model(proto, {"z": [2, 9]})) == {"y": (3, 9)}


def test_minus_one_and_zero_are_open_dimensions() -> None:
    proto = build("float[1,3] x", "y = Relu(x)")
    for number in (-1, 0):
        proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = number
        assert shapes(import_model(proto)) == {"y": (1, 3)}


def test_stale_shapes_in_the_file_are_replaced() -> None:
    proto = build("float[1,3] x", "a = Relu(x) y = Neg(a)", outputs="float[7,N] y")
    proto.graph.value_info.append(onnx.helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, [9, 9]))
    assert shapes(import_model(proto)) == {"a": (1, 3), "y": (1, 3)}


def test_shapes_that_a_file_gives_to_unknown_operators_are_kept() -> None:
    proto = build("float[1,3] x", "a = my.Magic(x) y = Relu(a)", imports=', "my" : 1')
    proto.graph.value_info.append(onnx.helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, [1, 5]))
    assert shapes(import_model(proto)) == {"a": (1, 5), "y": (1, 5)}


def test_shape_arithmetic_of_exporters_folds_away() -> None:
    body = """s = Shape(x) i = Constant<value_ints=[0]>() n = Gather(s, i) c = Constant<value_ints=[3]>()
    h = Gather(s, c) two = Constant<value_ints=[2]>() k = Mul(h, two) m = Constant<value_ints=[-1]>()
    t = Concat<axis=0>(n, k, m) y = Reshape(x, t)"""
    proto = build("float[N,2,3,4] x", body)
    model = import_model(proto, {"x": [2, 2, 3, 4]})
    assert operators(model) == "Reshape" and shapes(model) == {"y": (2, 8, 3)}
    assert_same(model, proto)


# ---- folding ----


def test_weights_that_are_computed_from_weights() -> None:
    weights = {"w": normal(4, 5), "k": normal(1)}
    proto = build("float[3,5] x", "t = Transpose(w) u = Mul(t, k) y = MatMul(x, u)", weights)
    model = import_model(proto)
    assert operators(model) == "MatMul"
    assert set(model.graph.initializers) == {"u"}
    assert_same(model, proto)


def test_quantized_weights_are_not_folded_to_floats() -> None:
    weights = {"q": np.ones((5, 4), np.int8), "s": np.array(0.5, np.float32)}
    assert operators(
        import_model(build("float[3,5] x", "w = DequantizeLinear(q, s) y = MatMul(x, w)", weights))
    ) == ("DequantizeLinear MatMul")


def test_constants_do_not_grow_without_bound() -> None:
    body = "n = Constant<value_ints=[3000,1000]>() a = Expand(w, n) y = Add(x, a)"
    model = import_model(build("float[3000,1000] x", body, {"w": normal(1)}))
    assert operators(model) == "Expand Add"


def test_many_constants_do_not_grow_without_bound_either() -> None:
    sizes = " ".join(
        f"n{i} = Constant<value_ints=[{250_000 + i}]>() a{i} = ConstantOfShape(n{i})" for i in range(90)
    )
    sums = " ".join(f"b{i} = ReduceSum(a{i}) " for i in range(90))
    total = " + ".join(f"b{i}" for i in range(90)).replace(" + ", ", ")
    model = import_model(build("float[1] x", f"{sizes} {sums} c = Sum({total}) y = Add(x, c)"))
    assert 10 < operators(model).split().count("ConstantOfShape") < 40


def test_output_that_is_a_constant() -> None:
    proto = build(
        "float[2] x", "c = Constant<value_floats=[1.0,2.0]>() z = Neg(c) y = Relu(x)", outputs="y, z"
    )
    model = import_model(proto)
    assert operators(model) == "Identity Relu"
    assert_same(model, proto)


def test_constant_of_every_kind() -> None:
    body = """a = Constant<value_float=1.5>() b = Constant<value_floats=[1.0,2.0]>()
    c = Constant<value_int=3>()
    d = Constant<value_ints=[1,2]>() e = Constant<value = float[2] {3.0, 4.0}>() f = Cast<to=1>(c)
    g = Cast<to=1>(d) h = Sum(a, b, e, f, g, x) y = Relu(h)"""
    proto = build("float[2] x", body)
    model = import_model(proto)
    assert_same(model, proto)
    assert set(operators(model).split()) == {"Sum", "Relu"}


def test_branch_that_a_constant_chooses() -> None:
    body = """s = Shape(x) n = Size(s) c = Constant<value_int=2>() t = Equal(n, c)
    y = If (t) <then_branch = g1 () => (p) { p = Relu(x) },
    else_branch = g2 () => (p) { a = Neg(x) p = Exp(a) }>"""
    flat, cube = build("float[3,4] x", body), build("float[2,3,4] x", body)
    for proto, expected in ((flat, "Relu Identity"), (cube, "Neg Exp Identity")):
        proto.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None))
        model = import_model(proto)
        assert operators(model) == expected
        assert_same(model, proto)


# ---- inputs, functions ----


def test_initializers_that_are_inputs_too_are_constants() -> None:
    proto = build("float[2,3] x, float[3] w", "y = Add(x, w)", {"w": normal(3)})
    model = import_model(proto)
    assert [value.name for value in model.graph.inputs] == ["x"]


FUNCTIONS = """
<domain: "my", opset_import: ["" : 17, "my" : 1]> twice <k> (a) => (b) {
    c = LeakyRelu<alpha: float = @k>(a) b = my.add(c, c) }
<domain: "my", opset_import: ["" : 17]> add (a, b) => (c) { c = Add(a, b) }
"""


def test_functions_are_inlined() -> None:
    proto = build(
        "float[2,3] x", "[call] a = my.twice<k=0.2>(x) y = my.twice<k=0.5>(a)",
        imports=', "my" : 1', functions=FUNCTIONS, outputs="float[2,3] y",
    )  # fmt: skip
    model = import_model(proto)
    assert operators(model) == "LeakyRelu Add LeakyRelu Add"
    assert not model.functions and set(model.opset_imports) == {""}
    assert_same(model, proto)


def test_functions_of_old_opsets_are_upgraded_with_the_model() -> None:
    functions = '<domain: "my", opset_import: ["" : 9]> cut (a) => (b) { b = Clip<min=-1.0, max=1.0>(a) }'
    proto = build("float[2,3] x", "y = my.cut(x)", imports=', "my" : 1', functions=functions, opset=9)
    proto.ir_version = 8
    model = import_model(proto)
    assert operators(model) == "Clip" and len(model.graph[0].inputs) == 3
    assert_same(model, build("float[2,3] x", "y = Clip<min=-1.0, max=1.0>(x)", opset=9))


def test_functions_that_call_themselves() -> None:
    functions = '<domain: "my", opset_import: ["" : 17, "my" : 1]> loop (a) => (b) { b = my.loop(a) }'
    with pytest.raises(ModelError, match="call themselves") as e:
        import_model(build("float[2] x", "y = my.loop(x)", imports=', "my" : 1', functions=functions))
    assert "'loop'" in str(e.value)


def test_functions_that_would_unfold_exponentially() -> None:
    functions = "\n".join(
        f"""<domain: "my", opset_import: ["" : 17, "my" : 1]> f{n} (a) => (c) {{
        b = my.f{n - 1}(a) c = my.f{n - 1}(b) }}"""
        for n in range(1, 40)
    )
    functions += '\n<domain: "my", opset_import: ["" : 17]> f0 (a) => (b) { b = Neg(a) }'
    with pytest.raises(ModelError, match="unfold to too many nodes"):
        import_model(build("float[2] x", "y = my.f39(x)", imports=', "my" : 1', functions=functions))


def test_spiking_neurons_stay_functions() -> None:
    functions = """<domain: "tinyc.spiking", opset_import: ["" : 25]>
        Lif <beta: float = 0.9> (x, v) => (s, u) {
        b = Constant<value_float: float = @beta>() d = Mul(v, b) p = Add(d, x)
        z = Constant<value_float = 1.0>() g = Greater(p, z) s = Cast<to = 1>(g) u = Sub(p, s) }"""
    proto = build(
        "float[1,4] x, float[1,4] v", "[neuron] s, u = tinyc.spiking.Lif<beta=0.5>(x, v) y = Relu(s)",
        imports=', "tinyc.spiking" : 1', functions=functions, outputs="y, float[1,4] u", opset=25,
    )  # fmt: skip
    model = import_model(proto)
    assert operators(model) == "Lif Relu"
    assert shapes(model) == {"s": (1, 4), "u": (1, 4), "y": (1, 4)}
    assert_same(model, proto)


# ---- external data ----


def with_external_data(folder: Path, location: str = "weights.bin", **entries: str) -> Path:
    """A model file whose one initializer lies in ``location``."""
    proto = build("float[2,5] x", "y = MatMul(x, w)", {"w": normal(5, 4)})
    tensor = proto.graph.initializer[0]
    (folder / "weights.bin").write_bytes(b"head" + tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": "4", "length": "80", **entries}.items():
        tensor.external_data.add(key=key, value=value)
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def test_external_data_beside_the_model(tmp_path: Path) -> None:
    model = import_model(with_external_data(tmp_path))
    np.testing.assert_array_equal(model.graph.initializers["w"].const_value.numpy(), normal(5, 4))  # pyright: ignore
    assert model.metadata_props["tinyc.source_name"] == "model"


def test_external_data_behind_a_link_within_the_folder(tmp_path: Path) -> None:
    path = with_external_data(tmp_path, "link.bin")
    (tmp_path / "link.bin").symlink_to("weights.bin")
    import_model(path)


@pytest.mark.parametrize(
    "location", ["../weights.bin", "/etc/passwd", "a/../../weights.bin", "", "link.bin", ".."]
)
def test_external_data_outside_the_models_folder(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(200))
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    with pytest.raises(ModelError, match="external data cannot be used") as e:
        import_model(with_external_data(folder, location))
    assert "outside the model's folder" in str(e.value) or "not a relative path" in str(e.value)
    assert "tensor 'w'" in str(e.value)


def test_external_data_that_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelError, match="external data cannot be used") as e:
        import_model(with_external_data(tmp_path, "pipe"))
    assert "not a regular file" in str(e.value)


def test_missing_external_data(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="external data file is missing") as e:
        import_model(with_external_data(tmp_path, "gone.bin"))
    assert "'gone.bin'" in str(e.value)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"offset": "100"}, "too short"),
        ({"offset": "-4"}, "too short"),
        ({"length": "10"}, "does not match the tensor"),
        ({"offset": "x"}, "cannot be used"),
    ],
)
def test_external_data_of_wrong_size(tmp_path: Path, entries: dict[str, str], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        import_model(with_external_data(tmp_path, **entries))


def test_external_data_of_a_proto_has_no_folder(tmp_path: Path) -> None:
    proto = onnx.load(with_external_data(tmp_path), load_external_data=False)
    with pytest.raises(ModelError, match="folder is unknown"):
        import_model(proto)


def test_a_given_proto_is_not_changed() -> None:
    proto = build("float[N,3] x, float[3] w", "a = Identity(x) y = Add(a, w)", {"w": normal(3)})
    before = proto.SerializeToString(deterministic=True)
    import_model(proto)
    assert proto.SerializeToString(deterministic=True) == before
