"""Models as PyTorch, Keras and scikit-learn export them compile as they are, and compute the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from tinyc.compiler.feeding import stored_inputs
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.emulator.host import HostModel
from tinyc.ir.values import to_real

FOLDER = Path(__file__).parent
FILES = sorted(path for part in ("keras", "sklearn", "torch") for path in (FOLDER / part).glob("*.onnx"))
FLOAT = 1e-4
"""Share of a tensor's range by which floats may differ after several layers."""
INT8_ERROR = 0.1
"""Root mean square error of int8 outputs, as a share of the outputs' standard deviation."""

LAYERS = {
    "keras/encoder": "MatMul MatMul MatMul Attention MatMul Add LayerNormalization Gemm Gelu Gemm Add "
    "LayerNormalization ReduceMean Gemm Softmax",
    "keras/gru": "GRU Gemm Softmax",
    "keras/image_classifier": "Conv Conv Conv Conv Add Conv Conv MaxPool AveragePool Gemm Softmax",
    "keras/keyword_net": "Conv Conv Conv MaxPool Conv Gemm Softmax",
    "keras/lenet": "Conv MaxPool Conv AveragePool Gemm Gemm",
    "keras/lstm": "LSTM Gemm Softmax",
    "keras/lstm_bidirectional": "LSTM LSTM Concat LSTM Gemm",
    "sklearn/linear_svc": "Gemm ArgMax",
    "sklearn/logistic": "Add Mul Gemm ArgMax Softmax",
    "sklearn/logistic_binary": "Gemm ArgMax Sigmoid",
    "sklearn/logistic_names": "Add Mul Gemm ArgMax Softmax",
    "sklearn/mlp": "Add Mul Gemm Gemm Gemm Softmax ArgMax",
    "sklearn/mlp_binary": "Mul Add Gemm Gemm Sigmoid Sub ArgMax",
    "sklearn/mlp_names": "Add Mul Gemm Gemm Softmax ArgMax",
    "sklearn/mlp_regressor": "Add Mul Gemm Gemm",
    "sklearn/mlp_zipmap": "Add Mul Gemm Gemm Softmax ArgMax Gather Cast",
    "sklearn/ridge": "LpNormalization Gemm",
    "torch/attention": "MatMul MatMul MatMul Attention Gemm Add LayerNormalization",
    "torch/encoder": "MatMul Add MatMul MatMul MatMul Attention Gemm Add LayerNormalization MatMul Gelu "
    "MatMul Add LayerNormalization ReduceMean Gemm",
    "torch/encoder_norm_first": "MatMul Add LayerNormalization MatMul MatMul MatMul Attention Gemm Add "
    "LayerNormalization MatMul MatMul Add ReduceMean Gemm",
    "torch/gru": "GRU Gemm",
    "torch/image_classifier": "Conv Conv Conv Conv Add MaxPool AveragePool Gemm Softmax",
    "torch/keyword_net": "Conv Conv Conv MaxPool Transpose Gemm",
    "torch/lenet": "Conv MaxPool Conv AveragePool Transpose Gemm Gemm",
    "torch/lstm": "LSTM Gemm",
    "torch/lstm_bidirectional": "LSTM LSTM Concat LSTM LSTM Concat Gemm",
    "torch/lstm_state": "LSTM Gemm",
}
"""The layers that are computed, by folder and model: none is there because of how the exporter writes it, but
for the Transpose where PyTorch flattens an image, channels first."""


QUANTIZED = {
    "keras/gru", "keras/image_classifier", "keras/keyword_net", "keras/lstm", "sklearn/mlp", "torch/gru",
    "torch/image_classifier", "torch/keyword_net", "torch/lstm",
}  # fmt: skip


def key(path: Path) -> str:
    return f"{path.parent.name}/{path.stem.partition('-')[0]}"


def recorded(path: Path) -> dict[str, np.ndarray]:
    """``x`` and outputs, samples first."""
    with np.load(path.parent / f"{path.stem.partition('-')[0]}.npz") as archive:
        return dict(archive)


def compiled(source: Path | onnx.ModelProto, calibration: Path | None = None) -> Compiled:
    """float32 where there is no calibration data; without verification, since ``computed`` runs the C."""
    precision = "float32" if calibration is None else "auto"
    return compile_model(
        source, CompileOptions("nucleo-h743zi", precision=precision, calibration=calibration, verify=False)
    )


def computed(found: Compiled, x: np.ndarray) -> list[np.ndarray]:
    """Outputs of the emitted C on this machine, samples first."""
    program = found.program
    (buffer,) = (program.buffers[name] for name in program.inputs)
    samples = [stored_inputs(program, {buffer.source: sample[None]}) for sample in x]
    with HostModel(program, found.files) as host:
        runs = host.run(samples)
    outputs = [program.buffers[name] for name in program.outputs]
    return [np.concatenate([to_real(run[buffer.name], buffer) for run in runs]) for buffer in outputs]


def operators(found: Compiled) -> str:
    """Of the layers in order, without activations and biases that they do themselves."""
    layers = found.report.to_dict()["layers"]
    return " ".join(layer["operator"].partition(" ")[0] for layer in layers)


def test_there_are_recordings() -> None:
    assert {key(path) for path in FILES} == set(LAYERS)
    torch = [path.stem.partition("-")[2] for path in FILES if path.parent.name == "torch"]
    assert torch.count("dynamo") == torch.count("torchscript") == len(torch) / 2


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_float32(path: Path) -> None:
    found, (x, *wanted) = compiled(path), recorded(path).values()
    assert operators(found) == LAYERS[key(path)]
    for mine, theirs in zip(computed(found, x), wanted, strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=FLOAT * max(np.abs(theirs).max(), 1e-3))


@pytest.mark.parametrize("name", sorted(QUANTIZED))
def test_int8(name: str, tmp_path: Path) -> None:
    path = next(path for path in FILES if key(path) == name)
    x, *wanted = recorded(path).values()
    np.savez(tmp_path / "calibration.npz", x=x)
    found = compiled(path, tmp_path / "calibration.npz")
    assert operators(found) == LAYERS[name]
    for mine, theirs in zip(computed(found, x), wanted, strict=True):
        if theirs.dtype.kind == "i":
            assert (mine == theirs).mean() >= 0.9
        else:
            assert np.sqrt(np.mean((mine - theirs) ** 2)) <= INT8_ERROR * theirs.std()


def page() -> list[str]:
    """The calls that docs/exporting.md tells."""
    text = (FOLDER.parents[1] / "docs" / "exporting.md").read_text("utf-8")
    return [block.removeprefix("python\n").strip() for block in text.split("```")[1::2]]


@pytest.mark.parametrize("framework", ["torch", "keras", "sklearn"])
def test_the_page_tells_the_options_of_the_recordings(framework: str) -> None:
    options = {"torch": "external_data=False", "keras": 'format="onnx"', "sklearn": '{"zipmap": False}'}
    assert options[framework] in page()[list(options).index(framework)]
    assert options[framework] in (FOLDER / f"record_{framework}.py").read_text("utf-8")


def test_a_label_alone_needs_no_probabilities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.onnx").write_bytes((FOLDER / "sklearn" / "mlp.onnx").read_bytes())
    exec(page()[3], {})
    found, wanted = compiled(Path("label.onnx")), recorded(FOLDER / "sklearn" / "mlp.onnx")
    assert operators(found) == "Add Mul Gemm Gemm Gemm ArgMax"
    np.testing.assert_array_equal(computed(found, wanted["x"])[0], wanted["label"])
