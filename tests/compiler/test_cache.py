"""One token for a run: keys and values of the tokens before it are states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from click.testing import CliRunner
from onnx import helper, numpy_helper

from tinyc.compiler.cli import main
from tinyc.ir.dtype import Quant
from tinyc.ir.window import Window
from tinyc.kernels.attention import Heads, QuantizedAttention, Seen

WIDTH, HEADS, LENGTH = 8, 2, 6
CACHE = [1, HEADS, LENGTH, WIDTH // HEADS]


def _decoder() -> onnx.ModelProto:
    """Attention of the token ``x`` (1, 1, 8) to the last six; what leaves the cache is the oldest one."""
    rng = np.random.default_rng(0)
    weights = {f"w{n}": (rng.normal(size=(WIDTH, WIDTH)) / 3).astype(np.float32) for n in "qkv"}
    split, root = np.array([1, 1, HEADS, WIDTH // HEADS]), np.array(2.0, np.float32)
    bounds = {"begin": np.array([1]), "end": np.array([LENGTH + 1]), "axis": np.array([2])}
    constants = weights | bounds | {"split": split, "root": root, "joined": np.array([1, 1, WIDTH])}
    nodes: list[onnx.NodeProto] = []

    def add(operator: str, inputs: str, output: str, **attributes: object) -> None:
        nodes.append(helper.make_node(operator, inputs.split(), [output], f"make_{output}", **attributes))

    for n in "qkv":
        add("MatMul", f"x w{n}", f"{n}_features")
        add("Reshape", f"{n}_features split", f"{n}_split")
        add("Transpose", f"{n}_split", n, perm=[0, 2, 1, 3])
    for n in "kv":
        add("Concat", f"past_{n} {n}", f"all_{n}", axis=2)
        add("Slice", f"all_{n} begin end axis", f"next_{n}")
    add("Transpose", "next_k", "turned", perm=[0, 1, 3, 2])
    add("MatMul", "q turned", "products")
    add("Div", "products root", "scores")
    add("Softmax", "scores", "weights", axis=-1)
    add("MatMul", "weights next_v", "context")
    add("Transpose", "context", "in_memory", perm=[0, 2, 1, 3])
    add("Reshape", "in_memory joined", "y")
    inputs, outputs = (
        [helper.make_tensor_value_info(n, 1, [1, 1, WIDTH] if n in "xy" else CACHE) for n in names.split()]
        for names in ("x past_k past_v", "y next_k next_v")
    )
    graph = helper.make_graph(
        nodes, "decoder", inputs, outputs,
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _operator() -> onnx.ModelProto:
    """The same by the operator of ONNX, with booleans for cached tokens that there are, and the new one."""
    rng = np.random.default_rng(0)
    text = f"""<ir_version: 11, opset_import: ["" : 23]> decoder
        (float[1,1,{WIDTH}] x, bool[1,{LENGTH + 1}] seen, float[{",".join(map(str, CACHE))}] past_k,
         float[{",".join(map(str, CACHE))}] past_v) => (y, next_k, next_v) {{
            q = MatMul(x, wq) k = MatMul(x, wk) v = MatMul(x, wv)
            y, all_k, all_v = Attention<q_num_heads={HEADS}, kv_num_heads={HEADS}>
                (q, k, v, seen, past_k, past_v)
            next_k = Slice(all_k, begin, end, axis) next_v = Slice(all_v, begin, end, axis)
        }}"""
    model = onnx.parser.parse_model(text)
    constants = {f"w{n}": (rng.normal(size=(WIDTH, WIDTH)) / 3).astype(np.float32) for n in "qkv"}
    constants |= {"begin": np.array([1]), "end": np.array([LENGTH + 1]), "axis": np.array([2])}
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in constants.items())
    return model


def _compiled(folder: Path, precision: str) -> dict[str, Any]:
    """The report of ``decoder.onnx``, whose cache is two states, with the samples in ``x.npz``."""
    arguments = ["compile", str(folder / "decoder.onnx"), "-t", "host", "--precision", precision]
    arguments += ["--state", "past_k:next_k", "--state", "past_v:next_v"]
    arguments += ["--calibration", str(folder / "x.npz"), "-o", str(folder / "out")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return json.loads((folder / "out" / "report.json").read_text())


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_the_operator_with_a_cache_and_a_mask(tmp_path: Path, precision: str) -> None:
    onnx.save(_operator(), tmp_path / "decoder.onnx")
    rng, steps = np.random.default_rng(1), 9
    seen = np.arange(LENGTH + 1) >= LENGTH - np.arange(steps)[:, None]
    np.savez(
        tmp_path / "x.npz", x=rng.normal(size=(4, steps, 1, WIDTH)).astype(np.float32),
        seen=np.broadcast_to(seen[None, :], (4, steps, LENGTH + 1)),
    )  # fmt: skip
    report = _compiled(tmp_path, precision)
    assert [layer["operator"] for layer in report["layers"]].count("MaskedAttention") == 1


def test_step_by_step_is_the_whole_sequence_bit_for_bit() -> None:
    rng, depth = np.random.default_rng(0), 5
    q, k, v = (rng.integers(-128, 128, (1, LENGTH, depth)).astype(np.int8) for _ in range(3))
    quants = (Quant(0.02, 3), 4e-4, Quant(0.05, 20), Quant(0.03, -4))
    whole = QuantizedAttention.of(Heads(1, 1, LENGTH, LENGTH, depth, depth, False, 0), *quants)
    step = QuantizedAttention.of(Heads(1, 1, 1, LENGTH, depth, depth, False, LENGTH), *quants, Seen(1, None))
    assert whole is not None and step is not None
    (wanted,) = whole.compute([q, k, v], Window(0, LENGTH, 0, 1))
    keys, values = (rng.integers(-128, 128, (1, LENGTH, depth)).astype(np.int8) for _ in range(2))
    for token in range(LENGTH):
        keys = np.concatenate([keys[:, 1:], k[:, token : token + 1]], axis=1)
        values = np.concatenate([values[:, 1:], v[:, token : token + 1]], axis=1)
        seen = np.arange(LENGTH)[None] >= LENGTH - 1 - token
        (found,) = step.compute([q[:, token : token + 1], keys, values, seen], Window(0, 1, 0, 1))
        np.testing.assert_array_equal(found[:, 0], wanted[:, token])


@pytest.mark.parametrize(("precision", "size"), [("float32", 4), ("int8", 1)])
def test_keys_and_values_are_states(tmp_path: Path, precision: str, size: int) -> None:
    onnx.save(_decoder(), tmp_path / "decoder.onnx")
    tokens = np.random.default_rng(1).normal(size=(4, 12, 1, WIDTH)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=tokens)
    report = _compiled(tmp_path, precision)
    assert report["sram"]["state"] == 2 * size * int(np.prod(CACHE))
    assert [layer["operator"] for layer in report["layers"]].count("Attention") == 1
