"""ONNX Runtime on a graph that is held in memory: the reference that results are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as oir

from ..ir.errors import ModelError

if TYPE_CHECKING:
    import onnx


class Reference:
    """A model run by ONNX Runtime without graph optimisation, sample by sample.

    ``observe`` names tensors inside the graph whose values are given out too.
    """

    def __init__(self, model: oir.Model, observe: Iterable[str] = ()) -> None:
        import onnxruntime as ort

        proto = oir.serde.serialize_model(model)
        known = {value.name for value in proto.graph.output}
        infos = {info.name: info for info in proto.graph.value_info}
        seen = [infos[name] for name in observe if name in infos and name not in known]
        aliases = _in_whole_bytes(proto, seen)
        proto.graph.output.extend(aliases.get(info.name, info) for info in seen)
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        # between samples, waiting threads are to sleep: spinning costs more than small models take
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # what goes wrong is raised, and need not be printed as well
        try:
            self._session = ort.InferenceSession(
                proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # it has no common base
            raise _refused(error) from error
        names = {alias.name: name for name, alias in aliases.items()}
        self._names = [names.get(output.name, output.name) for output in proto.graph.output]
        self.outputs = [value.name or "" for value in model.graph.outputs]

    def run(self, sample: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every output and observed tensor by name."""
        try:
            values = self._session.run(None, dict(sample))
        except Exception as error:
            raise _refused(error) from error
        return {name: np.asarray(value) for name, value in zip(self._names, values, strict=True)}

    def run_all(self, samples: Sequence[Mapping[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
        return [self.run(sample) for sample in samples]


def _in_whole_bytes(
    proto: onnx.ModelProto, observed: Sequence[onnx.ValueInfoProto]
) -> dict[str, onnx.ValueInfoProto]:
    """Adds an int8 copy of each packed tensor, which ONNX Runtime cannot hand out to NumPy; by its name."""
    from onnx import TensorProto, helper

    copies: dict[str, onnx.ValueInfoProto] = {}
    for info in observed:
        if info.type.tensor_type.elem_type in (TensorProto.INT4, TensorProto.INT2):
            name = f"{info.name} in whole bytes"
            proto.graph.node.append(helper.make_node("Cast", [info.name], [name], to=TensorProto.INT8))
            copies[info.name] = helper.make_tensor_value_info(name, TensorProto.INT8, None)
    return copies


def _refused(error: Exception) -> ModelError:
    return ModelError(
        "ONNX Runtime cannot run the model, so there is nothing to hold results against",
        why=" ".join(str(error).split())[:300],
        remedy="run your file with onnxruntime; if that works, report this as a bug of tinyc, with the model",
    )
