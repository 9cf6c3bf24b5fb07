"""Whose fault an unforeseen exception is: the model's, or tinyc's."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import onnx
import onnx_ir as oir

from ..ir.errors import ModelError, TinycError
from ..passes.samples import input_specs, random_samples
from .options import Source
from .sessions import Reference


@contextmanager
def located(source: Source) -> Generator[None]:
    """Errors that concern a model as a whole name its file."""
    try:
        yield
    except ModelError as error:
        name = f"model {source.graph.name!r}" if isinstance(source, onnx.ModelProto) else str(source)
        error.where = error.where or name
        raise


@contextmanager
def blaming_invalid_models(imported: oir.Model) -> Generator[None]:
    """A model that contradicts ONNX can break any stage. Where one breaks, ONNX Runtime is asked to run the
    model: ModelError with its words if it refuses, else the exception as it is, which is a bug of tinyc."""
    try:
        yield
    except TinycError:
        raise
    except Exception:
        for sample in random_samples(input_specs(imported.graph.inputs), 1, seed=0):
            Reference(imported).run(sample)
        raise
