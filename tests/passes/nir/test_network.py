"""Files, nesting, cycles: what becomes of a NIR network as a whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as oir
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinyc.ir.errors import ModelError, UsageError
from tinyc.models.stepping import run_steps
from tinyc.passes.nir import import_nir
from tinyc.passes.nir.network import Network, NirNode
from tinyc.passes.nir.order import order
from tinyc.passes.state_pairs import state_pairs

from .nir_files import Node, chain, graph, lif, node, write

h5py = pytest.importorskip("h5py", reason="reading .nir files needs the extra `nir`")

ENDS = {"in": node("Input", shape=np.array([2])), "out": node("Output", shape=np.array([2]))}
SWAP = node("Linear", weight=np.array([[0.0, 1.0], [1.0, 0.0]]))
PULSE = np.float32([[2.5, 0], [0, 0], [0, 0], [0, 0]]).reshape(4, 1, 2)
"""Makes the first neuron fire, once."""


def loop(gain: float) -> dict[str, Node]:
    """Two LIF neurons without memory, each of which makes the other fire one step later."""
    return {"lif": lif(2, tau=1e-3), "back": node("Linear", weight=gain * SWAP["weight"])}


EDGES = [("in", "lif"), ("lif", "back"), ("back", "lif"), ("lif", "out")]
TURNS = [[1, 0], [0, 1], [1, 0], [0, 1]]


def outputs(path: Path, root: Node) -> list[list[float]]:
    model = import_nir(write(path / "net.nir", root), 1e-3)
    return run_steps(model, {model.graph.input[-1].name: PULSE})[model.graph.output[0].name][:, 0].tolist()


def states(model: onnx.ModelProto) -> set[str]:
    return {pair.input for pair in state_pairs(oir.serde.deserialize_model(model))}


def test_recurrent_spikes_are_those_of_the_step_before(tmp_path: Path) -> None:
    path = write(tmp_path / "net.nir", graph(ENDS | loop(3.0), EDGES))
    model = import_nir(path, 1e-3)
    assert states(model) == {"lif.U", "lif.S"}
    assert run_steps(model, {"in": PULSE})["out"][:, 0].tolist() == TURNS


def test_nested_graphs(tmp_path: Path) -> None:
    """The same loop as a graph in a graph in the network."""
    inner = {name: ENDS[name] for name in ENDS} | loop(3.0)
    ends = {"a": ENDS["in"], "z": ENDS["out"]}
    middle = graph(ends | {"loop": graph(inner, EDGES)}, [("a", "loop"), ("loop", "z")])
    root = graph(ENDS | {"middle": middle}, [("in", "middle"), ("middle", "out")])
    path = write(tmp_path / "net.nir", root)
    model = import_nir(path, 1e-3)
    assert states(model) == {"middle.loop.lif.U", "middle.loop.lif.S"}
    assert run_steps(model, {"in": PULSE})["out"][:, 0].tolist() == TURNS


def test_a_leaky_integrator_feeds_back_its_potential(tmp_path: Path) -> None:
    """U ← I + 3/4 · U of the step before, by an edge around an LI that forgets at once."""
    integrator = node("LI", tau=np.full(2, 1e-3), r=np.ones(2), v_leak=np.zeros(2))
    nodes = ENDS | {"li": integrator, "back": node("Scale", scale=np.full(2, 0.75))}
    edges = [("in", "li"), ("li", "back"), ("back", "li"), ("li", "out")]
    model = import_nir(write(tmp_path / "net.nir", graph(nodes, edges)), 1e-3)
    results = run_steps(model, {"in": PULSE})["out"][:, 0, 0]
    np.testing.assert_allclose(results, 2.5 * 0.75 ** np.arange(4))


def test_several_inputs_outputs_and_edges_that_add_up(tmp_path: Path) -> None:
    nodes = ENDS | {"other": ENDS["in"], "copy": ENDS["out"], "swap": SWAP}
    edges = [("in", "swap"), ("other", "swap"), ("swap", "out"), ("other", "out"), ("other", "copy")]
    model = import_nir(write(tmp_path / "net.nir", graph(nodes, edges)), 1e-3)
    x, y = PULSE, PULSE[..., ::-1] + 1
    results = run_steps(model, {"in": x, "other": y})
    np.testing.assert_array_equal(results["out"], (x + y)[..., ::-1] + y)
    np.testing.assert_array_equal(results["copy"], y)


def network(neurons: set[str], edges: list[tuple[str, str]]) -> Network:
    names = dict.fromkeys(name for edge in edges for name in edge)
    kinds = {"in": "Input", "out": "Output"} | dict.fromkeys(neurons, "LIF")
    return Network({name: NirNode(name, kinds.get(name, "Linear"), {}) for name in names}, edges)


@pytest.mark.parametrize(
    ("neurons", "edges", "delayed"),
    [
        ("a", "in-a a-out", ""),
        ("a", "in-a a-a a-out", "a-a"),
        ("a", "in-a a-w w-a a-out", "a-w"),
        ("ab", "in-a a-v v-b b-w w-a b-out", "b-w"),
        ("ab", "in-a a-b b-a b-out", "b-a"),
        ("ab", "in-a a-w w-a a-b b-v v-b b-out", "a-w b-v"),
        ("a", "in-v v-a a-w w-v a-x x-v a-out", "a-w a-x"),
        ("ab", "a-b b-a b-out in-out", "b-a"),
    ],
)
def test_which_edges_carry_the_step_before(neurons: str, edges: str, delayed: str) -> None:
    def pairs(text: str) -> list[tuple[str, str]]:
        return [(a, b) for a, _, b in (edge.partition("-") for edge in text.split())]

    found = order(network(set(neurons), pairs(edges)), set(neurons))
    assert found.delayed == set(pairs(delayed))
    place = {name: i for i, name in enumerate(found.names)}
    assert all(place[a] < place[b] for a, b in pairs(edges) if (a, b) not in found.delayed)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30), st.sets(st.integers(0, 9)))
def test_any_graph_is_ordered_or_has_a_cycle_without_neurons(
    edges: list[tuple[int, int]], neurons: set[int]
) -> None:
    pairs = [(str(a), str(b)) for a, b in dict.fromkeys(edges)]
    names = {str(n) for n in neurons}
    try:
        found = order(network(names, pairs), names)
    except ModelError:
        silent = [(a, b) for a, b in pairs if a not in names and b not in names]
        with pytest.raises(ModelError):  # without any neuron the cycle is still there
            order(network(set(), silent), set())
        return
    place = {name: i for i, name in enumerate(found.names)}
    assert {a for a, _ in found.delayed} <= names
    assert all(place[a] < place[b] for a, b in pairs if (a, b) not in found.delayed)


@pytest.mark.parametrize(
    ("root", "what", "found"),
    [
        (chain([2], a=node("Delay", delay=np.ones(2)), b=node("Foo")),
         "does not support", "Delay (node 'a'), Foo"),
        (graph({"in": ENDS["in"], "a": SWAP}, [("in", "a")]), "no Output node", ""),
        (graph({"out": ENDS["out"], "a": SWAP}, [("a", "out")]), "no Input node", ""),
        (graph(ENDS | {"a": SWAP}, [("in", "out")]), "has no input", "no edge"),
        (graph(ENDS | {"a": SWAP, "b": SWAP}, [("in", "a"), ("a", "b"), ("b", "a"), ("b", "out")]),
         "cycle without a neuron", ""),
        (graph(ENDS | {"a": node("Linear", weight=np.ones((3, 2)))},
               [("in", "a"), ("in", "out"), ("a", "out")]),
         "inputs of a node differ", "(3,)"),
        (graph(ENDS, [("in", "ghost")]), "not a NIR file", "'ghost'"),
        (graph(ENDS | {"g": graph({}, [])}, [("in", "g")]), "not a NIR file", "'g' has no Input"),
        (graph(ENDS | loop(1.0) | {"lif": lif(1)}, EDGES), "does not fit", ""),
        (node("LIF"), "not a NIR file", "'LIF'"),
        ({"nodes": {}}, "not a NIR file", "'type'"),
        (graph(ENDS | {"lif.U": ENDS["in"], "lif": lif(2)}, [("in", "lif"), ("lif.U", "out")]),
         "no valid ONNX model", ""),
    ],
)  # fmt: skip
def test_networks_that_are_refused(tmp_path: Path, root: Node, what: str, found: str) -> None:
    path = write(tmp_path / "net.nir", root)
    with pytest.raises(ModelError, match=what) as refusal:
        import_nir(path, 1e-3)
    assert found in refusal.value.why and refusal.value.remedy


def test_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        import_nir(tmp_path / "missing.nir", 1e-3)


@pytest.mark.parametrize("link", ["external", "soft", "outside", "virtual"])
def test_links_out_of_a_file_are_refused(tmp_path: Path, link: str) -> None:
    """Weights must not come from another file that the user can read and the file's author cannot."""
    path = write(tmp_path / "net.nir", chain([2], swap=SWAP))
    write(tmp_path / "secret.h5", chain([2], swap=SWAP))
    with h5py.File(path, "a") as file:
        layer = file["node/nodes/swap"]
        del layer["weight"]
        if link == "external":
            layer["weight"] = h5py.ExternalLink("secret.h5", "node/nodes/swap/weight")
        elif link == "soft":
            layer["weight"] = h5py.SoftLink("/version")
        elif link == "outside":
            outside = [(str(tmp_path / "secret.h5"), 0, h5py.h5f.UNLIMITED)]
            layer.create_dataset("weight", (2, 2), np.float64, external=outside)
        else:
            layout = h5py.VirtualLayout((2, 2), np.float64)
            layout[:] = h5py.VirtualSource(tmp_path / "secret.h5", "node/nodes/swap/weight", (2, 2))
            layer.create_virtual_dataset("weight", layout)
    with pytest.raises(ModelError, match="not a NIR file") as refusal:
        import_nir(path, 1e-3)
    assert "link" in refusal.value.why or "not an array in this file" in refusal.value.why


def test_arrays_that_are_too_large_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "net.nir", chain([2], swap=SWAP))
    with h5py.File(path, "a") as file:
        layer = file["node/nodes/swap"]
        del layer["weight"]
        layer.create_dataset("weight", (2**16, 2**16), np.float32, chunks=(64, 64), compression="gzip")
    assert path.stat().st_size < 10**5
    with pytest.raises(ModelError, match="not a NIR file") as refusal:
        import_nir(path, 1e-3)
    assert "bytes" in refusal.value.why


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(cut=st.integers(0, 12_000), flipped=st.integers(0, 12_000), value=st.integers(0, 255))
def test_damaged_files_never_end_in_another_error(tmp_path: Path, cut: int, flipped: int, value: int) -> None:
    path = write(tmp_path / "whole.nir", graph(ENDS | loop(3.0), EDGES))
    data = bytearray(path.read_bytes())
    data[flipped % len(data)] = value
    damaged = tmp_path / "damaged.nir"
    damaged.write_bytes(data if cut % 3 else data[: cut % len(data)])
    try:
        import_nir(damaged, 1e-3)
    except (ModelError, UsageError) as refusal:  # a damaged τ may be shorter than dt
        assert refusal.why and refusal.remedy
