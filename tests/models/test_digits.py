"""The packaged digits model and its data, as a user finds them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from tinyc.models import digits

FOLDER = Path(str(files("tinyc.models")))
DOCUMENTED_ACCURACY = 0.99


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return onnx.load(FOLDER / "digits.onnx")


@pytest.fixture(scope="module")
def split() -> digits.Split:
    return digits.load_split()


def data(name: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(FOLDER / name, allow_pickle=False) as archive:
        assert sorted(archive.files) == ["x", "y"]
        return archive["x"], archive["y"]


def test_accuracy_of_the_float_model(model: onnx.ModelProto) -> None:
    assert digits.accuracy(model, *data("digits_evaluation.npz")) >= DOCUMENTED_ACCURACY


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("digits_calibration.npz", digits.CALIBRATION_IMAGES),
        ("digits_evaluation.npz", digits.EVALUATION_IMAGES),
    ],
)
def test_data_layout(name: str, count: int) -> None:
    x, y = data(name)
    assert (x.shape, x.dtype) == ((count, 1, 8, 8), np.float32)
    assert (y.shape, y.dtype) == ((count,), np.int64)
    assert (x.min(), x.max()) == (0, 1)
    assert set(np.unique(y)) == set(range(digits.CLASSES))


def test_data_is_the_documented_split(split: digits.Split) -> None:
    for name, (x, y) in {
        "digits_calibration.npz": split.calibration,
        "digits_evaluation.npz": (split.evaluation_x, split.evaluation_y),
    }.items():
        stored_x, stored_y = data(name)
        np.testing.assert_array_equal(stored_x, x)
        np.testing.assert_array_equal(stored_y, y)


def test_evaluation_images_were_not_trained_on(split: digits.Split) -> None:
    assert len(split.train_x) + len(split.evaluation_x) == 1797
    trained = {image.tobytes() for image in split.train_x}
    assert not trained & {image.tobytes() for image in split.evaluation_x}


def test_structure(model: onnx.ModelProto) -> None:
    onnx.checker.check_model(model, full_check=True)
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("Conv") == operators.count("BatchNormalization") == operators.count("Relu") == 5
    assert operators[-2:] == ["Flatten", "Gemm"]
    (image,) = model.graph.input
    (logits,) = model.graph.output
    assert [dim.dim_param or dim.dim_value for dim in image.type.tensor_type.shape.dim] == ["batch", 1, 8, 8]
    assert [dim.dim_param or dim.dim_value for dim in logits.type.tensor_type.shape.dim] == ["batch", 10]
    assert sum(int(np.prod(weight.dims)) for weight in model.graph.initializer) < 10_000


def test_packaged_model_is_what_the_builder_makes_of_its_weights(model: onnx.ModelProto) -> None:
    weights = {weight.name: onnx.numpy_helper.to_array(weight) for weight in model.graph.initializer}
    assert digits.build_model(weights) == model


def test_builder_refuses_weights_of_the_wrong_shape(model: onnx.ModelProto) -> None:
    weights = {weight.name: onnx.numpy_helper.to_array(weight) for weight in model.graph.initializer}
    weights["head.weight"] = np.zeros((10, 7), np.float32)
    with pytest.raises(onnx.shape_inference.InferenceError):
        digits.build_model(weights)


@pytest.mark.slow
def test_training_again(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="training needs the extra `train`")
    model, calibration, evaluation = (tmp_path / name for name in ("model.onnx", "calib.npz", "eval.npz"))
    arguments = ["-o", model, "--calibration", calibration, "--evaluate", evaluation]
    run = CliRunner().invoke(digits.main, [str(argument) for argument in arguments])
    assert run.exit_code == 0, run.output
    assert "of 540 evaluation images right" in run.output
    for written, packaged in ((calibration, "digits_calibration.npz"), (evaluation, "digits_evaluation.npz")):
        with np.load(written) as archive:
            for stored, expected in zip((archive["x"], archive["y"]), data(packaged), strict=True):
                np.testing.assert_array_equal(stored, expected)
    assert digits.accuracy(onnx.load(model), *data("digits_evaluation.npz")) >= DOCUMENTED_ACCURACY
