"""Names come from a file that somebody else made: whatever they are, they change nothing but names."""

from __future__ import annotations

import json
import os
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.emulator.host import host_compiler
from tinyc.ir.names import model_identifier

from .c_text import structure, without_comments
from .command_line import tinyc
from .hostile import graph_model, renamed, two_headed
from .refusals import TARGET, saved

ROUND_ABOUT = {
    "end of comment": "*/ int EVIL; /*",
    "end of comment behind a backslash": "*\\ int EVIL; /*",
    "beginning of comment": "/* // EVIL",
    "quotes": "\"; EVIL(); ' ",
    "lines": "\n#error EVIL\r\n#include </etc/passwd>\n",
    "separators of lines": "\u2028EVIL\u2029\x0b\x0c\x85",
    "backslash at the end": "EVIL\\",
    "trigraphs": "??/ ???/ EVIL ??/",
    "path": "../../../EVIL",
    "absolute path": "/etc/EVIL",
    "terminal": "\x1b[2J\x1b]0;EVIL\x07\x08",
    "null": "EVIL\x00",
    "direction": "\u202eEVIL\u2066",
    "other letters": "é日本語Ωß𝒳",
    "template": "{{ 7 * 7 }}{% raw %}{# EVIL #}",
    "markup": "[/red][bold]EVIL[link=file:///etc]",
    "shell and CMake": "$(EVIL) ${EVIL} `EVIL` ; EVIL",
    "format": "%s%n%1$999d",
    "long": "EVIL" * 2500,
}  # fmt: skip
RESERVED = {
    "image": "int", "vector": "in", "scores": "main", "shares": "arena", "t0": "out", "t1": "conv2d_1_out",
    "t2": "conv2d_1", "t3": "image in order (0, 2, 3, 1)", "t4": "int as float32", "t5": "in for the caller",
    "w0": "while", "w1": "digits", "w2": "NULL", "w3": "1", "b0": "_", "b2": "input", "b3": "output",
    "shape": "x",
}  # fmt: skip
ALIKE = {
    "image": "a b",
    "vector": "a-b",
    "scores": "A b",
    "shares": "a  b",
    "t0": "a_b",
    "t1": "a.b",
    "t5": "a/b",
}
PLAIN_ENDS = {"image": "file", "vector": "self", "scores": "file ", "shares": "kwds", "t0": "args"}
"""Names of Python's own parameters on the way to an .npz file and back."""
CASES: dict[str, Callable[[str], str]] = {
    **{case: lambda old, text=text: f"{text}{old}{text}" for case, text in ROUND_ABOUT.items()},
    "reserved": lambda old: RESERVED.get(old, old),
    "alike": lambda old: ALIKE.get(old, old),
    "parameters of Python": lambda old: PLAIN_ENDS.get(old, old),
}  # fmt: skip


def sources(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same model with names that mean no harm."""
    folder = tmp_path_factory.mktemp("plain")
    outcome = tinyc("compile", saved(two_headed(), folder), *TARGET, "--name", "net", "-o", folder / "out")
    assert outcome.code == 0
    return sources(folder / "out")


@pytest.mark.parametrize("case", CASES)
def test_names_change_nothing_but_names(tmp_path: Path, plain: dict[str, str], case: str) -> None:
    path = saved(renamed(two_headed(), CASES[case]), tmp_path)
    outcome = tinyc("compile", path, *TARGET, "--name", "net", "-o", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert all(c.isprintable() or c == "\n" for c in outcome.out)
    files = sources(tmp_path / "out")
    assert files.keys() == plain.keys()
    for name, text in files.items():
        if name.endswith((".c", ".h")):
            assert structure(text) == structure(plain[name]), name
            assert not re.search(r"\bEVIL\b", without_comments(text))
            assert max(map(len, text.split("\n"))) < 200
    assert files["CMakeLists.txt"] == plain["CMakeLists.txt"]
    assert_report(files["report.json"], plain["report.json"])
    assert {entry.name for entry in tmp_path.iterdir()} == {"model.onnx", "out"}


def assert_report(text: str, plain: str) -> None:
    """Valid JSON with the same figures; names appear as they are in the model."""
    report, expected = json.loads(text), json.loads(plain)
    for key in ("sram", "flash", "compute", "verification", "files"):
        assert report[key] == expected[key]
    named = {"name", "node", "tensor", "relative_error"}
    for layer, other in zip(report["layers"], expected["layers"], strict=True):
        assert {k: v for k, v in layer.items() if k not in named} == {
            k: v for k, v in other.items() if k not in named
        }


@pytest.mark.parametrize(
    "case", ["end of comment", "long", "reserved", "alike", "parameters of Python", "terminal"]
)
def test_hostile_model_runs_like_the_plain_one(tmp_path: Path, case: str) -> None:
    """From an .npz file with the hostile names to an .npz file with the hostile names."""
    rng = np.random.default_rng(0)
    image, vector = rng.normal(size=(3, 2, 6, 6)), rng.normal(size=(3, 6))
    results: list[list[np.ndarray]] = []
    for name in (CASES[case], str):
        folder = tmp_path / str(len(results))
        folder.mkdir()
        path = saved(renamed(two_headed(), name), folder)
        assert tinyc("compile", path, *TARGET, "-o", folder / "out").code == 0
        write_npz(folder / "x.npz", {name("image"): image, name("vector"): vector})
        outcome = tinyc("run", folder / "out", "--input", folder / "x.npz", "-o", folder / "y.npz")
        assert outcome.code == 0, outcome.err
        with np.load(folder / "y.npz") as archive:
            assert set(archive.files) == {name("scores"), name("shares")}
            results.append([archive[name("scores")], archive[name("shares")]])
        assert tinyc("verify", folder / "out").code == 0
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """numpy.savez takes names as parameters, and one of its own is called ``file``."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


@pytest.mark.parametrize("case", ["terminal", "long", "markup", "lines"])
def test_refusals_and_tables_print_hostile_names_safely(tmp_path: Path, case: str) -> None:
    name = CASES[case]
    inspected = tinyc("inspect", saved(renamed(two_headed(), name), tmp_path))
    assert inspected.code == 0, inspected.err
    nodes = [helper.make_node(name("Bad"), [name("x")], [name("y")], name("node"), domain=name("domain"))]
    unknown = graph_model(nodes, {name("x"): [1, 4]}, {name("y"): [1, 4]})
    unknown.opset_import.append(helper.make_opsetid(name("domain"), 1))
    refused = tinyc("compile", saved(unknown, tmp_path), *TARGET, "-o", tmp_path / "out")
    assert refused.code == 3
    cut = renamed(two_headed(), name)
    cut.graph.input[0].type.tensor_type.shape.dim[2].dim_param = name("height")
    open_shape = tinyc("compile", saved(cut, tmp_path), *TARGET, "-o", tmp_path / "out")
    assert open_shape.code == 3
    path = saved(renamed(two_headed(), name), tmp_path)
    budget = tinyc("compile", path, *TARGET, "--sram-budget", 1, "--no-verify", "-o", tmp_path / "out")
    assert budget.code == 4
    for outcome in (inspected, refused, open_shape, budget):
        for text in (outcome.out, outcome.err):
            assert all(c.isprintable() or c == "\n" for c in text)
            assert max(map(len, text.split("\n"))) < 450


@pytest.mark.parametrize("name", ["string", "tinyc_runtime", "x */ int EVIL; /*", "9"])
def test_model_is_named_after_anything(tmp_path: Path, name: str) -> None:
    """The C must compile though its header lies in a folder that is searched for those of the C library."""
    outcome = tinyc(
        "compile", saved(two_headed(), tmp_path), *TARGET, "--name", name, "-o", tmp_path / "out", "--json"
    )
    assert outcome.code == 0, outcome.err
    used = json.loads(outcome.out)["model"]["name"]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", used)
    (tmp_path / "main.c").write_text(
        f'#include <string.h>\n#include "{used}.h"\nint main(void) {{ return 0; }}\n'
    )
    include = ["-I", tmp_path / "out", "-fsyntax-only", tmp_path / "main.c"]
    subprocess.run([*host_compiler(), "-std=c99", *include], check=True)


@pytest.mark.parametrize(
    "name", ["string", "stdint", "strings", "time", "tinyc", "all", "test", "aux", "main", "9", "*", "", "Ω",
             "a" * 300, "../up", "int8_t", "a\nb", "_x", "x__y"],
)  # fmt: skip
def test_identifier_of_a_model(name: str) -> None:
    used = model_identifier(name)
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,45}", used)
    assert used not in {
        "string",
        "stdint",
        "strings",
        "time",
        "tinyc",
        "all",
        "test",
        "aux",
        "main",
        "int8_t",
    }
    assert model_identifier(name) == used


@pytest.mark.parametrize(
    "stem", ["string", "a b\n\"c'", "-rf", "x*.[1]", "é", os.fsdecode(b"\xff\xfe"), ".onnx", "$(id)"]
)
def test_file_is_named_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stem: str) -> None:
    path = tmp_path / f"{stem}.onnx"
    path.write_bytes(two_headed().SerializeToString())
    monkeypatch.chdir(tmp_path)
    outcome = tinyc("compile", "--dump-passes", tmp_path / "dumps", "--no-verify", *TARGET, "--", path.name)
    assert outcome.code == 0, outcome.err
    (out,) = (entry for entry in tmp_path.iterdir() if entry.is_dir() and entry.name != "dumps")
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,45}", out.name)
    json.loads((out / "report.json").read_text(encoding="utf-8"))


def test_many_inputs_of_one_name_after_sanitising(tmp_path: Path) -> None:
    names = ["x", "X", "x!", "x?", "x ", " x", "x_2", "x_3", "X_2"]
    nodes = [helper.make_node("Relu", [n], [f"y{n}"], f"r{n}") for n in names]
    made = graph_model(nodes, {n: [1, 2] for n in names}, {f"y{n}": [1, 2] for n in names})
    onnx.checker.check_model(made)
    outcome = tinyc("compile", saved(made, tmp_path), *TARGET, "-o", tmp_path / "out", "--json")
    assert outcome.code == 0, outcome.err
    model = json.loads(outcome.out)["model"]
    assert [entry["tensor"] for entry in model["inputs"]] == names
    identifiers = [entry["name"] for entry in model["inputs"] + model["outputs"]]
    assert len(set(identifiers)) == len(identifiers)
