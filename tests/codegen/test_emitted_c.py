"""Emitted C under other people's tools: compilers, analysers, sanitizers, linkers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinyc.codegen.layout import WIDTH
from tinyc.emulator.host import WARNINGS, HostModel
from tinyc.emulator.machine import Machine

from .subjects import EVERY, MODELS, SMALL, built, run, stimuli, subject, tool, written

CORTEX_M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
COMPILERS = {"gcc": (), "clang": (), "arm-none-eabi-gcc": CORTEX_M4}
SANITIZERS = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", EVERY)
def test_no_warning(name: str, compiler: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    compiled = subject(name, request)
    folder = written(compiled, tmp_path)
    prefix = compiled.program.name.upper()
    units = sorted(path.name for path in folder.glob("*.c"))
    for options in (("-O2",), ("-Os", f"-D{prefix}_SELFTEST", f"-D{prefix}_PROFILE")):
        budget = f"-D{prefix}_SRAM_BUDGET=0xffffffffu"
        command = [
            tool(compiler),
            "-std=c99",
            *COMPILERS[compiler],
            *WARNINGS,
            *options,
            budget,
            "-c",
            *units,
        ]
        done = run(command, folder)
        assert done.returncode == 0 and done.stderr == ""


@pytest.mark.parametrize("name", EVERY)
def test_header_in_cplusplus(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    compiled = subject(name, request)
    folder = written(compiled, tmp_path)
    own = compiled.program.name
    (folder / "user.cpp").write_text(
        f'#include "{own}.h"\n\n'
        f"{own}_status use(void *arena, const {own}_inputs &in, const {own}_outputs &out)\n"
        f"{{\n    return {own}_run(arena, &in, &out);\n}}\n"
    )
    warnings = ["-Wall", "-Wextra", "-Wshadow", "-pedantic", "-Werror"]
    budget = f"-D{own.upper()}_SRAM_BUDGET=0xffffffffu"
    for standard in ("c++11", "c++20"):
        done = run([tool("g++"), f"-std={standard}", *warnings, budget, "-fsyntax-only", "user.cpp"], folder)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", EVERY)
def test_no_finding_of_cppcheck(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = written(subject(name, request), tmp_path)
    units = sorted(path.name for path in folder.glob("*.c") if "weights" not in path.name)
    checks = "--enable=warning,performance,portability,style"
    done = run([tool("cppcheck"), "--quiet", "--std=c99", checks, "--error-exitcode=1", *units], folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", EVERY)
def test_no_finding_of_sanitizers_and_every_byte_the_emulators(
    name: str, request: pytest.FixtureRequest
) -> None:
    compiled = subject(name, request)
    inputs = stimuli(compiled.program, 3)
    machine = Machine(compiled.program)
    with HostModel(compiled.program, compiled.files, flags=SANITIZERS) as host:
        results = host.run(inputs)
    for given, result in zip(inputs, results, strict=True):
        for output, mine in machine.run(given).items():
            if compiled.program.buffers[output].dtype.is_float:
                span = float(np.abs(mine).max())
                np.testing.assert_allclose(result[output], mine, rtol=0, atol=1e-5 * span)
            else:
                np.testing.assert_array_equal(result[output], mine)


@pytest.mark.parametrize("name", EVERY)
def test_symbols(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """No variables, nothing of the C library but copying, and every name begins with the model's."""
    compiled = subject(name, request)
    folder = written(compiled, tmp_path)
    own = compiled.program.name
    units = [f"{own}.c", f"{own}_weights.c"]
    budget = f"-D{own.upper()}_SRAM_BUDGET=0xffffffffu"
    assert (
        run([tool("gcc"), "-std=c99", "-O2", "-fno-pic", "-fno-pie", budget, "-c", *units], folder).returncode
        == 0
    )
    listing = run([tool("nm"), *(unit.replace(".c", ".o") for unit in units)], folder).stdout
    symbols = re.findall(r"^[0-9a-f ]{16} (\w) (\S+)$", listing, re.M)
    assert not [entry for entry in symbols if entry[0] in "BbDdCGgSs"]
    undefined = {symbol for kind, symbol in symbols if kind == "U" and not symbol.startswith(f"{own}_")}
    assert undefined <= {"memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_"}
    defined = {symbol for kind, symbol in symbols if kind.isupper() and kind != "U"}
    assert f"{own}_run" in defined
    assert all(symbol.startswith(f"{own}_") for symbol in defined)


@pytest.mark.parametrize("name", EVERY)
def test_text(name: str, request: pytest.FixtureRequest) -> None:
    """Lines that fit a window, no factors of one, no sums with zero, no blanks at the ends of lines."""
    compiled = subject(name, request)
    for file, text in compiled.files.items():
        if not file.endswith((".c", ".h")):
            continue
        assert "\t" not in text and not re.search(r"[ \t]$", text, re.M) and "\n\n\n" not in text
        assert text.endswith("\n") and not text.endswith("\n\n")
        assert [line for line in text.split("\n") if len(line) > WIDTH] == []
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        assert re.findall(r".* \* 1\b(?!\.).*|.* [+-] 0\b(?![.x]).*|.*\b\w+ \+= 1;.*", code) == []
        assert not re.search(r"for \(int32_t (\w+) = 0; \1 < 1; \+\+\1\)", code)


# ---- what the header promises ----


def main_of(name: str, body: str, declarations: str = "") -> str:
    return f'#include <stdio.h>\n#include <string.h>\n\n#include "{name}.h"\n\n{declarations}\n{body}'


@pytest.mark.parametrize("name", SMALL)
def test_smallest_program_in_the_header_compiles_and_runs(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    compiled = subject(name, request)
    folder = written(compiled, tmp_path)
    own = compiled.program.name
    (program,) = re.findall(
        r"A smallest complete program:\n \*\n(.*?main.*?\n \*     }\n)", compiled.files[f"{own}.h"], re.S
    )
    text = re.sub(r"^ \*(?:     )?", "", program, flags=re.M).replace("    ...\n", "")
    assert "main(void)" in text
    done = built(folder, f'#include "{own}.h"\n\n{text}', "-Wno-unused-variable")
    assert done.returncode == 0


@pytest.mark.parametrize("name", ["digits", "digits_float", "heads"])
def test_status(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    compiled = subject(name, request)
    own, prefix = compiled.program.name, compiled.program.name.upper()
    inputs, outputs = compiled.program.inputs, compiled.program.outputs

    def interface(missing: str) -> str:
        given = ", ".join(f".{n} = {own}_in_{n}(arena)" for n in inputs if n != missing)
        taken = ", ".join(f".{n} = {own}_out_{n}(arena)" for n in outputs if n != missing)
        return f"&(const {own}_inputs){{ {given or '0'} }}, &(const {own}_outputs){{ {taken or '0'} }}"

    calls = [
        (f"{own}_run(NULL, {interface('')})", "ERR_NULL"),
        (f"{own}_run(arena, NULL, &(const {own}_outputs){{ 0 }})", "ERR_NULL"),
        (f"{own}_run(arena, &(const {own}_inputs){{ 0 }}, NULL)", "ERR_NULL"),
        *((f"{own}_run(arena, {interface(lost)})", "ERR_NULL") for lost in (*inputs, *outputs)),
        (f"{own}_run(arena + 1, {interface('')})", "ERR_ARENA_ALIGN"),
        (f"{own}_run(arena + 2, {interface('')})", "ERR_ARENA_ALIGN"),
        (f"{own}_run(arena, {interface('')})", "OK"),
    ]
    checks = "".join(
        f'    printf("%d %d\\n", (int){call}, (int){prefix}_{status});\n' for call, status in calls
    )
    texts = "".join(f"    puts({own}_status_text(({own}_status){i}));\n" for i in (0, 1, 2, 3, 255))
    arena = f"static uint8_t memory[{prefix}_ARENA_BYTES + {prefix}_ARENA_ALIGN] {prefix}_ARENA_ALIGNED;\n"
    body = f"int main(void)\n{{\n    uint8_t *arena = memory;\n\n{checks}{texts}    return 0;\n}}\n"
    done = built(written(compiled, tmp_path), main_of(own, body, arena))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    for line, call in zip(lines, calls, strict=False):
        got, wanted = line.split()
        assert got == wanted, call
    assert lines[len(calls) :] == [
        "ok", "a pointer is null", f"the arena is not aligned to {prefix}_ARENA_ALIGN",
        "unknown status", "unknown status",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["digits", "heads", "conv"])
def test_tensors_in_the_arena_give_the_same_as_copies(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    compiled = subject(name, request)
    own, prefix = compiled.program.name, compiled.program.name.upper()
    program = compiled.program
    buffers = program.buffers
    fill, copies, compare = "", "", ""
    declarations = f"static uint8_t arena[{prefix}_ARENA_BYTES] {prefix}_ARENA_ALIGNED;\n"
    for n in program.inputs:
        kind, count = buffers[n].dtype.c, f"{prefix}_IN_{n.upper()}_COUNT"
        declarations += f"static {kind} in_{n}[{count}];\n"
        fill += f"    for (unsigned i = 0; i < {count}; ++i) {{ in_{n}[i] = ({kind})(i * 37u % 101u); }}\n"
        copies += f"    memcpy({own}_in_{n}(arena), in_{n}, sizeof in_{n});\n"
    for n in program.outputs:
        declarations += f"static {buffers[n].dtype.c} out_{n}[{prefix}_OUT_{n.upper()}_COUNT];\n"
        compare += f"    wrong |= memcmp(out_{n}, {own}_out_{n}(arena), sizeof out_{n});\n"
    outside = (
        f"&(const {own}_inputs){{ {', '.join(f'.{n} = in_{n}' for n in program.inputs)} }}, "
        f"&(const {own}_outputs){{ {', '.join(f'.{n} = out_{n}' for n in program.outputs)} }}"
    )
    inside = (
        f"&(const {own}_inputs){{ {', '.join(f'.{n} = {own}_in_{n}(arena)' for n in program.inputs)} }}, "
        f"&(const {own}_outputs){{ {', '.join(f'.{n} = {own}_out_{n}(arena)' for n in program.outputs)} }}"
    )
    body = (
        f"int main(void)\n{{\n    int wrong = 0;\n\n{fill}"
        f"    wrong |= (int){own}_run(arena, {outside});\n"
        f"    memset(arena, 0x77, sizeof arena);\n{copies}"
        f"    wrong |= (int){own}_run(arena, {inside});\n{compare}"
        f"    for (unsigned i = 0; i < sizeof out_{program.outputs[0]}; ++i) {{\n"
        f'        printf("%u ", ((const uint8_t *)out_{program.outputs[0]})[i]);\n    }}\n'
        "    return wrong != 0;\n}\n"
    )
    done = built(written(compiled, tmp_path), main_of(own, body, declarations))
    assert done.returncode == 0
    assert len(set(done.stdout.split())) > 1, "the outputs say nothing"


def test_hook_is_called_around_every_layer(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    compiled = subject("digits", request)
    declarations = (
        "static uint8_t arena[DIGITS_ARENA_BYTES] DIGITS_ARENA_ALIGNED;\n\n"
        'void digits_on_layer(unsigned layer, int begin)\n{\n    printf("%u %d\\n", layer, begin);\n}\n'
    )
    body = "int main(void)\n{\n    return digits_selftest(arena);\n}\n"
    flags = ("-DDIGITS_PROFILE", "-DDIGITS_SELFTEST")
    done = built(written(compiled, tmp_path), main_of("digits", body, declarations), *flags)
    assert done.returncode == 0
    layers = len(compiled.program.steps)
    assert done.stdout.split("\n")[:-1] == [f"{n} {b}" for n in range(1, layers + 1) for b in (1, 0)]


def test_hook_needs_no_definition(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    body = "int main(void)\n{\n    return digits_selftest(arena);\n}\n"
    arena = "static uint8_t arena[DIGITS_ARENA_BYTES] DIGITS_ARENA_ALIGNED;\n"
    folder = written(subject("digits", request), tmp_path)
    assert (
        built(folder, main_of("digits", body, arena), "-DDIGITS_PROFILE", "-DDIGITS_SELFTEST").returncode == 0
    )


def test_build_fails_where_the_plan_does_not_fit(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    compiled = subject("digits", request)
    folder = written(compiled, tmp_path)
    assert compiled.program.plan is not None
    needed = compiled.program.plan.arena_bytes
    for budget, fits in ((needed, True), (needed - 1, False)):
        done = run([tool("gcc"), "-std=c99", f"-DDIGITS_SRAM_BUDGET={budget}u", "-c", "digits.c"], folder)
        assert (done.returncode == 0) is fits
        assert fits or "digits_fits_in_sram" in done.stderr


def test_weights_and_code_go_where_the_firmware_says(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = written(subject("digits", request), tmp_path)
    attributes = {"WEIGHTS": ".ext_flash", "HOT": ".itcm"}
    flags = [f'-DTINYC_{name}_ATTR=__attribute__((section("{where}")))' for name, where in attributes.items()]
    done = run([tool("gcc"), "-std=c99", "-O2", *flags, "-c", "digits.c", "digits_weights.c"], folder)
    assert done.returncode == 0, done.stderr
    listing = run([tool("objdump"), "-h", "digits.o", "digits_weights.o"], folder).stdout
    for where in attributes.values():
        assert re.search(rf" {re.escape(where)} +[0-9a-f]*[1-9a-f]", listing)


@pytest.mark.parametrize("name", ["streamed", "patched"])
def test_tables_go_where_the_firmware_says(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Lookup tables, the order of layers, and what routines read of their layers; weights stay."""
    written(subject(name, request), tmp_path)
    flags = ["-fno-pic", '-DTINYC_TABLES_ATTR=__attribute__((section(".tables")))', "-DTINYC_SPECIALIZED=0"]
    units = sorted(path.name for path in tmp_path.glob("*.c"))
    assert run([tool("gcc"), "-std=c99", "-Os", *flags, "-c", *units], tmp_path).returncode == 0
    objects = [Path(unit).with_suffix(".o").name for unit in units]
    placed = run([tool("objdump"), "-t", "-j", ".tables", *objects], tmp_path).stdout
    named = set(re.findall(r" O \.tables\s+\w+ (\S+)", placed))
    kinds = {next((kind for kind in ("_table", "_order", "_passes") if kind in n), n) for n in named}
    assert kinds == {"_table", "_order"} | ({"_passes"} if name == "patched" else set())


# ---- several models, several machines ----


def test_two_models_share_one_arena(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Each in a folder of its own, linked into one program, run in turn."""
    first, second = subject("digits", request), subject("heads", request)
    for compiled in (first, second):
        written(compiled, tmp_path / compiled.program.name)
    (tmp_path / "main.c").write_text(
        '#include "digits.h"\n#include "net.h"\n\n'
        "#define LARGER (DIGITS_ARENA_BYTES > NET_ARENA_BYTES ? DIGITS_ARENA_BYTES : NET_ARENA_BYTES)\n"
        "static uint8_t arena[LARGER] DIGITS_ARENA_ALIGNED;\n\n"
        "int main(void)\n{\n"
        "    for (int round = 0; round < 3; ++round) {\n"
        "        if (digits_selftest(arena) != 0 || net_selftest(arena) != 0) {\n"
        "            return 1;\n        }\n    }\n    return 0;\n}\n"
    )
    units = [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*.c"))]
    flags = ["-Idigits", "-Inet", "-DDIGITS_SELFTEST", "-DNET_SELFTEST", *SANITIZERS]
    done = run([tool("gcc"), "-std=c99", *WARNINGS, *flags, "-o", "main", *units], tmp_path)
    assert done.returncode == 0, done.stderr
    assert run([tmp_path / "main"], tmp_path).returncode == 0


def test_cmake_builds_both(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    for name in ("digits", "heads"):
        compiled = subject(name, request)
        written(compiled, tmp_path / compiled.program.name)
    both = '#include "digits.h"\n#include "net.h"\n'
    (tmp_path / "main.c").write_text(both + "int main(void)\n{\n    return 0;\n}\n")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\nproject(app C)\n"
        "add_subdirectory(digits)\nadd_subdirectory(net)\n"
        "add_executable(app main.c)\ntarget_link_libraries(app digits net)\n"
    )
    assert run([tool("cmake"), "-S", ".", "-B", "build"], tmp_path).returncode == 0
    assert run([tool("cmake"), "--build", "build"], tmp_path).returncode == 0
    assert run([tmp_path / "build" / "app"], tmp_path).returncode == 0


def test_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    """Two processes with other seeds of Python's hash, other working folders, other output folders."""
    results: list[dict[str, bytes]] = []
    for seed in ("1", "2"):
        (here := tmp_path / f"cwd{seed}").mkdir()
        out = here / "deep" / f"out{seed}"
        command = [
            sys.executable, "-m", "tinyc", "compile", MODELS / "digits.onnx", "--target", "nucleo-f446re",
            "--calibration", MODELS / "digits_calibration.npz", "-o", out,
        ]  # fmt: skip
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(command, cwd=here, env=environment, check=False, capture_output=True)
        assert done.returncode == 0, done.stderr
        results.append({path.name: path.read_bytes() for path in sorted(out.iterdir())})
    assert results[0] == results[1]
    assert "report.json" in results[0]
    for data in results[0].values():
        assert str(tmp_path).encode() not in data and str(MODELS).encode() not in data
