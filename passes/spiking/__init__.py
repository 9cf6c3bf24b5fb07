"""Spiking networks: neurons as ONNX functions, and what quantization makes of a network of them."""
