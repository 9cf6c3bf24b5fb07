"""Classifiers that answer with an index need no probabilities: Softmax keeps the order of its elements."""

from __future__ import annotations

import onnx_ir as oir

from ..onnx_graph import producer, shape_of
from .engine import Rules


def _before_softmax(node: oir.Node) -> bool:
    """The largest element lies where it lay before a Softmax or LogSoftmax along the same axis."""
    softmax = producer(node.inputs[0], "Softmax", "LogSoftmax")
    if softmax is None:
        return False
    rank = len(shape_of(softmax.outputs[0]))
    if (node.attributes.get_int("axis", 0) - softmax.attributes.get_int("axis", -1)) % rank:
        return False
    node.replace_input_with(0, softmax.inputs[0])
    return True


RULES: Rules = {"ArgMax": [_before_softmax], "ArgMin": [_before_softmax]}
