"""Firmware packages: each layout as its build system reads it; CMake's is built, installed and found."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from tinyc.codegen.emit import Facts
from tinyc.codegen.export import LAYOUTS, ExportKind, description, export_files, release
from tinyc.codegen.optimization import Optimize
from tinyc.compiler.output import write_folder

from ..compiler.command_line import tinyc
from ..compiler.hostile import two_headed
from ..compiler.refusals import TARGET, saved
from .subjects import run, subject, tool

KINDS: tuple[ExportKind, ...] = get_args(ExportKind)
HOSTILE = 'x"; EVIL() ${EVIL} $(EVIL) `EVIL`\n#\\: {{ 7 }} [EVIL]\r\nEVIL=1 \u2028é'


def package(kind: ExportKind, request: pytest.FixtureRequest, **facts: object) -> dict[str, str]:
    compiled = subject("digits", request)
    return export_files(kind, compiled.program, compiled.files, replace(compiled.report.facts, **facts))


def emitted(request: pytest.FixtureRequest) -> dict[str, str]:
    """The C of the same model without a package, by file name."""
    files = subject("digits", request).files
    return {name: text for name, text in files.items() if name.endswith((".c", ".h"))}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_holds_the_same_c(kind: ExportKind, request: pytest.FixtureRequest) -> None:
    made = package(kind, request)
    flat = {Path(path).name: text for path, text in made.items() if path.endswith((".c", ".h"))}
    assert flat == emitted(request)
    layout = LAYOUTS[kind]
    assert f"{layout.header}digits.h" in made
    assert {path for path in made if path.endswith(".c")} == {
        f"{layout.sources}digits{part}.c" for part in ("", "_weights", "_selftest")
    }
    assert set(layout.manifests) == {path for path in made if not path.endswith((".c", ".h"))}
    assert all(text.endswith("\n") for text in made.values())
    assert made == package(kind, request)


def write(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


MAIN = """#include "digits.h"
static uint8_t arena[DIGITS_ARENA_BYTES] DIGITS_ARENA_ALIGNED;
int main(void)
{
#ifdef DIGITS_SELFTEST
    return digits_selftest(arena);
#else
    digits_inputs in = { digits_in_image(arena) };
    digits_outputs out = { digits_out_logits(arena) };
    return digits_run(arena, &in, &out) == DIGITS_OK ? 0 : 1;
#endif
}
"""
USER = """cmake_minimum_required(VERSION 3.13)
project(user C)
{find}
add_executable(user main.c)
target_link_libraries(user PRIVATE digits::digits)
"""


def cmake(folder: Path, *arguments: object) -> str:
    done = run([tool("cmake"), *arguments], folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    return done.stdout


@pytest.mark.parametrize("selftest", ["ON", "OFF"])
def test_cmake_package_is_installed_and_found(
    tmp_path: Path, request: pytest.FixtureRequest, selftest: str
) -> None:
    write(tmp_path / "digits", package("cmake", request))
    cmake(tmp_path, "-S", "digits", "-B", "b", "-D", f"DIGITS_SELFTEST={selftest}")
    cmake(tmp_path, "--build", "b")
    cmake(tmp_path, "--install", "b", "--prefix", tmp_path / "prefix")
    installed = {path.name for path in (tmp_path / "prefix").rglob("*") if path.is_file()}
    assert installed == {
        "digits.h", "libdigits.a", "digits-config.cmake", "digits-config-noconfig.cmake",
        "digits-config-version.cmake",
    }  # fmt: skip
    (tmp_path / "digits").rename(tmp_path / "gone")  # what was installed must stand alone
    user = USER.format(find="find_package(digits 0.1 REQUIRED)")
    write(tmp_path / "user", {"CMakeLists.txt": user, "main.c": MAIN})
    cmake(tmp_path, "-S", "user", "-B", "ub", "-D", f"CMAKE_PREFIX_PATH={tmp_path / 'prefix'}")
    commands = cmake(tmp_path, "--build", "ub", "--verbose")
    assert ("-DDIGITS_SELFTEST" in commands) == (selftest == "ON")
    assert run([tmp_path / "ub" / "user"], tmp_path).returncode == 0


@pytest.mark.parametrize("exported", [True, False])
def test_cmake_folder_is_added_as_a_subdirectory(
    tmp_path: Path, request: pytest.FixtureRequest, exported: bool
) -> None:
    """The folder of `--export cmake`, and the one without an export."""
    files = package("cmake", request) if exported else dict(subject("digits", request).files)
    write(tmp_path / "user" / "digits", files)
    user = USER.format(find="add_subdirectory(digits)")
    user = user if exported else user.replace("digits::digits", "digits")
    write(tmp_path / "user", {"CMakeLists.txt": user, "main.c": MAIN})
    cmake(tmp_path, "-S", "user", "-B", "b")
    cmake(tmp_path, "--build", "b")
    assert run([tmp_path / "b" / "user"], tmp_path).returncode == 0


@pytest.mark.parametrize("kind", ["zephyr", "esp-idf"])
def test_cmake_glue_names_what_exists(
    kind: ExportKind, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The glue runs in CMake, the frameworks' commands being replaced by ordinary ones that build it."""
    made = package(kind, request)
    write(tmp_path / "digits", made)
    folder, shim = SHIMS[kind]
    user = (
        "cmake_minimum_required(VERSION 3.13)\nproject(user C)\nset(CONFIG_TINYC_DIGITS y)\n"
        f"set(CONFIG_TINYC_DIGITS_SELFTEST y)\n{shim}\n"
        f"add_subdirectory({folder})\nadd_executable(user main.c)\n"
        "target_link_libraries(user PRIVATE component)\n"
    )
    write(tmp_path, {"CMakeLists.txt": user, "main.c": MAIN})
    cmake(tmp_path, "-S", ".", "-B", "b")
    assert "-DDIGITS_SELFTEST" in cmake(tmp_path, "--build", "b", "--verbose")
    assert run([tmp_path / "b" / "user"], tmp_path).returncode == 0
    symbols = {
        symbol for path, text in made.items() if "Kconfig" in path
        for symbol in re.findall(r"^\s*config (\w+)$", text, re.M)
    }  # fmt: skip
    (glue,) = (text for path, text in made.items() if path.endswith("CMakeLists.txt"))
    assert set(re.findall(r"CONFIG_(\w+)", glue)) == symbols


SHIMS = {
    "zephyr": ("digits/zephyr", """
macro(zephyr_library_named name)
    add_library(${name} STATIC)
    add_library(component ALIAS ${name})
    set(current ${name})
endmacro()
macro(zephyr_library_sources)
    target_sources(${current} PRIVATE ${ARGN})
endmacro()
macro(zephyr_include_directories)
    target_include_directories(${current} PUBLIC ${ARGN})
endmacro()
macro(zephyr_library_compile_options)
    target_compile_options(${current} PRIVATE ${ARGN})
endmacro()
macro(zephyr_compile_definitions_ifdef feature)
    if(${feature})
        target_compile_definitions(${current} PUBLIC ${ARGN})
    endif()
endmacro()
"""),
    "esp-idf": ("digits", """
macro(idf_component_register)
    cmake_parse_arguments(ARG "" "" "SRCS;INCLUDE_DIRS" ${ARGN})
    set(COMPONENT_LIB component)
    add_library(component STATIC ${ARG_SRCS})
    target_include_directories(component PUBLIC ${ARG_INCLUDE_DIRS})
endmacro()
"""),
}  # fmt: skip


@pytest.mark.parametrize("facts", [{}, {"model_file": HOSTILE}, {"model_file": ""}])
def test_zephyr_module(request: pytest.FixtureRequest, facts: dict[str, object]) -> None:
    made = package("zephyr", request, **facts)
    module = made["zephyr/module.yml"]
    assert without_comments(module) == [
        "name: tinyc_digits", "build:", "  cmake: zephyr", "  kconfig: zephyr/Kconfig"
    ]  # fmt: skip
    assert {"zephyr/CMakeLists.txt", "zephyr/Kconfig"} <= made.keys()  # the folder and file that it names
    assert "EVIL" not in made["zephyr/CMakeLists.txt"]
    plain = package("zephyr", request)["zephyr/Kconfig"]
    assert len(made["zephyr/Kconfig"].splitlines()) == len(plain.splitlines())


@pytest.mark.parametrize("facts", [{}, {"model_file": HOSTILE}])
def test_esp_idf_component(request: pytest.FixtureRequest, facts: dict[str, object]) -> None:
    made = package("esp-idf", request, **facts)
    lines = made["idf_component.yml"].splitlines()
    scalars = dict(line.split(": ", 1) for line in lines if not line.startswith(" ") and ": " in line)
    assert json.loads(scalars.pop("version")) == "0.1.0"  # these YAML strings are JSON strings as well
    assert_plain(json.loads(scalars.pop("description")))
    assert scalars == {} and lines[-2:] == ["dependencies:", '  idf: ">=4.4"']
    assert made["Kconfig"].count("menu ") == made["Kconfig"].count("endmenu") == 1
    assert "EVIL" not in made["CMakeLists.txt"] + made["Kconfig"]


@pytest.mark.parametrize("facts", [{}, {"model_file": HOSTILE}])
def test_arduino_library(request: pytest.FixtureRequest, facts: dict[str, object]) -> None:
    """https://docs.arduino.cc/arduino-cli/library-specification"""
    made = package("arduino", request, **facts)
    fields = dict(line.split("=", 1) for line in made["library.properties"].splitlines())
    assert fields.keys() == {
        "name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url",
        "architectures", "includes",
    }  # fmt: skip
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", fields["name"])
    assert fields["version"] == "0.1.0" and fields["architectures"] == "*"
    assert f"src/{fields['includes']}" in made
    assert_plain(fields["sentence"])


@pytest.mark.parametrize("facts", [{}, {"model_file": HOSTILE}])
def test_platformio_library(request: pytest.FixtureRequest, facts: dict[str, object]) -> None:
    """https://docs.platformio.org/en/latest/manifests/library-json/index.html"""
    made = package("platformio", request, **facts)
    manifest = json.loads(made["library.json"])
    assert manifest.keys() == {
        "name", "version", "description", "headers", "build", "frameworks", "platforms"
    }  # fmt: skip
    assert manifest["name"] == "digits" and manifest["version"] == "0.1.0"
    assert len(manifest["description"]) <= 255
    assert f"include/{manifest['headers']}" in made
    assert_plain(manifest["description"])


def assert_plain(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.,+? -]+", text)


def without_comments(yaml: str) -> list[str]:
    return [line for line in yaml.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("optimize", "level"), [("speed", "-O2"), ("size", "-Os")])
def test_packages_are_compiled_as_they_were_measured(
    tmp_path: Path, request: pytest.FixtureRequest, optimize: Optimize, level: str
) -> None:
    """In CMake after the level of the build type, so that it wins; Arduino has no flags for a library."""
    files = package("cmake", request, optimize=optimize)
    write(tmp_path / "user" / "digits", files)
    write(tmp_path / "user", {"CMakeLists.txt": USER.format(find="add_subdirectory(digits)"), "main.c": MAIN})
    cmake(tmp_path, "-S", "user", "-B", "b", "-D", "CMAKE_BUILD_TYPE=Release")
    commands = cmake(tmp_path, "--build", "b", "--verbose")
    (compiled,) = (line for line in commands.splitlines() if " -c " in line and "digits_weights.c" in line)
    assert re.findall(r" (-O\S*)", compiled) == ["-O3", level]
    assert f"zephyr_library_compile_options({level})" in glue("zephyr", request, optimize)
    assert f"target_compile_options(${{COMPONENT_LIB}} PRIVATE {level})" in glue("esp-idf", request, optimize)
    build = json.loads(package("platformio", request, optimize=optimize)["library.json"])["build"]
    assert build == ({"flags": "-Os"} if optimize == "size" else {"unflags": "-Os", "flags": "-O2"})


def glue(kind: ExportKind, request: pytest.FixtureRequest, optimize: Optimize) -> str:
    made = package(kind, request, optimize=optimize)
    (text,) = (text for path, text in made.items() if path.endswith("CMakeLists.txt"))
    return text


def test_long_names_stay_short() -> None:
    facts = Facts("0.1.0", "n" * 5000, "", 18, 1, 1, "")
    assert len(description(facts)) < 200


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("0.1.0", "0.1.0"), ("1.4", "1.4.0"), ("2.0.3.dev1+gabc", "2.0.3"), ("3rc1", "3.0.0")],
)
def test_release(version: str, numbers: str) -> None:
    assert release(version) == numbers


# ---- the command line, and the folders that it writes and reads ----


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The file of a small float model."""
    return saved(two_headed(), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_exported_folder_verifies(tmp_path: Path, model: Path, kind: ExportKind) -> None:
    out = tmp_path / "out"
    compiled = tinyc("compile", model, *TARGET, "--name", "net", "--export", kind, "-o", out, "--json")
    assert compiled.code == 0, compiled.err
    report = json.loads(compiled.out)
    held = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert set(report["files"]) == held
    assert f"--export {kind}" in report["options"]
    (out / "main.c").write_text("#error not tinyc's")
    assert tinyc("verify", out).code == 0


def test_another_layout_replaces_the_one_before(tmp_path: Path, model: Path) -> None:
    out = tmp_path / "out"
    assert tinyc("compile", model, *TARGET, "--name", "net", "--export", "zephyr", "-o", out).code == 0
    (out / "src" / "mine.c").write_text("mine")
    assert tinyc("compile", model, *TARGET, "--name", "net", "--export", "cmake", "-o", out).code == 0
    left = {path.relative_to(out).as_posix() for path in out.rglob("*")}
    assert left == {
        "CMakeLists.txt", "net.c", "net.h", "net_weights.c", "net_weights.h", "net_selftest.c",
        "tinyc_runtime.h", "report.html", "report.json", "src", "src/mine.c",
    }  # fmt: skip
    assert (out / "src" / "mine.c").read_text() == "mine"


@pytest.mark.parametrize("taken", ["file", "link", "source"])
def test_what_others_put_in_the_way_stays(tmp_path: Path, model: Path, taken: str) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert tinyc("compile", model, *TARGET, "--name", "net", "-o", out).code == 0
    before = (out / "report.json").read_bytes()
    if taken == "file":
        (out / "src").write_text("mine")
    elif taken == "link":
        (out / "src").symlink_to(elsewhere)
    else:
        (out / "src").mkdir()
        (out / "src" / "net.c").write_text("mine")
    outcome = tinyc("compile", model, *TARGET, "--name", "net", "--export", "arduino", "-o", out)
    assert outcome.code == 2 and "that tinyc did not write: src" in outcome.err
    assert (out / "report.json").read_bytes() == before
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize(
    "name", ["../precious", "a/../../precious", "link/precious", "/{}/precious", "a\\b", "."]
)
def test_a_report_cannot_name_files_outside_its_folder(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "precious").write_text("mine")
    out.mkdir()
    (out / "link").symlink_to(tmp_path / "away")
    listed = name.replace("{}", str(tmp_path))
    (out / "report.json").write_text(json.dumps({"tinyc": "0.1.0", "files": ["report.json", listed]}))
    write_folder(out, {"report.json": "{}"})
    assert (tmp_path / "precious").read_text() == (tmp_path / "away" / "precious").read_text() == "mine"


def test_unknown_kind(model: Path) -> None:
    outcome = tinyc("compile", model, *TARGET, "--export", "make")
    assert outcome.code == 2 and "--export" in outcome.err and "platformio" in outcome.err
