"""From a model file to a valid onnx-ir graph of one opset with static shapes: the parts of import."""
