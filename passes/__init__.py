"""One file per pass, ONNX to ONNX and Program to Program."""
