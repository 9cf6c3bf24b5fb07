"""Operators that import writes as others mean the same to ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest

from tinyc.ir.errors import ModelError
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower.unsupported import unsupported_operators

from .onnx_text import assert_same, build, normal, random_feeds, run

I64 = np.int64
# inputs, body, weights
CASES: dict[str, tuple[str, str, dict[str, np.ndarray]]] = {
    "GatherElements": (
        "float[3,5] x", "y = GatherElements<axis=-1>(x, i)", {"i": np.array([[0, -1], [4, 2]], I64)},
    ),
    "GatherND": ("float[2,3,4] x", "y = GatherND<batch_dims=1>(x, i)", {"i": np.array([[2], [-1]], I64)}),
    "ScatterElements": (
        "float[3,5] x, float[1,2] u", "y = ScatterElements<axis=1>(x, i, u)", {"i": np.array([[4, -4]], I64)},
    ),
    "ScatterElements, first axis": (
        "float[3,5] x, float[2,2] u", 'y = ScatterElements<reduction="add">(x, i, u)',
        {"i": np.array([[0, -1], [2, 2]], I64)},
    ),
    "ScatterND, rows": (
        "float[4,3,2] x, float[2,3,2] u", "y = ScatterND(x, i, u)", {"i": np.array([[3], [-4]], I64)},
    ),
    "ScatterND, elements": (
        "float[4,3] x, float[2,2] u", 'y = ScatterND<reduction="max">(x, i, u)',
        {"i": np.array([[[0, 1], [3, -1]], [[1, 1], [0, 1]]], I64)},
    ),
    "BitShift to the left": (
        "uint8[2,9] x", 'y = BitShift<direction="LEFT">(x, s)', {"s": np.arange(9, dtype=np.uint8) % 8},
    ),
    "BitShift to the right": (
        "uint32[3,32] x", 'y = BitShift<direction="RIGHT">(x, s)', {"s": np.arange(32, dtype=np.uint32)},
    ),
    "Pow of integers": (
        "int32[3] x", "a = Mod(x, m) y = Pow(a, p)",
        {"m": np.array(9, np.int32), "p": np.array([0, 2, 3], np.int32)},
    ),
    "CumSum of integers": (
        "int32[2,4,3] x", "y = CumSum<exclusive=1, reverse=1>(x, n)", {"n": np.array(1, np.int32)},
    ),
    "QuantizeLinear per channel": (
        "float[2,3,4] x", "y = QuantizeLinear<axis=1>(x, s, z)",
        {"s": np.array([0.1, 0.02, 0.3], np.float32), "z": np.array([3, -7, 0], np.int8)},
    ),
    "DequantizeLinear per channel": (
        "uint8[2,3,4] x", "y = DequantizeLinear<axis=1>(x, s, z)",
        {"s": np.array([0.1, 0.02, 0.3], np.float32), "z": np.array([3, 127, 0], np.uint8)},
    ),
    "DynamicQuantizeLinear": ("float[3,4] x", "y, s, z = DynamicQuantizeLinear(x)", {}),
    "Resize, cubic": (
        "float[1,2,4,5] x",
        'y = Resize<mode="cubic", coordinate_transformation_mode="align_corners">(x, , s)',
        {"s": np.array([1, 1, 2, 1.6], np.float32)},
    ),
    "Resize, antialias": (
        "float[1,2,6,5] x", 'y = Resize<mode="linear", antialias=1>(x, , s)',
        {"s": np.array([1, 1, 0.6, 0.8], np.float32)},
    ),
    "TopK": ("float[3,7,2] x", "y, z = TopK<axis=1>(x, k)", {"k": np.array([3], I64)}),
    "TopK, ties": (
        "int32[5,8] x", "a = Mod(x, m) y, z = TopK<largest=0>(a, k)",
        {"m": np.array(3, np.int32), "k": np.array([8], I64)},
    ),
    "TopK, indices only": ("float[4,6] x", "v, y = TopK(x, k)", {"k": np.array([2], I64)}),
    "LayerNormalization with its mean and deviation": (
        "float[2,3,4] x", "y, s, z = LayerNormalization<axis=1>(x, w, b)",
        {"w": normal(3, 4), "b": normal(3, 4, seed=1)},
    ),
    "DFT": ("float[2,6,3,1] x", "y = DFT<onesided=1>(x, , a)", {"a": np.array(1, I64)}),
    "DFT, complex": ("float[3,5,2] x", "y = DFT(x)", {}),
    "DFT, inverse": ("float[3,5,2] x", "y = DFT<inverse=1>(x, n)", {"n": np.array(7, I64)}),
    "Compress": ("float[2,4,3] x", "y = Compress<axis=-2>(x, c)", {"c": np.array([0, 1, 1, 0], bool)}),
    "Compress, flat": ("float[2,3] x", "y = Compress(x, c)", {"c": np.array([1, 0, 0, 1, 1], bool)}),
    "Det": ("float[2,3,3] x", "y = Det(x)", {}),
    "Dropout's mask": ("float[2,3] x", "y, z = Dropout(x)", {}),
    "DFT, inverse of half a spectrum": ("float[2,5,2] x", "y = DFT<inverse=1>(x)", {}),
    "MaxUnpool": (
        "float[1,2,2,2] x", "y = MaxUnpool<kernel_shape=[2,2], strides=[2,2]>(x, i)",
        {"i": np.array([[[[1, 7], [8, 15]], [[16, 19], [24, 31]]]], I64)},
    ),
    "STFT": (
        "float[2,40,1] x", "y = STFT(x, s, w)",
        {"s": np.array(7, I64), "w": np.hanning(12).astype(np.float32)},
    ),
    "STFT, both sides": (
        "float[1,30,1] x", "y = STFT<onesided=0>(x, s, , n)", {"s": np.array(5, I64), "n": np.array(9, I64)},
    ),
    "MaxPool of volumes": (
        "float[2,3,7,6,5] x",
        "y = MaxPool<kernel_shape=[3,2,2], strides=[2,1,3], dilations=[1,2,1], pads=[1,0,1,1,1,0], "
        "ceil_mode=1>(x)",
        {},
    ),
    "AveragePool of volumes": (
        "float[1,2,5,6,7] x", "y = AveragePool<kernel_shape=[2,3,3], strides=[2,2,1], pads=[1,1,0,0,1,2]>(x)",
        {},
    ),
    "AveragePool of volumes, padding counted": (
        "float[1,2,5,6,4] x",
        'y = AveragePool<kernel_shape=[2,3,3], auto_pad="SAME_UPPER", count_include_pad=1>(x)', {},
    ),
    "Conv of volumes": (
        "float[2,4,6,5,7] x",
        "y = Conv<strides=[2,1,2], dilations=[1,2,1], pads=[1,2,0,0,1,1], group=2>(x, w, b)",
        {"w": normal(6, 2, 3, 2, 3), "b": normal(6)},
    ),
    "Conv of volumes, padded to the same": (
        "float[1,2,5,4,6] x", 'y = Conv<auto_pad="SAME_LOWER", strides=[2,1,1]>(x, w)',
        {"w": normal(3, 2, 2, 3, 2)},
    ),
    **{
        f"RoiAlign, {mode} {ratio} {pixel}": (
            "float[2,3,7,9] x",
            f'y = RoiAlign<mode="{mode}", sampling_ratio={ratio}, coordinate_transformation_mode="{pixel}", '
            "output_height=2, output_width=3, spatial_scale=0.5>(x, r, b)",
            {
                "r": np.array([[1, 2, 15, 9], [-4, 3, 8.5, 21], [3, 3, 3.2, 3.1]], np.float32),
                "b": np.array([1, 0, 1], I64),
            },
        )
        for mode, ratio, pixel in (
            ("avg", 0, "half_pixel"), ("avg", 2, "output_half_pixel"), ("max", 0, "output_half_pixel"),
            ("max", 3, "half_pixel"),
        )
    },
    "DeformConv": (
        "float[2,4,5,6] x, float[2,24,2,3] o, float[2,12,2,3] m",
        "y = DeformConv<strides=[2,2], dilations=[1,2], pads=[1,0,0,1], group=2, offset_group=2>"
        "(x, w, o, b, m)",
        {"w": normal(6, 2, 3, 2), "b": normal(6)},
    ),
    "Col2Im": (
        "float[1,18,12] x", "y = Col2Im<pads=[1,0,1,0], strides=[1,2]>(x, n, k)",
        {"n": np.array([3, 7], I64), "k": np.array([2, 3], I64)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_decomposition(name: str) -> None:
    inputs, body, weights = CASES[name]
    outputs = "y, s, z" if "y, s, z" in body else "y, z" if "y, z" in body else "y"
    proto = build(inputs, body, weights, outputs=outputs, opset=21)
    model = import_model(proto)
    assert unsupported_operators(canonicalize(model.clone())) == []
    assert_same(model, proto)


REFUSED: dict[str, tuple[str, str, str, int]] = {
    "Compress by data": ("float[4] x, bool[4] c", "y = Compress(x, c)", "needs a constant as operand 1", 21),
    "Det of five rows": ("float[5,5] x", "y = Det(x)", "it has 5 rows", 21),
    "cubic volume": (
        "float[1,1,2,3,4] x, float[1,2,2,2,3] g", 'y = GridSample<mode="cubic">(x, g)',
        "3 spatial dimensions", 21,
    ),
    "bits of floats": ("float[3] x", "y = BitCast<to=6>(x)", "BitCast reads the bits of floats", 26),
    "long frames": (
        "float[1,4096,1] x", "s = Constant<value_int=9>() y = STFT(x, s)",
        "up to 1048576 factors are stored", 21,
    ),
    "bits of other width": ("int8[3] x", "y = BitCast<to=5>(x)", "same bit-width", 26),
    "frames of another length": (
        "float[1,9,1] x", "s = Constant<value_int=3>() w = Constant<value_floats=[1.0,2.0]>() "
        "n = Constant<value_int=4>() y = STFT(x, s, w, n)", "frames of 4, 3 apart", 21,
    ),
    "frames that do not advance": (
        "float[1,9,1] x", "s = Constant<value_int=0>() y = STFT(x, s)", "0 apart", 21,
    ),
    "pads of a volume": (
        "float[1,1,4,4,4] x", "y = MaxPool<kernel_shape=[2,2,2], pads=[1,1]>(x)", "pads", 21,
    ),
    "regions of another image": (
        "float[1,1,4,4] x", "r = Constant<value=float[1,4] {0.0,0.0,2.0,2.0}>() "
        "b = Constant<value_ints=[1]>() y = RoiAlign(x, r, b)", "for images \\[1\\]", 21,
    ),
    "vast regions": (
        "float[1,1,4,4] x", "r = Constant<value=float[1,4] {0.0,0.0,1e9,2.0}>() "
        "b = Constant<value_ints=[0]>() y = RoiAlign(x, r, b)", "more than 1048576 samples", 21,
    ),
    "deformed series": (
        "float[1,2,9] x, float[1,2,2] w, float[1,2,8] o", "y = DeformConv(x, w, o)",
        "the shape \\[1, 2, 9\\]", 22,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    inputs, body, words, opset = REFUSED[name]
    with pytest.raises(ModelError, match=words):
        import_model(build(inputs, body, opset=opset))


@pytest.mark.parametrize(("kind", "to", "dtype"), [("int8", 2, np.uint8), ("uint32", 6, np.int32)])
def test_bits_of_integers_are_cast(kind: str, to: int, dtype: type) -> None:
    """ONNX Runtime has no BitCast: NumPy reads the bits."""
    model = import_model(build(f"{kind}[2,5] x", f"y = BitCast<to={to}>(x)", opset=26))
    feeds = random_feeds(model)
    (found,) = run(model, feeds)
    np.testing.assert_array_equal(found, feeds["x"].view(dtype))
    assert found.dtype == dtype
