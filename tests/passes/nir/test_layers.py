"""NIR's layers without state against plain loops, over odd and non-square shapes."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinyc.ir.errors import ModelError
from tinyc.models.stepping import run_steps
from tinyc.passes.nir import import_nir

from .nir_files import Node, chain, node, write

pytest.importorskip("h5py", reason="reading .nir files needs the extra `nir`")

def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


def output(path: Path, root: Node, *inputs: np.ndarray) -> np.ndarray:
    model = import_nir(write(path / "net.nir", root), 1e-3)
    names = [entry.name for entry in model.graph.input]
    return run_steps(model, dict(zip(names, (x[None, None] for x in inputs), strict=True)))["output"][0, 0]


def windows(x: np.ndarray, kernel: Any, stride: Any, before: Any, behind: Any, dilation: Any) -> np.ndarray:
    """x (channels, ...) as (channels, positions..., kernel...)."""
    padded = np.pad(x, [(0, 0), *zip(before, behind, strict=True)])
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    counts = [(n - r) // s + 1 for n, r, s in zip(padded.shape[1:], reach, stride, strict=True)]
    out = np.empty((len(x), *counts, *kernel))
    for position in product(*map(range, counts)):
        cut = [
            slice(p * s, p * s + r, d) for p, s, r, d in zip(position, stride, reach, dilation, strict=True)
        ]
        out[(slice(None), *position)] = padded[(slice(None), *cut)]
    return out


def convolved(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, groups: int, **window: Any) -> np.ndarray:
    axes = weight.ndim - 2
    parts = []
    for group, kernel in zip(np.split(x, groups), np.split(weight, groups), strict=True):
        over = [0, *range(1 + axes, 1 + 2 * axes)]
        seen = windows(group, weight.shape[2:], **window)
        parts.append(np.tensordot(kernel, seen, axes=(range(1, weight.ndim), over)))
    return np.concatenate(parts) + bias.reshape(-1, *[1] * axes)


@pytest.mark.parametrize(
    ("size", "weight", "stride", "padding", "dilation", "groups"),
    [
        ((11,), (5, 2, 3), [1], [1], [1], 1),
        ((11,), (4, 2, 4), [2], [2], [2], 2),
        ((8,), (3, 2, 4), [1], "same", [1], 1),
        ((8,), (3, 2, 5), [3], "valid", [1], 1),
        ((7, 9), (5, 3, 3, 3), [1, 1], [1, 1], [1, 1], 1),
        ((7, 9), (6, 1, 3, 2), [2, 1], [0, 1], [1, 2], 3),
        ((7, 9), (2, 3, 2, 5), [1, 1], "same", [1, 1], 1),
        ((7, 9), (2, 3, 4, 1), [3, 2], "valid", [2, 1], 1),
    ],
)
def test_convolutions(
    tmp_path: Path, size: Any, weight: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> None:
    x, filters, bias = drawn(weight[1] * groups, *size), drawn(*weight), drawn(weight[0])
    total = [d * (k - 1) if padding == "same" else 0 for k, d in zip(weight[2:], dilation, strict=True)]
    before = [n // 2 for n in total] if isinstance(padding, str) else padding
    behind = [n - n // 2 for n in total] if isinstance(padding, str) else padding
    layer = node(
        f"Conv{len(size)}d", weight=filters, bias=bias, groups=groups, padding=padding,
        stride=stride if len(size) > 1 else stride[0], dilation=dilation,
    )  # fmt: skip
    expected = convolved(
        x, filters, bias, groups, stride=stride, before=before, behind=behind, dilation=dilation
    )
    found = output(tmp_path, chain(x.shape, layer=layer), x)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", ["SumPool2d", "AvgPool2d"])
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [((3, 6, 8), [2, 2], [2, 2], [0, 0]), ((1, 7, 9), [3, 2], [1, 2], [1, 0]), ((2, 5, 5), 3, 2, 1)],
)
def test_pools(tmp_path: Path, kind: str, size: Any, kernel: Any, stride: Any, padding: Any) -> None:
    x = drawn(*size)
    layer = node(kind, kernel_size=kernel, stride=stride, padding=padding)
    pair = {name: [v] * 2 if isinstance(v, int) else v for name, v in
            {"kernel": kernel, "stride": stride, "before": padding}.items()}  # fmt: skip
    seen = windows(x, **pair, behind=pair["before"], dilation=[1, 1])
    expected = seen.sum(axis=(3, 4)) if kind == "SumPool2d" else seen.mean(axis=(3, 4))
    np.testing.assert_allclose(output(tmp_path, chain(size, layer=layer), x), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("first", "last", "shape"), [(0, -1, (60,)), (1, 2, (3, 20)), (0, 1, (12, 5)), (-2, -1, (3, 20))]
)
def test_flatten(tmp_path: Path, first: int, last: int, shape: tuple[int, ...]) -> None:
    x = drawn(3, 4, 5)
    layer = node("Flatten", start_dim=first, end_dim=last, input_type=np.array([3, 4, 5]))
    np.testing.assert_array_equal(output(tmp_path, chain(x.shape, layer=layer), x), x.reshape(shape))


def test_elementwise_layers(tmp_path: Path) -> None:
    x, weight, bias, scale = drawn(3), drawn(4, 3), drawn(4), drawn(4)
    layers = {
        "dense": node("Affine", weight=weight, bias=bias),
        "scale": node("Scale", scale=scale),
        "above": node("Threshold", threshold=np.full(4, 0.1)),
        "sum": node("Linear", weight=np.eye(4)),
    }
    expected = (weight @ x + bias) * scale > 0.1
    assert 0 < expected.sum() < 4
    np.testing.assert_array_equal(output(tmp_path, chain([3], **layers), x), expected)


@pytest.mark.parametrize(
    ("shape", "layer"),
    [
        ((4,), node("Linear", weight=np.ones((2, 3)))),
        ((2, 3), node("Linear", weight=np.ones((2, 3)))),
        ((3,), node("Linear", weight=np.ones(3))),
        ((3,), node("Affine", weight=np.ones((2, 3)), bias=np.ones(3))),
        ((3,), node("Affine", weight=np.ones((2, 3)))),
        ((3,), node("Affine", weight=np.full((2, 3), np.inf), bias=np.ones(2))),
        ((3, 5), node("Flatten", start_dim=1, end_dim=0)),
        ((3, 5), node("Flatten", start_dim=0, end_dim=2)),
        ((3, 5), node("Flatten", start_dim=-3, end_dim=-1)),
        ((3, 5), node("SumPool2d", kernel_size=[2, 2], stride=[1, 1], padding=[0, 0])),
        ((3, 5, 5), node("SumPool2d", kernel_size=[6, 2], stride=[1, 1], padding=[0, 0])),
        ((3, 5, 5), node("AvgPool2d", kernel_size=[2, 2], stride=[0, 1], padding=[0, 0])),
        ((3, 5, 5), node("AvgPool2d", kernel_size=[2, 2, 2], stride=[1, 1], padding=[0, 0])),
        ((3, 5, 5), node("AvgPool2d", kernel_size=[1.5, 2], stride=[1, 1], padding=[0, 0])),
        ((3,), node("Scale", scale=np.ones(2))),
    ],
)
def test_layers_that_do_not_fit_are_refused(tmp_path: Path, shape: Any, layer: Node) -> None:
    path = write(tmp_path / "net.nir", chain(shape, layer=layer))
    with pytest.raises(ModelError) as refusal:
        import_nir(path, 1e-3)
    assert "node 'layer'" in refusal.value.where and refusal.value.why and refusal.value.remedy
