"""The example networks with random weights: their structure, their range, and the way through tinyc."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner

from tinyc.models import mcunet, mobilenetv2
from tinyc.models.convnet import make_divisible


def write(command: click.Command, path: Path, *options: str) -> onnx.ModelProto:
    run = CliRunner().invoke(command, [*options, "-o", str(path)])
    assert run.exit_code == 0, run.output
    assert str(path) in run.output
    return onnx.load(path)


def batch_norms(model: onnx.ModelProto, image: np.ndarray) -> list[np.ndarray]:
    """The output of ``model`` and what each batch normalization gives, by ONNX Runtime."""
    shown = onnx.ModelProto.FromString(model.SerializeToString())
    names = [node.output[0] for node in model.graph.node if node.op_type == "BatchNormalization"]
    shown.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in names)
    session = onnxruntime.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(tensor) for tensor in session.run(["output", *names], {"input": image})]


def weights(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    return {weight.name: tuple(weight.dims) for weight in model.graph.initializer}


def outputs_of_convolutions(model: onnx.ModelProto) -> list[int]:
    shapes = weights(model)
    return [shapes[node.input[1]][0] for node in model.graph.node if node.op_type == "Conv"]


@pytest.mark.parametrize(
    ("channels", "expected"),
    [(32 * 0.35, 16), (16 * 0.35, 8), (24 * 0.35, 8), (160 * 0.35, 56), (24 * 0.75, 24), (1, 8), (96, 96)],
)
def test_make_divisible(channels: float, expected: int) -> None:
    assert make_divisible(channels) == expected


def test_mobilenetv2_has_torchvisions_layers(tmp_path: Path) -> None:
    model = write(mobilenetv2.main, tmp_path / "m.onnx", "--width", "1", "--size", "32")
    operators = [node.op_type for node in model.graph.node]
    counts = {op: operators.count(op) for op in ("Conv", "BatchNormalization", "Clip", "Add")}
    assert counts == {"Conv": 52, "BatchNormalization": 52, "Clip": 35, "Add": 10}
    assert operators[-3:] == ["GlobalAveragePool", "Flatten", "Gemm"]
    statistics = sum(
        int(np.prod(shape)) for name, shape in weights(model).items() if "running" in name or "relu6" in name
    )
    trained = sum(int(np.prod(shape)) for shape in weights(model).values()) - statistics
    assert trained == 3_504_872  # torchvision.models.mobilenet_v2().parameters()


def test_mobilenetv2_of_another_width_keeps_the_last_convolution(tmp_path: Path) -> None:
    options = ("--width", "0.35", "--size", "48", "--classes", "7")
    model = write(mobilenetv2.main, tmp_path / "m.onnx", *options)
    assert outputs_of_convolutions(model)[:6] == [16, 16, 8, 48, 48, 8]
    assert outputs_of_convolutions(model)[-3:] == [336, 112, 1280]
    assert write(mobilenetv2.main, tmp_path / "again.onnx", *options) == model
    image = np.random.default_rng(0).normal(size=(1, 3, 48, 48)).astype(np.float32)
    output, *inner = batch_norms(model, image)
    assert output.shape == (1, 7)
    spreads = [float(tensor.std()) for tensor in inner]
    assert min(spreads) > 0.5 and max(spreads) < 3, spreads


def test_members_of_the_search_space(tmp_path: Path) -> None:
    small = ("--width", "0.25", "--size", "32", "--classes", "3")
    drawn = write(mcunet.main, tmp_path / "drawn.onnx", *small, "--seed", "5")
    assert write(mcunet.main, tmp_path / "again.onnx", *small, "--seed", "5") == drawn
    assert write(mcunet.main, tmp_path / "other.onnx", *small, "--seed", "6") != drawn
    member = mcunet.draw_member(5)
    named = ("--depths", member.depths), ("--kernels", member.kernels), ("--expand", member.expansions)
    explicit = [word for name, part in named for word in (name, ",".join(map(str, part)))]
    assert write(mcunet.main, tmp_path / "explicit.onnx", *small, *explicit) == drawn
    image = np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype(np.float32)
    output, *inner = batch_norms(drawn, image)
    assert output.shape == (1, 3)
    assert len(inner) == 3 + 3 * (sum(member.depths) + 1)


def test_a_member_is_what_its_options_say(tmp_path: Path) -> None:
    options = (
        "--size", "32", "--depths", "2,3,4,2,2", "--kernels", "3,5,7,3,5,7", "--expand", "3,4,6,3,4,6",
    )  # fmt: skip
    model = write(mcunet.main, tmp_path / "m.onnx", *options)
    shapes = weights(model)
    depthwise = [shapes[f"blocks.{i}.conv.1.0.weight"] for i in range(1, 15)]
    widths = [16 * 3, 24 * 3, *(c * 4 for c in (24, 40, 40)), *(c * 6 for c in (40, 80, 80, 80))]
    widths += [80 * 3, 96 * 3, 96 * 4, 192 * 4, 192 * 6]
    kernels = [3] * 2 + [5] * 3 + [7] * 4 + [3] * 2 + [5] * 2 + [7]
    assert depthwise == [(w, 1, k, k) for w, k in zip(widths, kernels, strict=True)]


@pytest.mark.parametrize(
    ("option", "value"), [("--depths", "2,3,4,2"), ("--kernels", "3,5,7,3,5,4"), ("--expand", "x")]
)
def test_members_outside_the_space_are_refused(tmp_path: Path, option: str, value: str) -> None:
    run = CliRunner().invoke(mcunet.main, [option, value, "-o", str(tmp_path / "m.onnx")])
    assert run.exit_code == 2
    assert value in run.output and "separated by commas" in run.output
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize("command", [mobilenetv2.main, mcunet.main])
def test_through_tinyc(tmp_path: Path, command: click.Command) -> None:
    from tinyc.compiler.cli import main as tinyc

    write(command, tmp_path / "m.onnx", "--width", "0.1", "--size", "24", "--classes", "4")
    arguments = f"compile {tmp_path / 'm.onnx'} --target nucleo-h743zi --calibration random --precision int8"
    run = CliRunner().invoke(tinyc, [*arguments.split(), "--no-verify", "-o", str(tmp_path / "out")])
    assert run.exit_code == 0, run.output
    assert (tmp_path / "out" / "report.json").exists()
