"""One truth, three times: a small model run by ONNX Runtime, by the NumPy emulator and as C on the host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zlib import crc32

import numpy as np
import onnx
import onnx_ir as oir
from onnx import TensorProto, helper, numpy_helper

from tinyc.codegen.emit import Facts, emit
from tinyc.emulator.host import HostModel
from tinyc.emulator.machine import Machine
from tinyc.ir.program import Program
from tinyc.passes.attention import attention_functions
from tinyc.passes.lower import LowerOptions, lower
from tinyc.passes.onnx_graph import FUSED_DOMAIN, PATCH_DOMAIN
from tinyc.passes.patch_functions import with_patch_functions
from tinyc.passes.place import place
from tinyc.passes.validate import validate
from tinyc.targets import load_target

from .schedules import can_be_windowed, column_tiles, patches, rows_alone, stream_frames, stream_rows

OPSET = 25
Quant = tuple[float, int]


def float_model(
    nodes: Sequence[onnx.NodeProto], inputs: Mapping[str, Sequence[int]], outputs: Sequence[str],
    constants: Mapping[str, np.ndarray | np.generic] | None = None, dtypes: Mapping[str, int] | None = None,
) -> onnx.ModelProto:  # fmt: skip
    """A model of ``nodes``; tensors are float32 unless ``dtypes`` (onnx.TensorProto numbers) says else."""
    kinds = dict(dtypes or {})
    graph = helper.make_graph(
        list(nodes), "test",
        [helper.make_tensor_value_info(n, kinds.get(n, TensorProto.FLOAT), s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, kinds.get(n, TensorProto.FLOAT), None) for n in outputs],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in (constants or {}).items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=13)
    if any(node.domain == PATCH_DOMAIN for node in nodes):
        model = with_patch_functions(model)
    if any(node.domain == FUSED_DOMAIN for node in nodes):
        model.functions.extend(attention_functions())
        model.opset_import.append(helper.make_opsetid(FUSED_DOMAIN, 1))
    return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)


def qdq_model(
    nodes: Sequence[onnx.NodeProto], inputs: Mapping[str, Sequence[int]], outputs: Sequence[str],
    quants: Mapping[str, Quant], constants: Mapping[str, np.ndarray | np.generic] | None = None,
    dequantized: Mapping[str, tuple[np.ndarray, np.ndarray | np.generic, int]] | None = None,
    stage: bool = False, types: Mapping[str, np.dtype] | None = None,
) -> onnx.ModelProto:  # fmt: skip
    """``nodes`` computed on int8, or on the other integers that ``types`` has for a tensor: inputs NAME come
    as int8 (or int16) NAME_q through DequantizeLinear, outputs leave as NAME_q through QuantizeLinear, each
    with its (scale, zero point) of ``quants``. ``dequantized`` constants are (integers, scales, axis) behind
    DequantizeLinear; ``constants`` stay as they are. ``stage`` puts a requantization before and behind, so
    that streamed schedules have a producer and a consumer; tensors of 4 and 2 bits need it."""
    values = dict(constants or {})
    before, after = [], []
    given = {name: dtype for name, dtype in (types or {}).items() if dtype == np.int16}

    def parameters(name: str, quant: Quant) -> list[str]:
        stored = (given if name.endswith("_stage") else types or {}).get(name.removesuffix("_stage"), np.int8)
        values[f"{name}_scale"] = np.float32(quant[0])
        values[f"{name}_zero"] = np.array(quant[1]).astype(stored)
        return [f"{name}_scale", f"{name}_zero"]

    for name in inputs:
        p = parameters(name, quants[name])
        source = f"{name}_q"
        if stage:
            q = parameters(f"{name}_stage", (quants[name][0] * 0.9137, quants[name][1]))
            before.append(
                helper.make_node("DequantizeLinear", [source, *q], [f"{name}_stage_f"], f"dq_{name}_stage")
            )
            before.append(
                helper.make_node(
                    "QuantizeLinear", [f"{name}_stage_f", *p], [f"{name}_staged"], f"q_{name}_stage"
                )
            )
            source = f"{name}_staged"
        before.append(helper.make_node("DequantizeLinear", [source, *p], [name], f"dq_{name}"))
    for name, (integers, scales, axis) in (dequantized or {}).items():
        values[f"{name}_i"], values[f"{name}_s"] = integers, np.asarray(scales, np.float32)
        before.append(
            helper.make_node("DequantizeLinear", [f"{name}_i", f"{name}_s"], [name], f"dq_{name}", axis=axis)
        )
    for name in outputs:
        p = parameters(name, quants[name])
        target = f"{name}_raw" if stage else f"{name}_q"
        after.append(helper.make_node("QuantizeLinear", [name, *p], [target], f"q_{name}"))
        if stage:
            q = parameters(f"{name}_stage", (quants[name][0] * 1.0937, quants[name][1]))
            after.append(
                helper.make_node("DequantizeLinear", [target, *p], [f"{name}_stage_f"], f"dq_{name}_stage")
            )
            after.append(
                helper.make_node("QuantizeLinear", [f"{name}_stage_f", *q], [f"{name}_q"], f"q_{name}_stage")
            )
    kinds = {f"{n}_q": TensorProto.INT16 if n in given else TensorProto.INT8 for n in (*inputs, *outputs)}
    return float_model(
        [*before, *nodes, *after],
        {f"{n}_q": s for n, s in inputs.items()},
        [f"{n}_q" for n in outputs],
        values,
        kinds,
    )


def lowered(model: onnx.ModelProto, options: LowerOptions | None = None) -> Program:
    return lower(oir.serde.deserialize_model(model), "test", options or LowerOptions())


def samples_of(model: onnx.ModelProto, count: int = 3, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Random inputs in the model's own shapes; bytes and quantized integers cover their type's range, floats
    are normal."""
    rng = np.random.default_rng(seed)

    def one(value: onnx.ValueInfoProto) -> np.ndarray:
        kind = value.type.tensor_type
        shape, dtype = [d.dim_value for d in kind.shape.dim], helper.tensor_dtype_to_np_dtype(kind.elem_type)
        if dtype == np.bool_:
            return rng.integers(0, 2, shape).astype(bool)
        if dtype.kind in "iu":
            whole = dtype.itemsize == 1 or value.name.endswith("_q")  # stands for real numbers
            low, high = (np.iinfo(dtype).min, np.iinfo(dtype).max) if whole else (-50, 50)
            return rng.integers(low, high + 1, shape).astype(dtype)
        return rng.normal(size=shape).astype(dtype)

    return [{v.name: one(v) for v in model.graph.input} for _ in range(count)]


def reference(model: onnx.ModelProto, samples: Sequence[Mapping[str, np.ndarray]]) -> list[list[np.ndarray]]:
    """Outputs by ONNX Runtime without graph optimisation."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [session.run(None, dict(sample)) for sample in samples]


def check(
    model: onnx.ModelProto,
    *,
    lsb: int = 1,
    tolerance: float = 1e-5,
    samples: list[dict[str, np.ndarray]] | None = None,
) -> Program:
    """Runs ``model`` three ways, layer by layer and under the other schedules that it allows, and compares.

    Emulator and C must agree bit for bit on integers; both are within ``lsb`` of ONNX Runtime. Floats agree
    within ``tolerance`` of the tensor's range. C is most of the time that this takes: of the other schedules
    two are built, others for other models. Returns the layer-by-layer program.
    """
    samples = samples or samples_of(model)
    expected = reference(model, samples)
    program = lowered(model)
    agree(program, samples, expected, lsb, tolerance)
    if can_be_windowed(program):
        variants = [stream_rows(program), patches(program, 2, 3), column_tiles(program, 3, upward=True)]
        variants += [rows_alone(program, upward=True), stream_frames(program)]
        turn = crc32(model.SerializeToString(deterministic=True))
        built = {turn % len(variants), (turn + 2) % len(variants)}
        for index, variant in enumerate(variants):
            compare = agree if index in built else emulator_agrees
            compare(variant, samples, expected, lsb, tolerance)
    return place(program)


def emulator_agrees(
    program: Program, samples: Sequence[Mapping[str, np.ndarray]], expected: Sequence[Sequence[np.ndarray]],
    lsb: int = 1, tolerance: float = 1e-5,
) -> tuple[Program, list[dict[str, np.ndarray]]]:  # fmt: skip
    """Asserts that the emulator's results of ``program`` agree with ``expected``; these, and the program with
    its plan."""
    placed = place(program)
    validate(placed)
    machine = Machine(placed)
    emulated = [machine.run(fed) for fed in _fed(program, samples)]
    for mine, theirs in zip(emulated, expected, strict=True):
        for name, want in zip(program.outputs, theirs, strict=True):
            _assert_close(mine[name], program.buffers[name].to_memory(want), lsb, tolerance)
    return placed, emulated


def agree(
    program: Program, samples: Sequence[Mapping[str, np.ndarray]], expected: Sequence[Sequence[np.ndarray]],
    lsb: int = 1, tolerance: float = 1e-5,
) -> None:  # fmt: skip
    """Asserts that emulator and host C of ``program`` agree with each other and with ``expected``."""
    placed, emulated = emulator_agrees(program, samples, expected, lsb, tolerance)
    files = emit(placed, load_target("host"), Facts("0", "test.onnx", "0", OPSET, 0, 0, ""))
    with HostModel(placed, files) as host:
        compiled = host.run(_fed(program, samples))
    for mine, c in zip(emulated, compiled, strict=True):
        for name in program.outputs:
            _assert_close(c[name], mine[name], 0, tolerance)


def _fed(program: Program, samples: Sequence[Mapping[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
    return [
        {
            name: program.buffers[name].to_memory(array)
            for name, array in zip(program.inputs, sample.values(), strict=True)
        }
        for sample in samples
    ]


def _assert_close(found: np.ndarray, want: np.ndarray, lsb: int, tolerance: float) -> None:
    if found.dtype == np.float32:
        span = max(float(np.abs(want[np.isfinite(want)]).max(initial=0.0)), 1e-6)
        np.testing.assert_allclose(found, want, rtol=tolerance, atol=tolerance * span)
    else:
        difference = np.abs(found.astype(np.int64) - want.astype(np.int64))
        assert difference.max(initial=0) <= lsb, (
            f"{int((difference > lsb).sum())} elements off by up to {difference.max()}"
        )
