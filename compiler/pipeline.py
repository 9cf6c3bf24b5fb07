"""The one ordered list of stages from a model file to a verified C library."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as oir

from .. import __version__
from ..codegen.emit import Facts, GoldenVector, Stream, emit, emit_header
from ..codegen.export import export_files
from ..emulator.host import HostModel
from ..ir.dtype import DType
from ..ir.errors import ModelError, UsageError
from ..ir.names import model_identifier
from ..ir.program import Program
from ..ir.values import to_real
from ..passes.canonicalize import canonicalize
from ..passes.dead_channels import remove_dead_channels
from ..passes.import_onnx import import_model
from ..passes.lower import LowerOptions, lower
from ..passes.lower.unsupported import refuse_unsupported
from ..passes.onnx_graph import is_quantized, quoted
from ..passes.quantize import QuantizeOptions
from ..passes.samples import (
    Samples,
    first_sequence,
    input_specs,
    load_samples,
    load_sequences,
    random_samples,
    random_sequences,
    sequences_of,
)
from ..passes.schedule.selection import model_macs
from ..passes.spiking.flatten import flatten_as_they_lie
from ..passes.state_pairs import given_inputs, state_pairs
from ..passes.streaming import Streamed, stream
from ..passes.validate import validate
from ..targets import Target, load_target
from .accuracy import Accuracy, judge, labels_of
from .blame import blaming_invalid_models, located
from .dumps import PassDumps, PassEffect
from .feeding import stored_inputs
from .fidelity import step_errors
from .measurement import Arrays, Measurement, Unmeasured, measure
from .mixing import MixedPrecision, mix
from .options import RANDOM, CompileOptions, Source
from .output import PAGE, REPORT
from .parameters import count_parameters
from .patching import PatchWork, flags_of, telling
from .report import Report
from .reproduce import file_name, reproduction
from .scheduling import Schedules, make_schedules
from .sequences import judge_sequences
from .sessions import Reference
from .source import as_onnx
from .spiking import OverTime, Rates, judge_rates, over_time, rates_of, to_rates
from .stepping import unrolled
from .verification import (
    Verification,
    compare_with_host,
    emulate,
    firm_samples,
    verification_samples,
    with_states,
)

Progress = Callable[[str], None]
RANDOM_SAMPLES = 16
RANDOM_STEPS = 8
VECTORS = 3
"""Samples on which every compile proves that the executions agree."""
STEPS = 6
"""The same for models with states: consecutive time steps after a reset."""
_FILE = "tinyc.source_file"
"""Where the imported model's metadata keep the name of its file."""


@dataclass(frozen=True)
class Compiled:
    """Everything a compile makes: the files by name, and the report."""

    program: Program
    files: Mapping[str, str]
    report: Report
    effects: Sequence[PassEffect]

    def folder(self) -> dict[str, str]:
        """``files`` and with them report.html, which is too large to keep for each of many compiles."""
        from .report_html import page

        return {**self.files, PAGE: page(json.loads(self.files[REPORT]))}


@dataclass(frozen=True)
class Prepared:
    """The model on its way: as imported (the reference for accuracy), and as it will be lowered."""

    imported: oir.Model
    model: oir.Model
    calibration: str | None
    vectors: Sequence[Mapping[str, np.ndarray]]
    effects: Sequence[PassEffect]
    mixed: MixedPrecision | None = None
    rates: Rates | None = None
    whole: Streamed | None = None
    """What it was cut from, where the model is one time step of one of whole sequences."""
    left_out: int = 0
    """Vectors that verification cannot use: see ``firm_samples``."""


def compile_model(
    source: Source, options: CompileOptions, progress: Progress = lambda stage: None
) -> Compiled:
    """Compiles ``source`` for ``options.target``; writes nothing.

    Raises ModelError for a model that cannot be compiled, UsageError for options or data that do not fit
    it, VerificationError where two executions that must agree do not. A model over budget is compiled:
    see ``verdict.require_fit``.
    """
    target = load_target(options.target)
    progress("importing")
    with located(source):
        onnx_source = as_onnx(source, options.dt, options.nir_reset)
        imported = import_model(onnx_source, options.input_shapes, options.states)
        imported.metadata_props[_FILE] = file_name(source)
        if not imported.graph.inputs:
            raise ModelError(
                "The model has no inputs",
                why="its outputs are constants: there is nothing to compute at run time",
                remedy="export the model with its inputs",
            )
        with blaming_invalid_models(imported):
            return _compile(imported, options, target, progress)


def _compile(imported: oir.Model, options: CompileOptions, target: Target, progress: Progress) -> Compiled:
    prepared = prepare(imported, options, target, progress)
    progress("lowering")
    name = model_identifier(options.name or prepared.imported.metadata_props["tinyc.source_name"])
    lowering = LowerOptions(options.io_layout == "nhwc", DType.of(np.dtype(options.input_dtype)))
    layers = lower(prepared.model, name, lowering)
    _check_input_dtype(layers, options)
    progress("scheduling")
    budget = target.sram_bytes if options.sram_budget is None else options.sram_budget
    schedules = make_schedules(layers, target, options, budget, repeated=prepared.rates is not None)
    firm = firm_samples(schedules.program, prepared.vectors)
    prepared = replace(prepared, vectors=prepared.vectors[:firm], left_out=len(prepared.vectors) - firm)
    compiled = _verified(prepared, layers, schedules, target, options, progress)
    while (smaller := _smaller(compiled.report, schedules, options)) is not None:
        schedules, options = smaller  # what stack and code take shows only once it was measured
        compiled = _verified(prepared, layers, schedules, target, options, progress)
    text = json.dumps(compiled.report.to_dict(), indent=2, allow_nan=False) + "\n"
    return replace(compiled, files={**compiled.files, REPORT: text})


def _smaller(
    report: Report, schedules: Schedules, options: CompileOptions
) -> tuple[Schedules, CompileOptions] | None:
    """What to compile in place of what ``report`` says does not fit: layers that share their code, or a
    following schedule, as far as the user did not choose; None where it fits, or there is nothing left."""
    if report.sram_total > report.sram_budget:
        following = schedules.smaller()
    elif report.flash_total <= report.flash_budget:
        return None
    elif options.optimize == "auto" and (shared := report.flash_if_shared) and shared <= report.flash_budget:
        return schedules, replace(options, optimize="size")
    else:
        following = schedules.lighter(report.flash_budget)
    return None if following is None else (following, options)


def prepare(imported: oir.Model, options: CompileOptions, target: Target, progress: Progress) -> Prepared:
    """The graph stages on an imported model: canonicalize, quantize where asked, remove dead channels."""
    dumps = PassDumps(options.dump_passes, options.check_passes)
    dumps.after("import", imported)
    progress("canonicalizing")
    model = canonicalize(imported.clone())
    flatten_as_they_lie(model)
    dumps.after("canonicalize", model)
    refuse_unsupported(model)
    whole = _streamed(model.clone(), options)
    quantization = QuantizeOptions(time_axis=None if whole is None else next(iter(whole.axes.values())))
    mixed, rates, stepped = None, rates_of(model), imported
    samples, calibration = _calibration(model, rates, options)
    if options.spiking is not None:
        progress("converting to spikes")
        rates = to_rates(model, samples, options)
        assert samples is not None and rates.found is not None
        model = stepped = rates.found.model
        dumps.after("spiking", model)
        samples = over_time(model, samples, rates.coding.steps)
    if options.precision == "mixed":
        mixed = _mixed(model, samples, options, quantization, target, progress)
        model = mixed.found.model
        dumps.after("mixed-precision", model)
        if mixed.patches is not None and mixed.patches.flags is not None:
            assert samples is not None
            samples = telling(samples, flags_of(model, mixed.patches.flags, samples))
    elif _quantizes(model, options, target, samples):
        from ..passes.quantize import quantize

        progress("quantizing")
        assert samples is not None
        model = quantize(model, samples.arrays, quantization)
        dumps.after("quantize", model)
    else:
        calibration = None
    progress("removing dead channels")
    model = remove_dead_channels(model)
    dumps.after("dead-channels", model)
    if whole is not None:
        model = stream(model, next(iter(whole.axes.values()))).model
        dumps.after("stream", model)
        imported = stepped = whole.model
        samples = None if samples is None else first_sequence(samples, whole.axes, whole.frames)
    vectors = verification_samples(stepped, samples, STEPS if state_pairs(stepped) else VECTORS)
    dumps.check(vectors)
    return Prepared(imported, model, calibration, vectors, dumps.effects, mixed, rates, whole)


def _streamed(model: oir.Model, options: CompileOptions) -> Streamed | None:
    """The canonical model of one time step, which the compiled one is held against; None where none is
    asked for."""
    return None if options.stream is None else stream(model, options.stream_axis)


def _calibration(
    model: oir.Model, rates: Rates | None, options: CompileOptions
) -> tuple[Samples | None, str | None]:
    """The calibration samples, and how the report names them. Those of a model with states are the steps of
    sequences, with the states that the float model meets; of a rate-coded one, a sequence is one sample in
    every step."""
    inputs = input_specs(given_inputs(model))
    if options.calibration is None:
        return None, None
    random = options.calibration == RANDOM
    said = "random numbers: a study of size, not of accuracy"
    if rates is None and state_pairs(model):
        if random:
            return unrolled(model, random_sequences(inputs, RANDOM_SAMPLES, RANDOM_STEPS, seed=0)), said
        sequences = load_sequences(options.calibration, inputs)
        said = f"calibrated on {len(sequences)} sequences of {sequences.steps} steps"
        return unrolled(model, sequences), said
    if random:
        samples = random_samples(inputs, RANDOM_SAMPLES, seed=0)
    else:
        samples = load_samples(options.calibration, inputs)
        said = f"calibrated on {len(samples)} samples"
    return samples if rates is None else over_time(model, samples, rates.coding.steps), said


def _quantizes(model: oir.Model, options: CompileOptions, target: Target, samples: Samples | None) -> bool:
    """Whether tinyc quantizes this model itself; UsageError where that is asked for but cannot be done."""
    if is_quantized(model):
        if options.precision == "float32":
            raise UsageError(
                "--precision float32 was asked for, but the model is quantized already",
                where=f"model {model.metadata_props['tinyc.source_name']!r}",
                remedy="compile the float model that it was made from, or leave --precision out",
            )
        return False
    floats = any(value.dtype == oir.DataType.FLOAT for node in model.graph for value in node.outputs)
    if options.precision == "float32" or not floats:
        return False
    if samples is not None:
        return True
    if options.precision == "auto" and target.fpu != "none":
        return False
    raise UsageError(
        "Quantization to int8 needs calibration data: samples that show which values the model meets",
        where=f"target {target.name}{' has no floating-point unit' if target.fpu == 'none' else ''}",
        remedy="add --calibration SAMPLES.npz (one array per input, samples on the first axis);\n"
        "to study size only, --calibration random; to stay in floating point, --precision float32",
    )


def _mixed(
    model: oir.Model, samples: Samples | None, options: CompileOptions, quantization: QuantizeOptions,
    target: Target, progress: Progress,
) -> MixedPrecision:  # fmt: skip
    if is_quantized(model):
        raise UsageError(
            "--precision mixed was asked for, but the model is quantized already",
            where=f"model {model.metadata_props['tinyc.source_name']!r}",
            remedy="compile the float model that it was made from, or leave --precision out: a quantized\n"
            "model keeps the widths that it has",
        )
    return mix(model, samples, options, quantization, target, progress)


def _check_input_dtype(program: Program, options: CompileOptions) -> None:
    """UsageError where no input could be given the type that was asked for."""
    inputs = [program.buffers[name] for name in program.inputs]
    if options.input_dtype == "int8" or any(b.dtype.value[0] == options.input_dtype for b in inputs):
        return
    held = ", ".join(f"{quoted(b.source)} {b.dtype.value[0]}" for b in inputs)
    raise UsageError(
        f"--input-dtype {options.input_dtype} does not fit this model",
        where=f"inputs {held}",
        why="it takes effect where the model quantizes a float input to 8 bits itself; this one does not",
        remedy="leave --input-dtype out, or compile the float model with --calibration SAMPLES.npz",
    )


def _with_work(prepared: Prepared, program: Program, options: CompileOptions) -> MixedPrecision | None:
    """What the search found, and what inferences of ``program`` take, where that depends on values."""
    mixed = prepared.mixed
    if mixed is None or mixed.patches is None or mixed.patches.flags is None:
        return mixed
    flags = None
    if options.evaluate is not None:
        samples = load_samples(options.evaluate, input_specs(given_inputs(prepared.imported)))
        flags = flags_of(prepared.model, mixed.patches.flags, samples)
    return replace(mixed, work=PatchWork.of(program, mixed.patches.classes, flags))


def _facts(prepared: Prepared, program: Program, options: CompileOptions) -> Facts:
    notes = prepared.imported.metadata_props
    return Facts(
        version=__version__,
        model_file=notes["tinyc.source_name"],
        sha256=notes["tinyc.sha256"],
        opset=int(notes["tinyc.source_opset"]),
        parameters=count_parameters(prepared.imported),
        macs=model_macs(program),
        options=options.described(),
        optimize=options.goal,
        inference=None if prepared.rates is None else prepared.rates.inference(program),
        stream=None if prepared.whole is None else Stream(prepared.whole.frames, prepared.whole.warm_up),
    )


def _verified(
    prepared: Prepared, layers: Program, schedules: Schedules, target: Target, options: CompileOptions,
    progress: Progress,
) -> Compiled:  # fmt: skip
    """Emits the C, proves and measures it, and draws up the report."""
    program, facts = schedules.program, _facts(prepared, layers, options)
    validate(program)
    progress("emulating")
    emulated = emulate(program, prepared.vectors)
    stored = [stored_inputs(program, vector) for vector in prepared.vectors]
    golden = GoldenVector.of(stored, emulated) if program.states else GoldenVector(stored[0], emulated[0])
    files = emit(program, target, facts, golden, options.sram_budget)
    with ThreadPoolExecutor(1) as beside:  # compilers and emulator run beside this interpreter
        ran = len(emulated) if program.states else 1
        board = beside.submit(_on_board, program, files, target, stored[:ran], emulated[:ran], options)
        verification, evaluated = _on_host(prepared, layers, program, files, emulated, options, progress)
        progress("running the emulated board")
        measured = board.result()
    if isinstance(measured, Measurement):
        header = emit_header(program, target, facts, options.sram_budget, measured.footprint)
        files[f"{program.name}.h"] = header
        if verification is not None:
            verification = replace(verification, board_bit_exact=measured.exact)
    if options.export is not None:
        files = export_files(options.export, program, files, facts)
    rates = prepared.rates
    if isinstance(evaluated, OverTime) and rates is not None:
        rates = replace(rates, evaluated=evaluated)
    report = Report(
        schedules, target, facts,
        sram_budget=target.sram_bytes if options.sram_budget is None else options.sram_budget,
        flash_budget=target.flash_bytes if options.flash_budget is None else options.flash_budget,
        calibration=prepared.calibration,
        mixed=_with_work(prepared, program, options),
        rates=rates,
        removed_channels=int(prepared.model.metadata_props.get("tinyc.dead_channels.channels", "0")),
        measured=measured,
        verification=verification,
        accuracy=evaluated.at_exit if isinstance(evaluated, OverTime) else evaluated,
        reproduction=reproduction(options, prepared.imported.metadata_props[_FILE]),
        files=tuple(sorted([*files, REPORT, PAGE])),
    )  # fmt: skip
    return Compiled(program, files, report, prepared.effects)


def _on_board(
    program: Program, files: Mapping[str, str], target: Target, given: Sequence[Arrays],
    wanted: Sequence[Arrays], options: CompileOptions,
) -> Measurement | Unmeasured:  # fmt: skip
    if not options.verify:
        return Unmeasured("--no-verify was given", "")
    return measure(program, files, target, given, wanted, options.goal)


def _on_host(
    prepared: Prepared, layers: Program, program: Program, files: Mapping[str, str],
    emulated: Sequence[Mapping[str, np.ndarray]], options: CompileOptions, progress: Progress,
) -> tuple[Verification | None, Accuracy | OverTime | None]:  # fmt: skip
    """The C on this machine: verified and judged, as far as that is asked for."""
    if not options.verify and options.evaluate is None:
        return None, None
    verification, accuracy = None, None
    with HostModel(program, files) as host:
        if options.verify:
            progress("verifying")
            exact = compare_with_host(program, host, prepared.vectors, emulated)
            met = with_states(program, prepared.model, prepared.vectors)
            errors = step_errors(layers, prepared.model, met)
            verification = Verification(len(prepared.vectors), prepared.left_out, exact, None, tuple(errors))
        if options.evaluate is not None:
            progress("evaluating")
            accuracy = _evaluate(prepared, program, host, options)
    return verification, accuracy


def _evaluate(
    prepared: Prepared, program: Program, host: HostModel, options: CompileOptions
) -> Accuracy | OverTime:
    """Both models on the samples of ``--evaluate``: the one that came in, and the C."""
    assert options.evaluate is not None
    imported = prepared.imported
    inputs = input_specs(given_inputs(imported))
    if prepared.rates is not None:
        return judge_rates(imported, program, host, load_samples(options.evaluate, inputs), prepared.rates)
    if prepared.whole is not None:
        samples = load_samples(options.evaluate, prepared.whole.inputs)
        sequences = sequences_of(samples, prepared.whole.axes, prepared.whole.frames)
        return judge_sequences(imported, program, host, sequences)
    if program.states:
        return judge_sequences(imported, program, host, load_sequences(options.evaluate, inputs))
    samples = load_samples(options.evaluate, inputs)
    output = program.buffers[program.outputs[0]]
    reference = Reference(imported)
    first = reference.outputs[0]
    wanted = [reference.run(sample)[first] for sample in samples]
    runs = host.run([stored_inputs(program, sample) for sample in samples])
    return judge(wanted, [to_real(run[output.name], output) for run in runs], labels_of(samples.labels))
