"""Samples in .npz files: one array per model input, samples on the first axis, labels under ``y``.

For a model with states a sample is a sequence: its time steps are the second axis.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx_ir as oir

from ..ir.dtype import Quant
from ..ir.errors import UsageError
from .onnx_graph import constant, quoted, shape_of

LABELS = "y"
ONLY_INPUT = "x"
"""The name that will do for the array of a model's only input."""


_SMALL = (0, 2)
"""Random integers of wide types: they are indices more often than not."""


@dataclass(frozen=True)
class InputSpec:
    """What one input of a model takes; ``quant`` is set where its integers stand for real values."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    quant: Quant | None = None

    def described(self, outer: str = "n") -> str:
        """``[n, 49, 10, 1] float32``; ``outer`` names the axes in front of a sample's own."""
        return f"[{', '.join([outer, *map(str, _sample_shape(self.shape))])}] {self.dtype.name}"


@dataclass(frozen=True, eq=False)
class Samples:
    """Arrays of shape [n, *input shape] by input name, in the inputs' element types."""

    arrays: Mapping[str, np.ndarray]
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        """One dict per sample, in the inputs' shapes."""
        for index in range(len(self)):
            yield {name: array[index, ...] for name, array in self.arrays.items()}


@dataclass(frozen=True, eq=False)
class Sequences:
    """Arrays of shape [n, steps, *input shape] by input name, in the inputs' element types. ``labels`` are
    [n], of the last step, or [n, steps]."""

    arrays: Mapping[str, np.ndarray]
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    @property
    def steps(self) -> int:
        """Time steps of each sequence."""
        return next(iter(self.arrays.values())).shape[1]

    def __iter__(self) -> Iterator[list[dict[str, np.ndarray]]]:
        """One list per sequence, with a dict per step, in the inputs' shapes."""
        for index in range(len(self)):
            yield [
                {name: array[index, step, ...] for name, array in self.arrays.items()}
                for step in range(self.steps)
            ]


def sequences_of(samples: Samples, axes: Mapping[str, int], frames: int = 1) -> Sequences:
    """Samples of whole sequences as steps of ``frames`` each: ``axes`` are those of time in each input. The
    last frame is repeated where the last step would be short."""
    arrays = {name: _in_steps(array, 1 + axes[name], frames) for name, array in samples.arrays.items()}
    return Sequences(arrays, samples.labels)


def _in_steps(array: np.ndarray, axis: int, frames: int) -> np.ndarray:
    """[n, …, time, …] to [n, steps, …, frames, …]."""
    moved = np.moveaxis(array, axis, 1)
    missing = -moved.shape[1] % frames
    whole = np.concatenate([moved, *[moved[:, -1:]] * missing], axis=1)
    steps = whole.reshape(len(array), -1, frames, *whole.shape[2:])
    return np.moveaxis(steps, 2, axis + 1)


def first_sequence(samples: Samples, axes: Mapping[str, int], frames: int = 1) -> Samples:
    """The time steps of the first sample, as ``sequences_of`` has them."""
    found = sequences_of(samples, axes, frames)
    return Samples({name: array[0] for name, array in found.arrays.items()})


def input_specs(inputs: Sequence[oir.Value]) -> list[InputSpec]:
    """What a model's graph inputs take."""
    return [InputSpec(v.name or "", shape_of(v), _dtype(v), _quant(v)) for v in inputs]


def _dtype(value: oir.Value) -> np.dtype:
    assert value.dtype is not None
    return np.dtype(value.dtype.numpy())


def _quant(value: oir.Value) -> Quant | None:
    """The quantization by which the model itself reads an integer input."""
    for use in value.uses():
        if use.node.op_type == "DequantizeLinear" and use.idx == 0:
            scale, zero = constant(use.node.inputs[1]), None
            if len(use.node.inputs) > 2:
                zero = constant(use.node.inputs[2])
            if scale is not None and scale.size == 1:
                return Quant(float(scale.reshape(())), 0 if zero is None else int(zero.reshape(())))
        if use.node.op_type in ("Reshape", "Transpose") and use.idx == 0:
            return _quant(use.node.outputs[0])
    return None


def load_samples(path: str | Path, specs: Sequence[InputSpec]) -> Samples:
    """Reads a sample file for a model with inputs ``specs``.

    Integer inputs take their integers as they are, or real values, which are quantized. Raises UsageError
    for a file that is not .npz, a missing or unknown array, and a wrong shape, type or count.
    """
    stored = _read(Path(path))
    labels = _labels(stored, specs)
    arrays = {spec.name: _converted(_pick(stored, spec, specs, path), spec, path) for spec in specs}
    _check_counts({name: len(array) for name, array in arrays.items()}, labels, path)
    return Samples(arrays, labels)


def load_sequences(path: str | Path, specs: Sequence[InputSpec]) -> Sequences:
    """Reads a sample file for a model with states, whose other inputs are ``specs``: arrays of shape
    [n, steps, *input shape].

    Raises what ``load_samples`` does, and UsageError for arrays without time steps, or of unlike numbers of
    them.
    """
    stored = _read(Path(path))
    labels = _labels(stored, specs)
    arrays: dict[str, np.ndarray] = {}
    for spec in specs:
        array = _pick(stored, spec, specs, path)
        if array.ndim < 2 or array.shape[2:] not in (spec.shape, _sample_shape(spec.shape)):
            raise _refused(
                path,
                f"array for input {quoted(spec.name)}: its shape is [{', '.join(map(str, array.shape))}]",
                f"give {spec.described('n, steps')}: the model has states, so a sample is a sequence",
            )
        each = _converted(array.reshape(-1, *spec.shape), spec, path)
        arrays[spec.name] = each.reshape(*array.shape[:2], *spec.shape)
    _check_counts({name: len(array) for name, array in arrays.items()}, labels, path)
    steps = {name: array.shape[1] for name, array in arrays.items()}
    if len(set(steps.values())) != 1 or 0 in steps.values():
        listed = ", ".join(f"{quoted(name)} {count}" for name, count in steps.items())
        why = f"it has these numbers of time steps: {listed}"
        raise _refused(path, why, "give every array the same number, at least 1")
    found = Sequences(arrays, labels)
    if labels is not None and labels.shape not in ((len(found),), (len(found), found.steps)):
        why = f"labels {LABELS!r}: their shape is [{', '.join(map(str, labels.shape))}]"
        raise _refused(path, why, "give [n] numbers, of the last step each, or [n, steps]")
    return found


def _labels(stored: dict[str, np.ndarray], specs: Sequence[InputSpec]) -> np.ndarray | None:
    return stored.pop(LABELS, None) if not any(spec.name == LABELS for spec in specs) else None


def _check_counts(counts: dict[str, int], labels: np.ndarray | None, path: str | Path) -> None:
    if labels is not None:
        counts = {**counts, LABELS: len(labels)}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        listed = ", ".join(f"{quoted(name)} {count}" for name, count in counts.items())
        raise _refused(
            path, f"it has these numbers of samples: {listed}", "give every array the same number, at least 1"
        )


def random_sequences(specs: Sequence[InputSpec], count: int, steps: int, seed: int) -> Sequences:
    """The numbers of ``random_samples`` as ``count`` sequences."""
    flat = random_samples(specs, count * steps, seed)
    return Sequences({n: a.reshape(count, steps, *a.shape[1:]) for n, a in flat.arrays.items()})


def random_samples(specs: Sequence[InputSpec], count: int, seed: int) -> Samples:
    """Numbers of the inputs' types: normally distributed floats, integers over the range of a byte."""
    generator = np.random.default_rng(seed)
    arrays: dict[str, np.ndarray] = {}
    for spec in specs:
        shape = (count, *spec.shape)
        if spec.dtype.kind == "f":
            arrays[spec.name] = generator.normal(size=shape).astype(spec.dtype)
        elif spec.dtype.kind == "b":
            arrays[spec.name] = generator.integers(0, 2, shape).astype(bool)
        else:
            info = np.iinfo(spec.dtype)
            low, high = (info.min, info.max) if spec.dtype.itemsize == 1 else _SMALL
            arrays[spec.name] = generator.integers(low, high + 1, shape).astype(spec.dtype)
    return Samples(arrays)


_SPOILED = (ValueError, KeyError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)
"""What a damaged archive, an encrypted one, a pickle and an array of absurd size raise."""


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        # a pickle is not read, and what is no archive is taken for one
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except OSError as error:
        raise _refused(path, error.strerror or str(error), "name an .npz file that exists") from error
    except _SPOILED as error:
        why = f"it is not an .npz file of plain arrays ({error})"
        raise _refused(path, why, "save it with numpy.savez(FILE, x=array); pickles are not read") from error


def _refused(path: str | Path, why: str, remedy: str) -> UsageError:
    return UsageError("The samples cannot be used", where=str(path), why=why, remedy=remedy)


def _pick(
    stored: Mapping[str, np.ndarray], spec: InputSpec, specs: Sequence[InputSpec], path: str | Path
) -> np.ndarray:
    if spec.name in stored:
        return stored[spec.name]
    if len(specs) == 1 and ONLY_INPUT in stored:
        return stored[ONLY_INPUT]
    found = ", ".join(quoted(name) for name in stored) or "none"
    alias = f" (or {ONLY_INPUT!r})" if len(specs) == 1 else ""
    raise _refused(
        path,
        f"it has no array for the input {quoted(spec.name)}; its arrays are: {found}",
        f"add an array named {quoted(spec.name)}{alias} of {spec.described()}",
    )


def _sample_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of one sample as a file holds it: a batch axis of 1 is left out."""
    return shape[1:] if shape and shape[0] == 1 else shape


def _converted(array: np.ndarray, spec: InputSpec, path: str | Path) -> np.ndarray:
    def wrong(why: str) -> UsageError:
        return _refused(path, f"array for input {quoted(spec.name)}: {why}", f"give {spec.described()}")

    if array.dtype.kind not in "fiub":
        raise wrong(f"its type is {array.dtype}")
    if array.ndim == 0 or array.shape[1:] not in (spec.shape, _sample_shape(spec.shape)):
        raise wrong(f"its shape is [{', '.join(map(str, array.shape))}]")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise wrong("it holds NaN or infinity")
    shaped = array.reshape(len(array), *spec.shape)
    if spec.dtype.kind in "iu" and shaped.dtype.kind == "f":
        if spec.quant is None:
            raise wrong(f"its type is {array.dtype}, and the model does not say how to quantize it")
        shaped = np.rint(shaped.astype(np.float64) / spec.quant.scale) + spec.quant.zero_point
        info = np.iinfo(spec.dtype)
        return np.clip(shaped, info.min, info.max).astype(spec.dtype)
    if spec.dtype.kind in "iu" and array.size:
        info = np.iinfo(spec.dtype)
        if shaped.min() < info.min or shaped.max() > info.max:
            raise wrong(f"its values go from {shaped.min()} to {shaped.max()}")
    return shaped.astype(spec.dtype)
