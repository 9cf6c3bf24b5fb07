"""What to type, and with which files, so that a compile gives the same bytes again."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path
from typing import Any

import onnx

from ..ir.names import printable
from .options import RANDOM, CompileOptions, Source


def file_name(source: Source) -> str:
    """What the command calls the model; the name of a file need not be text."""
    if isinstance(source, onnx.ModelProto):
        return printable(f"{source.graph.name or 'model'}.onnx")
    return printable(Path(source).name)


def reproduction(options: CompileOptions, model_file: str) -> dict[str, Any]:
    """The report's ``reproduce``: the command for a POSIX shell, with the names of files and no folders, and
    the SHA-256 of the data's files."""
    given = (options.calibration, options.evaluate)
    files = [Path(path) for path in given if path is not None and path != RANDOM]
    return {
        "command": printable(shlex.join(["tinyc", "compile", model_file, *_words(options)])),
        "data": [
            {"file": printable(path.name), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for path in files
        ],
    }


def _words(options: CompileOptions) -> list[str]:
    words = [word for part in options.words() for word in part.split(" ", 1)]
    for name, shape in options.input_shapes.items():
        words += ["--input-shape", f"{name}={','.join(map(str, shape))}"]
    for option, path in (("--calibration", options.calibration), ("--evaluate", options.evaluate)):
        if path is not None:
            words += [option, Path(path).name]
    if options.name is not None:
        words += ["--name", options.name]
    if not options.verify:
        words.append("--no-verify")
    return words
