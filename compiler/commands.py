"""What each command does, behind the command line's parsing."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from ..ir.errors import UsageError
from ..targets import Target, load_target, target_names
from . import console
from .options import CompileOptions
from .output import check_writable, write_folder, write_text


def run_compile(model: Path, output: Path | None, as_json: bool, options: Mapping[str, Any]) -> None:
    """``tinyc compile``: writes the folder, prints the report; BudgetError where it does not fit."""
    given: dict[str, Any] = dict(options)
    given["verify"] = not given.pop("no_verify")
    given["input_shapes"] = dict(given["input_shapes"])
    dump: Path | None = given.pop("schedule_dump")
    chosen = CompileOptions(**given)
    if output is not None:
        check_writable(output)
    from .pipeline import compile_model
    from .scheduling import describe_schedule
    from .verdict import require_fit

    with console.progress() as progress:
        compiled = compile_model(model, chosen, progress)
    folder = output or Path(compiled.program.name)
    write_folder(folder, compiled.folder())
    if dump is not None:
        write_text(dump, json.dumps(describe_schedule(compiled.program), indent=1) + "\n")
    if as_json:
        console.print_json(compiled.report.to_dict())
    else:
        console.show_report(compiled.report, str(folder), compiled.effects)
    require_fit(compiled.report)


def run_targets(name: str | None, as_json: bool) -> None:
    """``tinyc targets``: all boards, or one."""
    if name is not None:
        _show_target(load_target(name), as_json)
        return
    boards = [load_target(known) for known in target_names()]
    if as_json:
        console.print_json([_board(board) for board in boards])
        return
    columns = ["name", "board", "core", "MHz", "SRAM", "flash"]
    rows = [
        (b.name, b.title, b.cpu, f"{b.clock_hz / 1e6:g}", f"{b.sram_bytes:,}", f"{b.flash_bytes:,}")
        for b in boards
    ]
    console.show(console.table("", columns, rows, right=["MHz", "SRAM", "flash"]))


def _board(target: Target) -> dict[str, Any]:
    return {
        "name": target.name,
        "title": target.title,
        "vendor": target.vendor,
        "mcu": target.mcu,
        "cpu": target.cpu,
        "isa": target.isa,
        "fpu": target.fpu,
        "dsp": target.dsp,
        "mve": target.mve,
        "clock_hz": target.clock_hz,
        "sram_bytes": target.sram_bytes,
        "flash_bytes": target.flash_bytes,
        "memory": [
            {"name": r.name, "origin": r.origin, "bytes": r.bytes, "kind": r.kind, "role": r.role}
            for r in target.memory
        ],
        "source": target.source,
    }


def _show_target(target: Target, as_json: bool) -> None:
    board = _board(target)
    if as_json:
        console.print_json(board)
        return
    memory = board.pop("memory")
    console.show_mapping(target.title, board)
    rows = [(r["name"], f"0x{r['origin']:08x}", f"{r['bytes']:,}", r["kind"], r["role"]) for r in memory]
    console.show(
        console.table("memory", ["region", "origin", "bytes", "kind", "role"], rows, right=["bytes"])
    )


def run_inspect(model: Path, as_json: bool, options: Mapping[str, Any]) -> None:
    """``tinyc inspect``: what is in a model, and which boards it fits."""
    from .inspection import inspect_model
    from .source import as_onnx

    source = as_onnx(model, options["dt"], options["nir_reset"])
    shapes = dict(options["input_shapes"])
    _present(inspect_model(source, shapes, options["states"], options["targets"]), as_json)


def run_bench(folder: Path, board: str | None, as_json: bool) -> None:
    """``tinyc bench``: what each layer costs on the emulated board."""
    from .bench import bench
    from .folder import load_folder

    _present(bench(load_folder(folder), board), as_json)


def run_compare(folder: Path, tflite: Path, evaluate: Path, as_json: bool) -> None:
    """``tinyc compare``: the folder's C beside a TFLite model."""
    from .comparison import compare

    _present(compare(folder, tflite, evaluate), as_json)


def run_diff(
    before: Path, after: Path, given: Mapping[str, Any], form: Literal["table", "markdown", "json"]
) -> None:
    """``tinyc diff``: prints what changed; RegressionError where that is past a limit."""
    from .difference import ACCURACY, compare_reports
    from .limits import Limit
    from .show_difference import markdown, show

    limits: dict[str, Limit] = {name: limit for name, limit in given.items() if limit is not None}
    if (points := given[ACCURACY]) is not None:
        limits[ACCURACY] = Limit(points)
    difference = compare_reports(before, after, limits)
    match form:
        case "json":
            console.print_json(difference.to_dict())
        case "markdown":
            console.print_text(markdown(difference))
        case "table":
            show(difference)
    difference.require_allowed()


class _Finding(Protocol):
    """What a command found out."""

    def to_dict(self) -> dict[str, Any]: ...

    def show(self) -> None: ...


def _present(found: _Finding, as_json: bool) -> None:
    if as_json:
        console.print_json(found.to_dict())
    else:
        found.show()


def run_samples(folder: Path, samples: Path, on: str, output: Path | None, as_json: bool) -> None:
    """``tinyc run``: the folder's C on a file of samples; ``on`` is ``host``, ``board``, or a target."""
    from .folder import load_folder

    library = load_folder(folder)
    if on == "host":
        results = library.run(samples)
    else:
        results = library.run_on_board(samples, None if on == "board" else on)
    if output is not None:
        save_arrays(output, results)
    if as_json:
        console.print_json({name: array.tolist() for name, array in results.items()})
    elif output is None:
        for name, array in results.items():
            console.show(
                console.table(name, ["sample", "output"], [(i, _line(row)) for i, row in enumerate(array)])
            )
    else:
        console.show(f"{', '.join(results)}: {len(next(iter(results.values())))} samples → {output}")


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes an .npz file; the names may be any text (numpy.savez has a parameter ``file`` of its own)."""
    try:
        with zipfile.ZipFile(path, "w") as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, array, allow_pickle=False)
    except OSError as error:
        raise UsageError(
            "The outputs cannot be written",
            where=str(path),
            why=error.strerror or str(error),
            remedy="name another file with -o Y.npz",
        ) from error


def _line(row: np.ndarray) -> str:
    flat = row.reshape(-1)
    shown = " ".join(f"{v:g}" for v in flat[:12].tolist())
    return shown if flat.size <= 12 else f"{shown} … ({flat.size} in all)"


def run_verify(folder: Path, as_json: bool) -> None:
    """``tinyc verify``: the folder's C compiled anew, its golden vector replayed."""
    from .folder import load_folder

    library = load_folder(folder)
    library.selftest()
    if as_json:
        console.print_json({"folder": str(folder), "model": library.name, "selftest": "passed"})
    else:
        console.show(f"{library.name}: the golden vector is reproduced, and the C compiles without a warning")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; UsageError where there is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            "This is not a folder that tinyc wrote",
            where=str(path),
            why=error.strerror or str(error) if isinstance(error, OSError) else str(error),
            remedy="name the folder that `tinyc compile` printed as its output",
        ) from error
    return data
