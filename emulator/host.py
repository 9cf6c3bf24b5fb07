"""Emitted C on the host: found compiler, compiled library and harness, run on samples."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np

from ..codegen.emit import emit_harness, emit_selftest_main
from ..ir.errors import UsageError, VerificationError
from ..ir.program import Program

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wcast-align", "-pedantic", "-Werror")
_FLAGS = ("-std=c99", "-O1", "-ffp-contract=off", *WARNINGS)


@cache
def host_compiler() -> tuple[str, ...]:
    """The command of a C compiler for this machine: ``cc``, else ``zig cc`` from the package ziglang.

    Raises UsageError where there is none.
    """
    for name in ("cc", "gcc", "clang"):
        if path := shutil.which(name):
            return (path,)
    try:
        import ziglang  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        raise UsageError(
            "No C compiler was found on this machine",
            why="the emitted C is compiled and run here to verify it",
            remedy="install gcc or clang, or pip install 'tinyc[toolchain]', or skip this with --no-verify",
        ) from None
    return (sys.executable, "-m", "ziglang", "cc")


def build(
    folder: Path,
    files: Mapping[str, str],
    main: str,
    compiler: Sequence[str] | None = None,
    flags: Sequence[str] = (),
) -> Path:
    """Compiles ``files`` and the text of a main program in ``folder``; returns the executable.

    Warnings are errors. Raises VerificationError with the compiler's words.
    """
    sources = {**files, "tinyc_main.c": main}
    for name, text in sources.items():
        (folder / name).write_text(text, encoding="utf-8")
    units = sorted(name for name in sources if name.endswith(".c"))
    command = [*(compiler or host_compiler()), *_FLAGS, *flags, "-o", "model", *units]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise VerificationError(
            "The emitted C does not compile on this machine",
            where=" ".join(command),
            why=done.stderr.strip()[:4000],
            remedy="report this as a bug of tinyc, with the model",
        )
    return folder / "model"


def build_shared(folder: Path, source: str) -> Path:
    """The text of a C file as a shared library in ``folder``, for the emulators to load.

    Raises UsageError where there is no compiler, or it fails (its words, and the command).
    """
    (folder / "shared.c").write_text(source, encoding="utf-8")
    command = [*host_compiler(), "-O2", "-shared", "-fPIC", "-o", "shared.so", "shared.c"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise UsageError(
            "The C compiler of this machine cannot build what counts on the emulated board",
            where=" ".join(command),
            why=done.stderr.strip()[:4000],
            remedy="install gcc or clang; --no-verify skips the emulated board",
        )
    return folder / "shared.so"


def without_budget(program: Program) -> str:
    """The flag with which the header does not hold the model against the budget: it is built to be run here
    or measured, whether it fits or not."""
    return f"-D{program.name.upper()}_SRAM_BUDGET=0xffffffffu"


def run_selftest(program: Program, files: Mapping[str, str]) -> None:
    """Compiles the library with its self-test and runs it.

    Raises VerificationError where the golden vector is not reproduced.
    """
    with tempfile.TemporaryDirectory(prefix="tinyc-") as folder:
        executable = build(
            Path(folder), files, emit_selftest_main(program),
            flags=(without_budget(program), f"-D{program.name.upper()}_SELFTEST"),
        )  # fmt: skip
        done = subprocess.run([executable], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise VerificationError(
            f"{program.name} does not reproduce its golden vector on this machine",
            why=done.stdout.strip() or f"exit code {done.returncode}",
            remedy="compile the model again; if it persists, report it as a bug of tinyc, with the model",
        )


class HostModel:
    """A compiled model. Use as a context manager: the build folder goes away with it.

    ``program`` tells its name, inputs and outputs.
    """

    def __init__(
        self, program: Program, files: Mapping[str, str],
        compiler: Sequence[str] | None = None, flags: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.program = program
        self._folder = tempfile.TemporaryDirectory(prefix="tinyc-")
        self._executable = build(
            Path(self._folder.name), files, emit_harness(program), compiler, (without_budget(program), *flags)
        )

    def __enter__(self) -> HostModel:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def run(self, samples: Sequence[Mapping[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
        """Outputs by buffer name for each sample of inputs by buffer name (physical shape, stored dtype).

        Samples are the time steps of one sequence, where the model has states.
        """
        return self.run_sequences([samples])[0]

    def run_sequences(
        self, sequences: Sequence[Sequence[Mapping[str, np.ndarray]]]
    ) -> list[list[dict[str, np.ndarray]]]:
        """The same for several sequences, each after a reset."""
        fed = b"".join(
            self._bytes_of(sample, first=index == 0)
            for sequence in sequences
            for index, sample in enumerate(sequence)
        )
        done = subprocess.run([self._executable], input=fed, capture_output=True, check=False)
        if done.returncode != 0:
            raise VerificationError(
                "The compiled model failed on this machine",
                why=f"exit code {done.returncode}: {done.stderr.decode(errors='replace').strip()[:4000]}",
                remedy="report this as a bug of tinyc, with the model",
            )
        results = iter(self._parse(done.stdout, sum(map(len, sequences))))
        return [list(islice(results, len(sequence))) for sequence in sequences]

    def _bytes_of(self, sample: Mapping[str, np.ndarray], first: bool) -> bytes:
        """A sample as the harness reads it; ``first`` in its sequence."""
        buffers = self.program.buffers
        arrays = (np.ascontiguousarray(sample[n], buffers[n].dtype.numpy) for n in self.program.inputs)
        restart = bytes([first]) if self.program.states else b""
        return restart + b"".join(array.tobytes() for array in arrays)

    def _parse(self, raw: bytes, count: int) -> list[dict[str, np.ndarray]]:
        position, results = 0, []
        for _ in range(count):
            outputs: dict[str, np.ndarray] = {}
            for name in self.program.outputs:
                buffer = self.program.buffers[name]
                flat = np.frombuffer(raw, buffer.dtype.numpy, buffer.elements, position)
                outputs[name] = flat.reshape(buffer.shape)
                position += buffer.nbytes
            results.append(outputs)
        return results
