"""LMUFormer: a step with state against the whole sequence, which is built of other operators."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from tinyc.models import lmuformer
from tinyc.models.lmuformer_layers import Size
from tinyc.models.stepping import read_rows, run_steps, spikes

pytest.importorskip("scipy", reason="A and B need SciPy, of the extras `train` and `test`")

SIZES = [
    Size(inputs=9, channels=12, order=7, ratio=3, classes=5, steps=20),
    Size(inputs=1, channels=5, order=1, ratio=1, classes=2, steps=3),
    Size(inputs=33, channels=16, order=24, ratio=4, classes=7, steps=24),
]
NETWORKS = [lmuformer.plain, lmuformer.spiking]
FOLDER = Path(str(files("tinyc.models")))
TRAINED = {"lmuformer_digits": lmuformer.plain, "lmuformer_digits_spiking": lmuformer.spiking}
DOCUMENTED_ACCURACY = 0.97


def frames(size: Size) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(size.steps, 1, size.inputs)).astype(np.float32)


def weights(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    return {weight.name: tuple(weight.dims) for weight in model.graph.initializer}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("size", SIZES)
def test_steps_give_what_the_sequence_gives(size: Size, network: lmuformer.Network) -> None:
    x = frames(size)
    step = run_steps(lmuformer.build_step(size, network), {"frame": x})["logits"][:, 0, :, 0]
    whole = lmuformer.build_sequence(size, network)
    expected = run_steps(whole, {"frames": x[:, 0].T[None, None]})["logits"][0, 0]
    assert expected.shape == (size.classes, size.steps)
    assert np.abs(np.diff(expected)).min(axis=0).max() > 0
    np.testing.assert_allclose(step.T, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_answer_remembers_the_first_step(network: lmuformer.Network) -> None:
    """Convolutions see 11 steps; what is older, only the memory and the sum know."""
    size = SIZES[2]
    model, x = lmuformer.build_step(size, network), frames(size)
    changed = x.copy()
    changed[0] += 2
    scores = [np.diff(run_steps(model, {"frame": y})["logits"][:, 0, :, 0], axis=0) for y in (x, changed)]
    assert (scores[0][12:] != scores[1][12:]).any()


def test_all_neurons_of_the_spiking_network_fire() -> None:
    size = Size()
    model = lmuformer.build_step(size, lmuformer.spiking)
    results = run_steps(model, {"frame": frames(size)})
    rates = {name: float(results[name].mean()) for name in spikes(model)}
    assert len(rates) == 11
    assert all(0.02 < rate < 0.25 for rate in rates.values()), rates


def test_convolutions_of_the_spiking_network_see_spikes() -> None:
    """All but the first."""
    model = lmuformer.build_step(SIZES[0], lmuformer.spiking)
    sources = {node.name: node.input[0] for node in model.graph.node if node.op_type == "Conv"}
    known = {entry.name for entry in [*model.graph.output, *model.graph.input]}
    model.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(name) for name in sorted({*sources.values()} - known)
    )
    results = run_steps(model, {"frame": frames(SIZES[0])})
    analog = {
        name for name, source in sources.items()
        if source in results and not set(np.unique(results[source])) <= {0, 1}
    }  # fmt: skip
    assert analog == {"/embedding/0/conv/Conv"}
    assert all(source in results for source in sources.values())


def test_the_published_size() -> None:
    """The parameters of the paper's layers at its size for 35 words of speech: 53 times fewer than the 87
    million of AST, as its abstract has it."""
    published = Size(inputs=128, channels=256, order=256, ratio=4, classes=35, steps=128)
    stored = weights(lmuformer.build_step(published, lmuformer.plain))
    constants = ("running", "memory.A", "memory.B", "share", "starts", "ends", "axes")
    trained = [np.prod(shape) for name, shape in stored.items() if not any(c in name for c in constants)]
    assert sum(trained) == 1_621_796


@pytest.mark.parametrize("options", [(), ("--spiking",), ("--sequence",), ("--spiking", "--sequence")])
def test_command_line(tmp_path: Path, options: tuple[str, ...]) -> None:
    small = {"inputs": 4, "channels": 6, "order": 5, "ratio": 2, "classes": 3, "steps": 8}
    sizes = [f"--{name}={value}" for name, value in small.items()]
    for name in ("one.onnx", "two.onnx"):
        run = CliRunner().invoke(lmuformer.main, ["random", *options, *sizes, "-o", str(tmp_path / name)])
        assert run.exit_code == 0, run.output
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()
    model = onnx.load(tmp_path / "one.onnx")
    assert bool(spikes(model)) == ("--spiking" in options)
    assert bool(model.metadata_props) != ("--sequence" in options)


def digits() -> tuple[np.ndarray, np.ndarray]:
    with np.load(FOLDER / "l2mu_digits_evaluation.npz") as archive:
        return archive["x"], archive["y"]


@pytest.mark.parametrize("name", TRAINED)
def test_digits_are_read_as_documented(name: str) -> None:
    accuracy, rate = read_rows(onnx.load(FOLDER / f"{name}.onnx"), *digits())
    assert accuracy >= DOCUMENTED_ACCURACY and (rate is None) == ("spiking" not in name)


@pytest.mark.parametrize("name", TRAINED)
def test_packaged_models_are_what_the_builder_makes_of_their_weights(name: str) -> None:
    """Steps, and the whole sequence of the same weights gives the same logits."""
    model, network = onnx.load(FOLDER / f"{name}.onnx"), TRAINED[name]
    trained = {weight.name: onnx.numpy_helper.to_array(weight) for weight in model.graph.initializer}
    assert lmuformer.build_step(lmuformer.DIGITS, network, trained) == model
    rows = digits()[0][:20]
    whole = lmuformer.build_sequence(lmuformer.DIGITS, network, trained)
    expected = run_steps(whole, {"frames": rows.swapaxes(1, 2)[None]})["logits"][0]
    steps = run_steps(model, {"frame": rows.swapaxes(0, 1)})["logits"][..., 0]
    np.testing.assert_allclose(steps, expected.transpose(2, 0, 1), rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--spiking",)])
def test_training_again(tmp_path: Path, options: tuple[str, ...]) -> None:
    pytest.importorskip("torch", reason="training needs the extra `train`")
    run = CliRunner().invoke(lmuformer.main, ["digits", *options, "-o", str(tmp_path / "m.onnx")])
    assert run.exit_code == 0, run.output
    assert read_rows(onnx.load(tmp_path / "m.onnx"), *digits())[0] >= DOCUMENTED_ACCURACY
