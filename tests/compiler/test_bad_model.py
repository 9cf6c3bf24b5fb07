"""What a user reads when a model file is not one that can be compiled, and that nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from .command_line import tinyc
from .hostile import graph_model, two_headed
from .refusals import TARGET, refused, saved

# ---- the file ----


@pytest.mark.parametrize(
    "data", [b"", b"not a model\n" * 9, b"\x7fELF" + bytes(60), b"PK\x03\x04" + bytes(60)]
)
def test_not_onnx(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    text = refused(3, path)
    assert "This is not an ONNX model" in text and "model.onnx" in text and "export the model to ONNX" in text


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_truncated(model: Path, share: float) -> None:
    model.write_bytes(model.read_bytes()[: int(model.stat().st_size * share)])
    text = refused(3, model)
    assert "truncated or damaged" in text and "export the file again" in text


def test_missing_file(tmp_path: Path) -> None:
    text = refused(3, tmp_path / "nowhere.onnx")
    assert "There is no such model file" in text and "nowhere.onnx" in text


# ---- the graph ----


@pytest.mark.parametrize("shapes", ["declared", "unknown"])
def test_unknown_operators_are_all_listed(tmp_path: Path, shapes: str) -> None:
    nodes = [
        helper.make_node("Frobnicate", ["x"], ["a"], "first", domain="com.example"),
        helper.make_node("Relu", ["a"], ["b"], "known"),
        helper.make_node("MaxRoiPool", ["b", "rois"], ["c"], "second", pooled_shape=[3, 3]),
        helper.make_node("Frobnicate", ["c"], ["y"], "third", domain="com.example"),
    ]
    rois = np.array([[0, 0, 0, 3, 3]], np.float32)
    made = graph_model(nodes, {"x": [1, 2, 4, 4]}, {"y": [1, 2, 3, 3]}, {"rois": rois})
    made.opset_import.append(helper.make_opsetid("com.example", 1))
    if shapes == "declared":
        made.graph.value_info.append(helper.make_tensor_value_info("a", TensorProto.FLOAT, [1, 2, 4, 4]))
    text = refused(3, saved(made, tmp_path))
    assert "The model uses operators that tinyc does not know: Frobnicate, MaxRoiPool" in text
    for node in ("com.example.Frobnicate (node 'first')", "MaxRoiPool (node 'second')", "(node 'third')"):
        assert node in text
    assert "'known'" not in text


def test_dynamic_shape(tmp_path: Path) -> None:
    made = two_headed()
    made.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
    path = saved(made, tmp_path)
    text = refused(3, path)
    assert "The shape of input 'image' is not fixed" in text
    assert "dimension 2" in text and "'height'" in text
    assert "try: add, for example, --input-shape image=1,2,96,6" in text
    assert tinyc("compile", path, *TARGET, "--input-shape", "image=1,2,6,6", "-o", tmp_path / "out").code == 0


@pytest.mark.parametrize(
    ("option", "code", "words"),
    [
        ("nothing=1,2,6,6", 3, "'nothing', which is not an input"),
        ("image=1,2,6", 3, "3 dimensions to an input that has 4"),
        ("image=1,2,6,7", 3, "dimension 3 is 6, not 7"),
        ("image=1,2,6,x", 2, "not of the form NAME=1,3,96,96"),
        ("image", 2, "not of the form NAME=1,3,96,96"),
    ],
)
def test_input_shape_that_does_not_fit(model: Path, option: str, code: int, words: str) -> None:
    outcome = tinyc("compile", model, *TARGET, "--input-shape", option, "-o", model.parent / "out")
    assert outcome.code == code
    assert words in " ".join(outcome.err.replace("│", " ").split())
    assert not (model.parent / "out").exists()


def test_cycle(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["b"], ["a"], "hen"),
        helper.make_node("Relu", ["a"], ["b"], "egg"),
    ]
    text = refused(3, saved(graph_model(nodes, {"x": [1, 4]}, {"b": [1, 4]}), tmp_path))
    assert "The graph has a cycle" in text and "'hen'" in text and "'egg'" in text


def test_missing_tensor(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["lost"], ["y"], "reader")]
    text = refused(3, saved(graph_model(nodes, {"x": [1, 4]}, {"y": [1, 4]}), tmp_path))
    assert "Tensor 'lost' is missing" in text and "Relu node 'reader'" in text


@pytest.mark.parametrize(
    ("value", "found"), [(np.nan, "1 NaN and 0 infinite"), (np.inf, "0 NaN and 1 infinite")]
)
def test_weights_that_are_not_numbers(tmp_path: Path, value: float, found: str) -> None:
    made = two_headed()
    weights = numpy_helper.to_array(made.graph.initializer[0]).copy()
    weights[1, 0, 2, 1] = value
    made.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w0"))
    text = refused(3, saved(made, tmp_path))
    assert "weights that are not finite" in text and "'w0'" in text
    assert f"{found} values of 54" in text and "[1, 0, 2, 1]" in text


def test_reshape_that_loses_elements(tmp_path: Path) -> None:
    made = two_headed()
    next(t for t in made.graph.initializer if t.name == "shape").CopyFrom(
        numpy_helper.from_array(np.array([1, 12]), "shape")
    )
    text = refused(3, saved(made, tmp_path))
    assert "Reshape does not keep the number of elements" in text and "24 elements" in text


@pytest.mark.parametrize("shape", [[1, 2**20, 2**20], [2**40], [2**62, 4]])
def test_input_of_absurd_size(tmp_path: Path, shape: list[int]) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"], "relu")]
    text = refused(3, saved(graph_model(nodes, {"x": shape}, {"y": shape}), tmp_path))
    assert "Tensor 'x' is impossibly large" in text and str(shape) in text


def test_tensor_of_absurd_size_inside(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Expand", ["x", "shape"], ["wide"], "expand"),
        helper.make_node("ReduceSum", ["wide"], ["y"], "sum"),
    ]
    made = graph_model(
        nodes, {"x": [1, 1]}, {"y": [1, 1]}, {"shape": np.array([2**31, 2**31])}
    )  # fmt: skip
    text = refused(3, saved(made, tmp_path))
    assert "Tensor 'wide' is impossibly large" in text and "Expand node 'expand'" in text


def test_initializer_whose_shape_overflows(tmp_path: Path) -> None:
    made = two_headed()
    made.graph.initializer[0].dims[:] = [2**32, 2**32, 3, 3]
    text = refused(3, saved(made, tmp_path))
    assert "'w0'" in text and "impossibly large" in text


@pytest.mark.parametrize("missing", ["inputs", "outputs"])
def test_model_without_an_interface(tmp_path: Path, missing: str) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"], "relu")]
    constants = {"x": np.ones((1, 4), np.float32)}
    made = graph_model(nodes, {}, {"y": [1, 4]}, constants) if missing == "inputs" else graph_model(
        nodes, {"x": [1, 4]}, {}
    )  # fmt: skip
    text = refused(3, saved(made, tmp_path))
    assert f"The model has no {missing}" in text and f"export the model with its {missing}" in text


def test_output_without_elements(tmp_path: Path) -> None:
    constants = {"none": np.zeros((0, 3), np.float32)}
    nodes = [helper.make_node("Relu", ["x"], ["y"], "relu")]
    made = graph_model(nodes, {"x": [1, 4]}, {"y": [1, 4], "none": [0, 3]}, constants)
    text = refused(3, saved(made, tmp_path))
    assert "An output of the model has no elements" in text and "'none'" in text and "[0, 3]" in text


def test_constant_outputs_are_handed_out(tmp_path: Path) -> None:
    """Scalars too, beside one that is computed."""
    constants = {"scalar": np.float32(2.5), "row": np.arange(3, dtype=np.float32)}
    nodes = [helper.make_node("Relu", ["x"], ["y"], "relu")]
    made = graph_model(nodes, {"x": [1, 4]}, {"y": [1, 4], "scalar": [], "row": [3]}, constants)
    assert tinyc("compile", saved(made, tmp_path), *TARGET, "-o", tmp_path / "out").code == 0
    np.savez(tmp_path / "x.npz", x=np.ones((2, 4)))
    outcome = tinyc("run", tmp_path / "out", "--input", tmp_path / "x.npz", "--json")
    assert json.loads(outcome.out) == {"y": [[[1.0] * 4]] * 2, "scalar": [2.5] * 2, "row": [[0, 1, 2]] * 2}


def test_input_of_text(tmp_path: Path) -> None:
    made = graph_model([helper.make_node("Identity", ["x"], ["y"], "id")], {"x": [1, 4]}, {"y": [1, 4]})
    for value in (*made.graph.input, *made.graph.output):
        value.type.tensor_type.elem_type = TensorProto.STRING
    assert "Input 'x' holds text" in refused(3, saved(made, tmp_path))


@pytest.mark.parametrize("scale", [0.0, -0.5])
def test_quantization_scale_that_is_not_positive(tmp_path: Path, scale: float) -> None:
    constants = {"s": np.float32(scale), "z": np.int8(0)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], "quantizer"),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], "dequantizer"),
    ]
    text = refused(3, saved(graph_model(nodes, {"x": [1, 4]}, {"y": [1, 4]}, constants), tmp_path))
    assert "node 'quantizer'" in text and f"its scale is {scale}" in text


def test_model_that_contradicts_onnx_is_not_called_a_bug(tmp_path: Path) -> None:
    """What no check here foresees, ONNX Runtime refuses in its own words."""
    constants = {"w": np.ones((4, 1, 3, 3), np.float32)}
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], "conv", group=2)]
    made = graph_model(nodes, {"x": [1, 3, 5, 5]}, {"y": [1, 4, 3, 3]}, constants)
    path = saved(made, tmp_path)
    text = refused(3, path)
    assert "Conv" in text and "group" in text
    assert tinyc("inspect", path).code == 3


# ---- data beside the model ----


def with_external_data(folder: Path, location: str) -> Path:
    made = two_headed()
    weights = made.graph.initializer[0]
    data = weights.raw_data
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=location)
    (folder / "secret.bin").write_bytes(data)
    (folder / "inside").mkdir()
    (folder / "inside" / "weights.bin").write_bytes(data)
    return saved(made, folder / "inside")


def test_external_data_inside_the_models_folder(tmp_path: Path) -> None:
    path = with_external_data(tmp_path, "weights.bin")
    assert tinyc("compile", path, *TARGET, "-o", tmp_path / "out").code == 0


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/etc/passwd", "a/../../secret.bin", "..\\secret.bin", "link"]
)
def test_external_data_outside_the_models_folder(tmp_path: Path, location: str) -> None:
    path = with_external_data(tmp_path, location)
    (tmp_path / "inside" / "link").symlink_to("../secret.bin")
    text = refused(3, path)
    assert "external data cannot be used" in text and "'w0'" in text
    assert "leads outside the model's folder" in text or "is not a relative path" in text
