"""L2MU: the packaged network for digits and its data, the published Braille size, and the equations."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from tinyc.models import digits, l2mu
from tinyc.models.stepping import firing_rate, read_rows, run_steps

pytest.importorskip("scipy", reason="A and B need SciPy, of the extras `train` and `test`")

FOLDER = Path(str(files("tinyc.models")))
DOCUMENTED_ACCURACY, DOCUMENTED_SPARSITY = 0.97, 0.91
DOCUMENTED_PLAIN_ACCURACY = 0.97


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return onnx.load(FOLDER / "l2mu_digits.onnx")


@pytest.fixture(scope="module")
def plain() -> onnx.ModelProto:
    return onnx.load(FOLDER / "lmu_digits.onnx")


def data(name: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(FOLDER / name, allow_pickle=False) as archive:
        assert sorted(archive.files) == ["x", "y"]
        return archive["x"], archive["y"]


def weights_of(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """The trained weights as ``build_digits`` takes them."""
    stored = {weight.name: onnx.numpy_helper.to_array(weight) for weight in model.graph.initializer}
    layers = {f"{layer}.{part}" for layer in ("encoder", "output") for part in ("weight", "bias")}
    names = l2mu.DIGITS.shapes().keys() | layers
    return {name: stored[name].T if name in ("A", "B") else stored[name] for name in names}


def spiking(cell: l2mu.SpikingCell, w: dict[str, np.ndarray], inputs: np.ndarray) -> np.ndarray:
    """Spikes of the hidden state for spikes (steps, inputs), in plain NumPy as the paper has it."""

    def lif(potential: np.ndarray, current: np.ndarray, leak: l2mu.Leak) -> np.ndarray:
        return leak.beta * potential + current - leak.threshold * (potential > leak.threshold)

    u, m, h = np.zeros(cell.units), np.zeros((cell.units, cell.order)), np.zeros(cell.hidden)
    spikes = []
    for x in inputs:
        s_m, s_h = m > cell.m.threshold, h > cell.h.threshold
        u = lif(u, w["e_x"] @ x + w["e_h"] @ s_h + w["e_m"] @ s_m.ravel(), cell.u)
        driven = u > cell.u.threshold
        units = [w["A"] @ unit + w["B"][:, 0] * on for unit, on in zip(s_m, driven, strict=True)]
        m = lif(m, np.stack(units), cell.m)
        s_m = m > cell.m.threshold
        h = lif(h, w["W_x"] @ x + w["W_h"] @ s_h + w["W_m"] @ s_m.ravel(), cell.h)
        spikes.append(h > cell.h.threshold)
    return np.stack(spikes)


def test_the_published_size(tmp_path: Path) -> None:
    run = CliRunner().invoke(l2mu.main, ["braille", "-o", str(tmp_path / "m.onnx")])
    assert run.exit_code == 0, run.output
    model = onnx.load(tmp_path / "m.onnx")
    weights = l2mu.random_braille_weights()
    stored = {w.name: tuple(w.dims) for w in model.graph.initializer}
    assert sum(int(np.prod(stored[name])) for name in weights) == 119_083
    assert l2mu.build_braille(weights) == model
    assert (model.graph.input[0].name, model.graph.output[0].name) == ("taxels", "spikes")


def test_steps_are_the_papers_equations() -> None:
    weights = l2mu.random_braille_weights()
    random = np.random.default_rng(3)
    taxels = random.random((40, 1, 12)) < 0.2
    model = l2mu.build_braille(weights)
    results = run_steps(model, {"taxels": taxels})
    expected = spiking(l2mu.BRAILLE, weights, taxels[:, 0])
    assert 0.02 < expected.mean() < 0.3
    np.testing.assert_array_equal(results["h_next"][:, 0], expected)


def test_digits_are_read_as_documented(model: onnx.ModelProto) -> None:
    accuracy, rate = read_rows(model, *data("l2mu_digits_evaluation.npz"))
    assert accuracy >= DOCUMENTED_ACCURACY
    assert rate is not None and 1 - rate >= DOCUMENTED_SPARSITY


def plain_weights(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """The trained weights as ``build_plain`` takes them."""
    stored = {weight.name: onnx.numpy_helper.to_array(weight) for weight in model.graph.initializer}
    return {name.removeprefix("memory."): array for name, array in stored.items()}


def test_the_network_without_spikes_reads_digits_too(plain: onnx.ModelProto) -> None:
    accuracy, rate = read_rows(plain, *data("l2mu_digits_evaluation.npz"))
    assert accuracy >= DOCUMENTED_PLAIN_ACCURACY and rate is None


def test_steps_without_spikes_are_the_equations(plain: onnx.ModelProto) -> None:
    rows, _ = data("l2mu_digits_evaluation.npz")
    w, cell = plain_weights(plain), l2mu.PLAIN
    found = run_steps(plain, {"row": rows[:3].swapaxes(0, 1)})
    for image in range(3):
        h, m = np.zeros(cell.hidden), np.zeros((cell.units, cell.order))
        for t, row in enumerate(rows[image]):
            x = np.maximum(w["encoder.weight"] @ row + w["encoder.bias"], 0)
            u = w["e_x"] @ x + w["e_h"] @ h + w["e_m"] @ m.ravel()
            m = m @ w["A"].T + u[:, None] * w["B"][:, 0]
            h = np.tanh(w["W_x"] @ x + w["W_h"] @ h + w["W_m"] @ m.ravel())
            np.testing.assert_allclose(found["memory.m_next"][t, image], m, rtol=0, atol=1e-4)
            np.testing.assert_allclose(found["h_next"][t, image], h, rtol=0, atol=1e-4)
        logits = w["output.weight"] @ h + w["output.bias"]
        np.testing.assert_allclose(found["logits"][-1, image], logits, rtol=0, atol=1e-4)


def test_all_populations_of_the_digits_network_spike(model: onnx.ModelProto) -> None:
    rows, _ = data("l2mu_digits_calibration.npz")
    results = run_steps(model, {"row": rows.swapaxes(0, 1)})
    spikes = {name: values for name, values in results.items() if set(np.unique(values)) <= {0, 1}}
    assert set(spikes) >= {"/encoder/LIF_output_0", "/u/LIF_output_0", "m_next", "h_next"}
    assert all(0.01 < values.mean() < 0.3 for values in spikes.values())
    assert firing_rate(model, results) == pytest.approx(
        sum(v.sum() for v in spikes.values()) / sum(v.size for v in spikes.values())
    )


def test_the_digits_networks_hidden_spikes_are_the_equations(model: onnx.ModelProto) -> None:
    rows, _ = data("l2mu_digits_evaluation.npz")
    results = run_steps(model, {"row": rows[:5].swapaxes(0, 1)})
    encoded, hidden = results["/encoder/LIF_output_0"], results["h_next"]
    for image in range(5):
        expected = spiking(l2mu.DIGITS, weights_of(model), encoded[:, image])
        np.testing.assert_array_equal(hidden[:, image], expected)


def test_only_the_encoder_multiplies(model: onnx.ModelProto) -> None:
    """Every other linear layer's input is spikes, so that its work is additions."""
    made = {output: node.op_type for node in model.graph.node for output in node.output}
    inputs = {entry.name for entry in model.graph.input}
    sources = {
        node.name: node.input[0] for node in model.graph.node if node.op_type in ("Gemm", "MatMul", "Conv")
    }
    assert sources.pop("/encoder/Gemm") == "row"
    for name, source in sources.items():
        while made.get(source) in ("Flatten", "Unsqueeze"):
            source = next(node.input[0] for node in model.graph.node if source in node.output)
        assert made.get(source) == "LIF" or source in inputs & {"h", "m"}, name
    assert len(sources) == 9


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("l2mu_digits_calibration.npz", digits.CALIBRATION_IMAGES),
        ("l2mu_digits_evaluation.npz", digits.EVALUATION_IMAGES),
    ],
)
def test_data_are_the_rows_of_the_digits(name: str, count: int) -> None:
    x, y = data(name)
    assert (x.shape, x.dtype) == ((count, 8, 8), np.float32)
    images, labels = data(name.removeprefix("l2mu_"))
    np.testing.assert_array_equal(x, images[:, 0])
    np.testing.assert_array_equal(y, labels)


def test_packaged_models_are_what_the_builders_make_of_their_weights(
    model: onnx.ModelProto, plain: onnx.ModelProto
) -> None:
    weights = weights_of(model)
    assert l2mu.build_digits(weights) == model
    assert l2mu.build_plain(plain_weights(plain)) == plain
    np.testing.assert_array_equal(weights["A"], l2mu.DIGITS.memory()["A"])


@pytest.mark.slow
def test_training_again(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="training needs the extra `train`")
    model, calibration, evaluation = (
        tmp_path / f"l2mu_digits{end}" for end in (".onnx", "_calibration.npz", "_evaluation.npz")
    )
    arguments = ["digits", "-o", model, "--calibration", calibration, "--evaluate", evaluation]
    run = CliRunner().invoke(l2mu.main, [str(argument) for argument in arguments])
    assert run.exit_code == 0, run.output
    assert "of 540 evaluation images right" in run.output
    for written in (calibration, evaluation):
        with np.load(written) as archive:
            for stored, expected in zip((archive["x"], archive["y"]), data(written.name), strict=True):
                np.testing.assert_array_equal(stored, expected)
    accuracy, rate = read_rows(onnx.load(model), *data("l2mu_digits_evaluation.npz"))
    assert accuracy >= DOCUMENTED_ACCURACY and rate is not None and 1 - rate >= DOCUMENTED_SPARSITY


@pytest.mark.slow
def test_training_without_spikes_again(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="training needs the extra `train`")
    run = CliRunner().invoke(l2mu.main, ["digits", "--plain", "-o", str(tmp_path / "lmu.onnx")])
    assert run.exit_code == 0, run.output
    accuracy, _ = read_rows(onnx.load(tmp_path / "lmu.onnx"), *data("l2mu_digits_evaluation.npz"))
    assert accuracy >= DOCUMENTED_PLAIN_ACCURACY
