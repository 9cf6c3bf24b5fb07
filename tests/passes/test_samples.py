"""Sample files that fit, as arrays of the model's inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinyc.ir.dtype import Quant
from tinyc.ir.errors import UsageError
from tinyc.passes.import_onnx import import_model
from tinyc.passes.samples import InputSpec, input_specs, load_samples, random_samples

from .onnx_text import build, normal

FLOAT = InputSpec("image", (1, 3, 4), np.dtype(np.float32))
BYTES = InputSpec("image", (1, 3, 4), np.dtype(np.int8), Quant(0.5, 10))


def saved(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "samples.npz", **arrays)  # type: ignore[arg-type]
    return folder / "samples.npz"


@pytest.mark.parametrize("name", ["image", "x"])
@pytest.mark.parametrize("shape", [(5, 3, 4), (5, 1, 3, 4)])
def test_one_input_by_its_name_or_x_with_or_without_the_batch(
    tmp_path: Path, name: str, shape: tuple[int, ...]
) -> None:
    array = normal(*shape)
    found = load_samples(saved(tmp_path, **{name: array, "y": np.arange(5)}), [FLOAT])
    assert len(found) == 5 and found.labels is not None and found.labels.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(found.arrays["image"], array.reshape(5, 1, 3, 4))
    assert [sample["image"].shape for sample in found] == [(1, 3, 4)] * 5


def test_the_inputs_own_name_comes_before_x(tmp_path: Path) -> None:
    own, other = normal(2, 3, 4), normal(2, 3, 4, seed=1)
    found = load_samples(saved(tmp_path, x=other, image=own), [FLOAT])
    np.testing.assert_array_equal(found.arrays["image"][:, 0], own)


def test_doubles_become_floats_and_other_arrays_are_ignored(tmp_path: Path) -> None:
    names = np.array(["a", "b"])
    found = load_samples(saved(tmp_path, x=normal(2, 3, 4).astype(np.float64), names=names), [FLOAT])
    assert found.arrays["image"].dtype == np.float32 and found.labels is None


def test_a_quantized_input_takes_integers_as_they_are(tmp_path: Path) -> None:
    array = np.arange(-12, 12).reshape(2, 3, 4)
    found = load_samples(saved(tmp_path, x=array), [BYTES])
    assert found.arrays["image"].dtype == np.int8
    np.testing.assert_array_equal(found.arrays["image"][:, 0], array)


def test_a_quantized_input_quantizes_real_values(tmp_path: Path) -> None:
    array = np.tile(np.array([0.0, 0.3, -0.3, 1000.0], np.float32), (1, 3, 1))
    found = load_samples(saved(tmp_path, x=array), [BYTES])
    assert found.arrays["image"][0, 0, 0].tolist() == [10, 11, 9, 127]


def test_integers_that_the_input_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"from 0 to 200[\s\S]*\[n, 3, 4\] int8"):
        load_samples(saved(tmp_path, x=np.array([[[0, 200, 1, 1]] * 3])), [BYTES])


def test_an_integer_input_without_a_scale_refuses_real_values(tmp_path: Path) -> None:
    spec = InputSpec("token", (1, 2), np.dtype(np.int64))
    with pytest.raises(UsageError, match="how to quantize"):
        load_samples(saved(tmp_path, x=normal(3, 2)), [spec])


def test_specs_read_the_quantization_behind_a_reshape() -> None:
    parameters = {
        "s": np.array(0.25, np.float32),
        "z": np.array(-3, np.int8),
        "n": np.array([1, 12], np.int64),
    }
    proto = build(
        "int8[1,3,4] x, float[1,2] f", "r = Reshape(x, n) y = DequantizeLinear(r, s, z)", parameters
    )
    specs = {spec.name: spec for spec in input_specs(import_model(proto).graph.inputs)}
    assert specs["x"] == InputSpec("x", (1, 3, 4), np.dtype(np.int8), Quant(0.25, -3))
    assert specs["f"].quant is None


def test_random_samples_fit_and_repeat() -> None:
    specs = [FLOAT, InputSpec("b", (2,), np.dtype(np.int8)), InputSpec("i", (7,), np.dtype(np.int64))]
    first, again, other = (random_samples(specs, 50, seed) for seed in (3, 3, 4))
    assert {name: (a.shape, a.dtype) for name, a in first.arrays.items()} == {
        "image": ((50, 1, 3, 4), np.dtype(np.float32)),
        "b": ((50, 2), np.dtype(np.int8)),
        "i": ((50, 7), np.dtype(np.int64)),
    }
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, again.arrays[name])
        assert not np.array_equal(array, other.arrays[name])
    assert np.ptp(first.arrays["b"].astype(int)) > 200
    assert set(np.unique(first.arrays["i"])) <= {0, 1, 2}
