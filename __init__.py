"""Compiles trained ONNX models into C for microcontrollers."""

__version__ = "0.1.0"
