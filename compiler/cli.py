"""The command line. Heavy imports happen inside the commands, so that ``tinyc --help`` is instant."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .. import __version__
from ..ir.errors import TinycError
from .limits import Limit, parse_limit


def byte_size(text: str) -> int:
    """A number of bytes: 65536, 64k, 1M."""
    match = re.fullmatch(r"(\d+)\s*([kKmM]?)(i?[bB])?", text.strip())
    if match is None:
        raise click.BadParameter(f"{text!r} is not a number of bytes such as 65536, 64k or 1M")
    return int(match[1]) * {"": 1, "k": 1024, "m": 1024 * 1024}[match[2].lower()]


def input_shape(text: str) -> tuple[str, tuple[int, ...]]:
    """NAME=1,3,96,96"""
    name, _, shape = text.rpartition("=")
    if not name or not re.fullmatch(r"\d+(,\d+)*", shape):
        raise click.BadParameter(f"{text!r} is not of the form NAME=1,3,96,96")
    return name, tuple(int(d) for d in shape.split(","))


def patch_grid(text: str) -> tuple[int, int] | str:
    """3x3: rows by columns; auto."""
    if text == "auto":
        return text
    match = re.fullmatch(r"([1-9]\d*)[x×]([1-9]\d*)", text.strip())
    if match is None:
        raise click.BadParameter(f"{text!r} is neither auto nor of the form ROWSxCOLUMNS, such as 3x3")
    return int(match[1]), int(match[2])


def bytes_more(text: str) -> Limit:
    """+0, +2k, +1.5%"""
    return _limit(text, 1024)


def times_more(text: str) -> Limit:
    """+0, +20k, +1.5%"""
    return _limit(text, 1000)


def _limit(text: str, thousand: int) -> Limit:
    limit = parse_limit(text, thousand)
    if limit is None:
        raise click.BadParameter(f"{text!r} is not of the form +512, +2k or +1.5%")
    return limit


class Group(click.Group):
    """Turns tinyc's errors into messages and exit codes, and anything else into a request to report it."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs |= {"standalone_mode": False, "prog_name": "tinyc"}
        logging.getLogger("onnx_ir").setLevel(logging.ERROR)  # it says aloud what it leaves alone
        try:
            result = super().main(*args, **kwargs)
            sys.exit(result if isinstance(result, int) else 0)
        except click.exceptions.Exit as stop:
            sys.exit(stop.exit_code)
        except click.Abort:
            click.echo("stopped", err=True)
            sys.exit(130)
        except click.ClickException as error:
            error.show()
            sys.exit(2)
        except TinycError as error:
            click.echo(f"tinyc: {error}", err=True)
            sys.exit(error.exit_code)
        except Exception as error:
            self._internal(error)

    def _internal(self, error: Exception) -> None:
        import traceback

        click.echo("".join(traceback.format_exception(error)), err=True)
        click.echo(
            f"tinyc: internal error: {type(error).__name__}: {error}\n"
            "  why: this is a bug of tinyc, not of your model\n"
            f"  try: report it with the lines above, the version ({__version__}) and the model",
            err=True,
        )
        sys.exit(1)


_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
_STATE = click.option(
    "--state",
    "states",
    metavar="IN:OUT",
    multiple=True,
    help="Graph input and output that are one value, kept from run to run.",
)


def _nir(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options for .nir files."""
    step = click.option("--dt", type=float, metavar="SECONDS", help="A .nir file's time step, e.g. 1e-4.")
    reset = click.option(
        "--nir-reset",
        type=click.Choice(["zero", "subtract", "zero-delayed", "subtract-delayed"]),
        help="What a spike of a .nir file's neurons does; default: zero. Files do not say.",
    )
    return step(reset(command))


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tinyc")
def main() -> None:
    """Compiles trained ONNX models into C for microcontrollers, and proves that it fits."""


@main.command("compile")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--target", "-t", required=True, help="A board's name (see `tinyc targets`) or a .toml file.")
@click.option(
    "--calibration",
    metavar="X.npz|random",
    help="Samples to choose int8 ranges from; `random` for studies of size.",
)
@click.option(
    "--evaluate",
    type=click.Path(path_type=Path),
    metavar="X.npz",
    help="Samples (and labels `y`) to measure accuracy on.",
)
@click.option(
    "--precision", type=click.Choice(["auto", "float32", "int8", "mixed"]), default="auto", show_default=True
)
@click.option(
    "--max-drop",
    type=click.FloatRange(0, 100),
    default=1.0,
    show_default=True,
    metavar="POINTS",
    help="Mixed precision: accuracy (or agreement) that may be lost against int8; where that itself loses "
    "more against floats, feature maps get 16 bits.",
)
@click.option(
    "--lambda",
    "lam",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Mixed precision: weight of lost entropy against saved BitOPs.",
)
@click.option(
    "--objective",
    type=click.Choice(["cycles", "bitops"]),
    default="cycles",
    show_default=True,
    help="Mixed precision: what to save; for cycles, only what makes layers faster or what a budget needs.",
)
@click.option(
    "--stream",
    is_flag=False,
    flag_value="auto",
    metavar="[AXIS]",
    help="One call is one time step; AXIS of the inputs is time (default: as layers show).",
)
@click.option(
    "--spiking",
    type=int,
    metavar="STEPS",
    help="Convert a ReLU network to a spiking one of so many time steps for an inference.",
)
@click.option(
    "--spike-coding",
    type=click.Choice(["analog", "poisson", "latency"]),
    default="analog",
    show_default=True,
    help="Spiking: inputs as they are, as spikes at random (rates), or as one spike each (time to it).",
)
@click.option(
    "--patches",
    type=patch_grid,
    metavar="RxC|auto",
    help="Mixed precision: patches of the image with outliers keep 8 bits in the first layers; auto: patches "
    "of int8's schedule.",
)
@click.option(
    "--patch-coverage",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.96,
    show_default=True,
    help="Patches: the share of values that are no outliers.",
)
@click.option(
    "--patch-threshold",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Patches: the share of samples with outliers above which a position keeps 8 bits.",
)
@click.option(
    "--patch-class",
    type=click.Choice(["static", "runtime"]),
    default="static",
    show_default=True,
    help="Patches: which keep 8 bits is decided by position, or in each inference by what they hold.",
)
@click.option("--sram-budget", type=byte_size, metavar="BYTES", help="Instead of the board's, e.g. 64k.")
@click.option("--flash-budget", type=byte_size, metavar="BYTES", help="Instead of the board's, e.g. 256k.")
@click.option(
    "--io-layout",
    type=click.Choice(["nhwc", "model"]),
    default="nhwc",
    show_default=True,
    help="Axis order of image inputs and outputs.",
)
@click.option(
    "--input-dtype",
    type=click.Choice(["int8", "uint8", "float32"]),
    default="int8",
    show_default=True,
    help="What a quantized input takes; uint8: raw pixels.",
)
@click.option(
    "--schedule",
    type=click.Choice(["fit", "min-sram", "fast"]),
    default="fit",
    show_default=True,
    help="The fastest schedule within the budget, the one with the least SRAM, or the fastest.",
)
@click.option("--pareto", type=int, metavar="N", help="Schedule N of the report's front instead.")
@click.option(
    "--schedule-dump",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the schedule's steps, buffers and tasks as JSON.",
)
@click.option(
    "--input-mode",
    type=click.Choice(["buffer", "rows", "reread"]),
    default="buffer",
    show_default=True,
    help="rows: the C asks for the image's rows, each once; reread: it may ask again.",
)
@click.option(
    "--optimize",
    type=click.Choice(["auto", "speed", "size"]),
    default="auto",
    show_default=True,
    help="speed: fast kernels are specialised for each layer; size: layers share them; auto: as it fits.",
)
@click.option(
    "--input-shape",
    "input_shapes",
    type=input_shape,
    metavar="NAME=SHAPE",
    multiple=True,
    help="Fixes a symbolic shape.",
)
@_STATE
@click.option(
    "--export",
    type=click.Choice(["cmake", "zephyr", "arduino", "esp-idf", "platformio"]),
    help="Lay the C out as a package of this build system.",
)
@_nir
@click.option("--name", help="Prefix of the emitted files and functions; default: the model file's name.")
@click.option("--no-verify", is_flag=True, help="Do not compile and run the C on this machine.")
@click.option(
    "--dump-passes",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the model after each graph pass.",
)
@click.option("--check-passes", is_flag=True, help="Report how far each pass moved the output.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Output folder; default: the model's name.",
)
@_JSON
def compile_command(model: Path, output: Path | None, as_json: bool, **options: Any) -> None:
    """Compile MODEL for a board: a C library, a report and a verdict.

    Exit codes: 0 fits, 2 usage, 3 the model cannot be compiled, 4 over budget, 5 verification failed.
    """
    from .commands import run_compile

    run_compile(model, output, as_json, options)


@main.command("inspect")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--input-shape",
    "input_shapes",
    type=input_shape,
    metavar="NAME=SHAPE",
    multiple=True,
    help="Fixes a symbolic shape.",
)
@click.option("--target", "-t", "targets", multiple=True, help="Judge this board only; may be repeated.")
@_STATE
@_nir
@_JSON
def inspect_command(model: Path, as_json: bool, **options: Any) -> None:
    """What is in MODEL: operators, parameters, MACs, SRAM layer by layer and at least, and the boards that it
    fits. Nothing is calibrated or run."""
    from .commands import run_inspect

    run_inspect(model, as_json, options)


@main.command("run")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--input", "samples", type=click.Path(path_type=Path), required=True, metavar="X.npz")
@click.option(
    "--on",
    default="host",
    show_default=True,
    metavar="host|board|TARGET",
    help="Where the C runs: here, or on the emulated board it was compiled for, or on another.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="Y.npz",
    help="Where outputs go, one array per graph output.",
)
@_JSON
def run_command(folder: Path, samples: Path, on: str, output: Path | None, as_json: bool) -> None:
    """Run the C in FOLDER on samples."""
    from .commands import run_samples

    run_samples(folder, samples, on, output, as_json)


@main.command("bench")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--target", "-t", "board", help="Another board than the one it was compiled for.")
@_JSON
def bench_command(folder: Path, board: str | None, as_json: bool) -> None:
    """Count what each layer of the C in FOLDER costs on the emulated board."""
    from .commands import run_bench

    run_bench(folder, board, as_json)


@main.command("verify")
@click.argument("folder", type=click.Path(path_type=Path))
@_JSON
def verify_command(folder: Path, as_json: bool) -> None:
    """Compile the C in FOLDER with all warnings on and replay its golden vector."""
    from .commands import run_verify

    run_verify(folder, as_json)


@main.command("compare")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--tflite", type=click.Path(path_type=Path), required=True, metavar="FILE.tflite")
@click.option(
    "--evaluate",
    type=click.Path(path_type=Path),
    required=True,
    metavar="X.npz",
    help="Samples (and labels `y`), as `tinyc run FOLDER` takes them.",
)
@_JSON
def compare_command(folder: Path, tflite: Path, evaluate: Path, as_json: bool) -> None:
    """Run the C in FOLDER and a TFLite model of the same network on the same samples."""
    from .commands import run_compare

    run_compare(folder, tflite, evaluate, as_json)


@main.command("diff")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option("--max-sram", "SRAM", type=bytes_more, metavar="+N", help="e.g. +0, +2k or +1.5%.")
@click.option("--max-flash", "flash", type=bytes_more, metavar="+N")
@click.option("--max-cycles", "cycles", type=times_more, metavar="+N", help="e.g. +20k or +2%.")
@click.option("--max-instructions", "instructions", type=times_more, metavar="+N")
@click.option(
    "--max-accuracy-drop",
    "accuracy",
    type=click.FloatRange(0, 100),
    metavar="POINTS",
    help="Percentage points of accuracy (or agreement) that may be lost.",
)
@click.option("--markdown", is_flag=True, help="Print a comment for a pull request.")
@_JSON
def diff_command(before: Path, after: Path, markdown: bool, as_json: bool, **limits: Any) -> None:
    """What grew between two report.json of one target; exit code 6 where it is past a limit."""
    from .commands import run_diff

    run_diff(before, after, limits, "json" if as_json else "markdown" if markdown else "table")


@main.command("targets")
@click.argument("name", required=False)
@_JSON
def targets_command(name: str | None, as_json: bool) -> None:
    """List the boards, or show one."""
    from .commands import run_targets

    run_targets(name, as_json)
