"""Runs ONNX graphs on calibration samples with ONNX Runtime, sample by sample."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError

Feeds = Mapping[str, np.ndarray]
T = TypeVar("T")
R = TypeVar("R")

_WORKERS = min(4, os.cpu_count() or 1)


class Runner:
    """An ONNX Runtime session. Each run uses one thread, so that results do not depend on the machine's
    number of cores; ``each`` runs several samples side by side. Without ``optimized`` every node runs as it
    stands, so that a quantized model computes what its nodes mean."""

    def __init__(self, model: oir.Model, optimized: bool = True) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if not optimized:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self._session = onnxruntime.InferenceSession(
                oir.to_proto(model).SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's exceptions have no common base of their own
            raise ModelError(
                "ONNX Runtime cannot run the model, so it cannot be calibrated",
                why=str(error).strip().splitlines()[0][:500],
                remedy="check the model with onnx.checker, or compile it with --precision float32",
            ) from error
        self.outputs = tuple(output.name for output in self._session.get_outputs())

    def run(self, feeds: Feeds) -> dict[str, np.ndarray]:
        """Outputs by name."""
        arrays = {name: np.asarray(array) for name, array in feeds.items()}  # NumPy may have made scalars
        outputs = cast(list[np.ndarray], self._session.run(None, arrays))
        return dict(zip(self.outputs, outputs, strict=True))


def one_thread() -> AbstractContextManager[Any]:
    """Lets NumPy's products of matrices use one thread each, so that results do not depend on the machine's
    number of cores. The threads of a product that small also spend most of their time waiting for each
    other."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1, user_api="blas")


def each(function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """``function`` of each item, in order, several at a time; few results are held at once."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        for start in range(0, len(items), 2 * _WORKERS):
            yield from pool.map(function, items[start : start + 2 * _WORKERS])
