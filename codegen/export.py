"""Firmware packages: the emitted C in the folder layout, and with the manifest, of a build system."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..ir.program import Program
from .emit import Facts, environment
from .optimization import LEVELS

ExportKind = Literal["cmake", "zephyr", "arduino", "esp-idf", "platformio"]


@dataclass(frozen=True)
class Layout:
    """Where a kind of package keeps C sources and the public header ("" or a path that ends in a slash),
    and its manifests: templates of ``templates/export/<kind>`` by file name."""

    sources: str
    header: str
    manifests: Mapping[str, str]


LAYOUTS: Mapping[ExportKind, Layout] = {
    "cmake": Layout("", "", {"CMakeLists.txt": "CMakeLists.txt"}),
    # https://docs.zephyrproject.org/latest/develop/modules.html
    "zephyr": Layout(
        "src/",
        "include/",
        {
            "zephyr/module.yml": "module.yml",
            "zephyr/CMakeLists.txt": "CMakeLists.txt",
            "zephyr/Kconfig": "Kconfig",
        },
    ),
    # https://docs.arduino.cc/arduino-cli/library-specification: only src/ is searched for headers
    "arduino": Layout("src/", "src/", {"library.properties": "library.properties"}),
    # https://docs.espressif.com/projects/esp-idf/en/latest/esp32/api-guides/build-system.html
    "esp-idf": Layout(
        "src/",
        "include/",
        {
            "CMakeLists.txt": "CMakeLists.txt",
            "Kconfig": "Kconfig",
            "idf_component.yml": "idf_component.yml",
        },
    ),
    # https://docs.platformio.org/en/latest/manifests/library-json/index.html
    "platformio": Layout("src/", "include/", {"library.json": "library.json"}),
}


def export_files(
    kind: ExportKind, program: Program, files: Mapping[str, str], facts: Facts
) -> dict[str, str]:
    """The package as text by path: the C of ``emit`` unchanged, moved to where ``kind`` keeps it, with its
    manifests. The CMakeLists.txt of ``emit`` is replaced or left out. Deterministic."""
    layout = LAYOUTS[kind]
    header = f"{program.name}.h"
    made = {
        f"{layout.header if name == header else layout.sources}{name}": text
        for name, text in files.items()
        if name.endswith((".c", ".h"))
    }
    context = {
        "name": program.name,
        "NAME": program.name.upper(),
        "facts": facts,
        "level": LEVELS[facts.optimize],
        "golden": f"{program.name}_selftest.c" in files,
        "sources": sorted(path for path in made if path.endswith(".c")),
        "release": release(facts.version),
        "description": description(facts),
    }
    for path, template in layout.manifests.items():
        made[path] = environment().get_template(f"export/{kind}/{template}.j2").render(context)
    return made


def release(version: str) -> str:
    """The three numbers of a Python version, which is all that every package manager takes: 0.2.0 for
    0.2.0.dev1, 1.4.0 for 1.4."""
    found = re.match(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", version)
    assert found is not None, version
    return ".".join(found.groups("0"))


def description(facts: Facts) -> str:
    """One sentence for a manifest. The model's name is somebody else's text: only characters that mean
    nothing in CMake, YAML, JSON, Kconfig and properties files are left of it."""
    name = re.sub(r"[^A-Za-z0-9_.+ -]+", "?", facts.model_file)[:60].strip()
    return (
        f"Neural network {name} of {facts.parameters} parameters and {facts.macs} MACs,"
        f" compiled by tinyc {release(facts.version)}"
    )
