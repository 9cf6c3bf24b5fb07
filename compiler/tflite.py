"""A .tflite model, run by TensorFlow Lite's own interpreter on this computer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np

from ..ir.dtype import Quant
from ..ir.errors import ModelError, UsageError
from ..passes.onnx_graph import quoted
from ..passes.samples import InputSpec

_RUNTIMES = {
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
}
"""Packages by preference: the second is no longer maintained, and needs NumPy 1."""


@dataclass(frozen=True)
class Port:
    """An input or output: shape with the batch axis of 1; ``quant`` is None for floats and plain integers."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    quant: Quant | None

    def described(self) -> str:
        """``'input_1' [1, 49, 10, 1] int8``"""
        return f"{quoted(self.name)} {list(self.shape)} {self.dtype.name}"

    def stored(self, real: np.ndarray) -> np.ndarray:
        """Real values of this shape, in the elements that the model takes."""
        if self.dtype.kind == "f" or self.quant is None:
            return real.astype(self.dtype)
        steps = np.rint(real / self.quant.scale) + self.quant.zero_point
        info = np.iinfo(self.dtype)
        return np.clip(steps, info.min, info.max).astype(self.dtype)

    def real(self, stored: np.ndarray) -> np.ndarray:
        """What the elements stand for, float64."""
        values = stored.astype(np.float64)
        return values if self.quant is None else (values - self.quant.zero_point) * self.quant.scale


class TFLiteModel:
    """A file and its interpreter, which runs TFLite's optimized kernels in one thread."""

    def __init__(self, path: Path) -> None:
        """UsageError where there is no interpreter or no such file, ModelError where it cannot be run."""
        runtime, module = _runtime()
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UsageError(
                "The TFLite model cannot be read",
                where=str(path),
                why=error.strerror or str(error),
                remedy="name a .tflite file with --tflite FILE",
            ) from error
        plain = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        try:
            self._interpreter = module.Interpreter(
                model_content=content, num_threads=1, experimental_op_resolver_type=plain
            )
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                "The TFLite model cannot be run",
                where=str(path),
                why=f"{runtime} says: {' '.join(str(error).split())}",
                remedy="name a .tflite file that has TensorFlow Lite's built-in operators only",
            ) from error
        self.path, self.runtime, self.nbytes = path, f"{runtime} {metadata.version(runtime)}", len(content)
        self.inputs = [_port(detail) for detail in self._interpreter.get_input_details()]
        self.outputs = [_port(detail) for detail in self._interpreter.get_output_details()]

    def run(self, real: Sequence[np.ndarray]) -> np.ndarray:
        """The first output's real values for one sample: real values of each input, in its shape."""
        for port, values in zip(self.inputs, real, strict=True):
            self._interpreter.set_tensor(port.index, port.stored(values))
        self._interpreter.invoke()
        return self.outputs[0].real(self._interpreter.get_tensor(self.outputs[0].index))

    def matched(self, specs: Sequence[InputSpec]) -> list[tuple[InputSpec, Port]]:
        """Each of its inputs with the one of ``specs`` that it takes: by name, or the only one.

        UsageError where neither can be told.
        """
        named = {spec.name: spec for spec in specs}
        if len(specs) == len(self.inputs) == 1:
            return [(specs[0], self.inputs[0])]
        if len(specs) == len(self.inputs) and all(port.name in named for port in self.inputs):
            return [(named[port.name], port) for port in self.inputs]
        theirs = ", ".join(port.described() for port in self.inputs)
        raise UsageError(
            "The two models do not have the same inputs",
            where=str(self.path),
            why=f"compiled: {', '.join(quoted(spec.name) for spec in specs)}; TFLite: {theirs}",
            remedy="convert both from one network, with inputs of the same names",
        )


def arranged(samples: np.ndarray, port: Port) -> np.ndarray | None:
    """Samples [n, *shape] in the axes of ``port``: as they are, or with channels last. None where they do not
    fit."""
    shape, wanted = _bare(samples.shape[1:]), _bare(port.shape)
    if shape == wanted:
        return samples.reshape(len(samples), *port.shape)
    if samples.ndim == 5 and samples.shape[1] == 1:
        samples = samples[:, 0]
    if samples.ndim == 4:
        last = np.moveaxis(samples, 1, -1)
        if _bare(last.shape[1:]) == wanted:
            return last.reshape(len(samples), *port.shape)
    return None


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without axes of length one, which say nothing about the order of values."""
    return tuple(length for length in shape if length != 1)


def _runtime() -> tuple[str, Any]:
    """The package's name, and its module of interpreters."""
    found: list[str] = []
    for package, module in _RUNTIMES.items():
        try:
            return package, import_module(module)
        except (ImportError, AttributeError) as error:  # AttributeError: built for NumPy 1, under NumPy 2
            found.append(f"{package}: {' '.join(str(error).split())}")
    raise UsageError(
        "Running a .tflite model needs an interpreter for TensorFlow Lite",
        why="; ".join(found),
        remedy="pip install 'tinyc[tflite]'",
    )


def _port(detail: Mapping[str, Any]) -> Port:
    scale, zero_point = detail["quantization"]
    dtype = np.dtype(detail["dtype"])
    quant = Quant(float(scale), int(zero_point)) if scale and dtype.kind in "iu" else None
    return Port(detail["index"], detail["name"], tuple(map(int, detail["shape"])), dtype, quant)

