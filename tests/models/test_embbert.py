"""A text encoder of EmbBERT-Q's shape: what becomes of its blocks, and the documented figures."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from tinyc.compiler.cli import main
from tinyc.models import embbert
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model


def test_every_part_of_a_block_is_one_node() -> None:
    model = canonicalize(import_model(embbert.build_model()))
    found = Counter(node.op_type for node in model.graph)
    blocks = {"Attention", "RMSNormalization", "Conv", "Swish", "Sub"}
    assert {operator: found[operator] for operator in blocks} == dict.fromkeys(blocks, embbert.BLOCKS)
    assert not {"Softmax", "Div", "Mul", "Pow", "Sigmoid"} & set(found)


@pytest.mark.slow
def test_documented_figures(tmp_path: Path) -> None:
    onnx.save(embbert.build_model(), tmp_path / "embbert.onnx")
    for split, count in (("calibration", 32), ("evaluation", 200)):
        np.savez(tmp_path / f"{split}.npz", tokens=embbert.tokens(split, count))
    arguments = ["compile", str(tmp_path / "embbert.onnx"), "-t", "nucleo-f446re"]
    arguments += ["-o", str(tmp_path / "out")]
    arguments += ["--calibration", str(tmp_path / "calibration.npz")]
    arguments += ["--evaluate", str(tmp_path / "evaluation.npz"), "--schedule", "min-sram"]
    arguments += ["--optimize", "size", "--sram-budget", "85000", "--flash-budget", "420000"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["accuracy"]["agreement"] >= 0.98
