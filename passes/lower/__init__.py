"""ONNX → Program: every ONNX node becomes a kernel step with integer (or float) parameters."""

from .lower import LowerOptions, lower

__all__ = ["LowerOptions", "lower"]
