"""Post-training quantization: a float ONNX model and calibration data in, a QDQ ONNX model out."""

from .options import Progress, QuantizeOptions
from .pipeline import quantize

__all__ = ["Progress", "QuantizeOptions", "quantize"]
