"""One token for a run: keys and values of the tokens before it are states."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import helper, numpy_helper

from tinyc.compiler.cli import main

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


@pytest.mark.parametrize(("precision", "size"), [("float32", 4), ("int8", 1)])
def test_keys_and_values_are_states(tmp_path: Path, precision: str, size: int) -> None:
    onnx.save(_decoder(), tmp_path / "decoder.onnx")
    tokens = np.random.default_rng(1).normal(size=(4, 12, 1, WIDTH)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=tokens)
    arguments = ["compile", str(tmp_path / "decoder.onnx"), "-t", "host", "--precision", precision]
    arguments += ["--state", "past_k:next_k", "--state", "past_v:next_v"]
    arguments += ["--calibration", str(tmp_path / "x.npz"), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["sram"]["state"] == 2 * size * int(np.prod(CACHE))
    assert [layer["operator"] for layer in report["layers"]].count("Attention") == 1
