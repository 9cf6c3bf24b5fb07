"""Small .tflite files, written by LiteRT's own schema."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinyc.ir.dtype import Quant

_FILE = b"TFL3"


@dataclass(frozen=True)
class Convolution:
    """One that sees the whole image at once: ``weights`` [out, height, width, channels] int8 with one scale,
    ``bias`` [out] int32; int8 in and out."""

    weights: np.ndarray
    weight_scale: float
    bias: np.ndarray
    given: Quant
    made: Quant

    def save(self, path: Path) -> Path:
        """Channels last, batch 1."""
        import flatbuffers
        from ai_edge_litert import schema_py_generated as schema

        height_width_channels = self.weights.shape[1:]
        outputs = len(self.weights)
        product = self.given.scale * self.weight_scale
        int8, int32, scale = schema.TensorType.INT8, schema.TensorType.INT32, Quant(self.weight_scale, 0)
        tensors = [
            _tensor(schema, "image", (1, *height_width_channels), int8, 0, self.given),
            _tensor(schema, "weights", self.weights.shape, int8, 1, scale),
            _tensor(schema, "bias", (outputs,), int32, 2, Quant(product, 0)),
            _tensor(schema, "scores", (1, 1, 1, outputs), int8, 0, self.made),
        ]
        graph = schema.SubGraphT()
        graph.tensors, graph.inputs, graph.outputs = tensors, [0], [3]
        graph.operators = [_convolution(schema)]
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
        code.version = 3  # the first with int8
        model = schema.ModelT()
        model.version, model.subgraphs, model.operatorCodes = 3, [graph], [code]
        model.buffers = [_buffer(schema, data) for data in (b"", self.weights.tobytes(), self.bias.tobytes())]
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=_FILE)
        path.write_bytes(bytes(builder.Output()))
        return path


def _convolution(schema: Any) -> Any:
    operator, options = schema.OperatorT(), schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.VALID, 1, 1
    operator.inputs, operator.outputs = [0, 1, 2], [3]
    operator.builtinOptionsType = schema.BuiltinOptions.Conv2DOptions
    operator.builtinOptions = options
    return operator


def _tensor(schema: Any, name: str, shape: tuple[int, ...], dtype: int, buffer: int, quant: Quant) -> Any:
    tensor, quantization = schema.TensorT(), schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = [quant.scale], [quant.zero_point]
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), dtype, buffer
    tensor.quantization = quantization
    return tensor


def _buffer(schema: Any, data: bytes) -> Any:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(data, np.uint8)
    return buffer
