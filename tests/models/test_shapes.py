"""Drawn shapes, and the network that is trained on them."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from tinyc.models import shapes
from tinyc.models.drawing import SHAPES, distance, draw
from tinyc.models.mobilenetv2 import build_model, with_weights

INSIDE = {"ring": (0.75, 0.0), "crescent": (-0.6, 0.0), "half disc": (0.0, -0.5)}
"""A point within each shape that does not hold the origin."""


def test_pictures_are_of_256_levels_and_all_shapes_in_turn() -> None:
    pictures, labels = draw(13, 24, seed=5)
    assert (pictures.shape, pictures.dtype, labels.dtype) == ((13, 3, 24, 24), np.float32, np.int64)
    assert labels.tolist() == [*range(len(SHAPES)), 0, 1, 2]
    levels = (pictures.astype(np.float64) + 1) * 127.5
    assert np.abs(levels - np.rint(levels)).max() < 1e-4
    assert levels.min() >= 0 and levels.max() <= 255 and levels.std() > 20


def test_a_picture_depends_on_seed_and_index_alone() -> None:
    many, few, others = draw(6, 20, 1)[0], draw(3, 20, 1)[0], draw(3, 20, 2)[0]
    np.testing.assert_array_equal(many[:3], few)
    assert all(np.abs(a - b).max() > 0.1 for a, b in zip(few, others, strict=True))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_lies_within_its_circle(shape: str) -> None:
    x, y = np.array(INSIDE.get(shape, (0.0, 0.0)))
    assert distance(shape, x, y) < 0
    turns = np.linspace(0, 2 * np.pi, 97)
    assert (distance(shape, 1.2 * np.cos(turns), 1.2 * np.sin(turns)) > 0).all()


def test_shapes_differ() -> None:
    x, y = np.meshgrid(np.linspace(-1, 1, 41), np.linspace(-1, 1, 41))
    covers = {(distance(shape, x, y) < 0).tobytes() for shape in SHAPES}
    assert len(covers) == len(SHAPES)


def test_calibration_training_and_evaluation_share_no_picture() -> None:
    parts = (shapes.TRAINING, shapes.CALIBRATION, shapes.EVALUATION)
    assert len({part.seed for part in parts}) == len(parts)
    assert shapes.EVALUATION.count >= 500


def test_onnx_computes_what_pytorch_trains() -> None:
    torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
    from tinyc.models.mobilenetv2_training import MobileNetV2

    torch.manual_seed(3)
    network = MobileNetV2(0.35, 10)
    images = torch.randn(8, 3, 40, 40)
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    for _ in range(3):
        network(images)  # moves the statistics of batch normalization
    network.eval()
    weights = {key: value.numpy() for key, value in network.state_dict().items()}
    model = with_weights(build_model(0.35, 40, 10), weights)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = [np.asarray(session.run(["output"], {"input": image[None]})[0]) for image in images.numpy()]
    with torch.no_grad():
        expected = network(images).numpy()
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-3, atol=1e-4)


def test_training_makes_weights_for_all_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="the extra `train` is not installed")
    from tinyc.models import mobilenetv2_training as training

    monkeypatch.setattr(training, "EPOCHS", 2)
    monkeypatch.setattr(training, "SMALL_EPOCHS", 1)
    monkeypatch.setattr(training, "SMALL", 16)
    found = [training.train(*draw(64, 32, 1), width=0.1) for _ in range(2)]
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])
    model = build_model(0.1, 32, len(SHAPES))
    made = {tensor.name for tensor in model.graph.initializer if not tensor.name.startswith("relu6")}
    assert made <= found[0].keys()
    assert all(np.isfinite(array).all() for array in found[0].values())
