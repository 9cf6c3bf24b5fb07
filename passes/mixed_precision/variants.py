"""Runs variants of one model, which differ in a few constants: what they have in common runs once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

import numpy as np
import onnx_ir as oir

from ..quantize.graphs import excerpt, exposing, name_of
from ..quantize.operators import array_of, is_constant
from ..quantize.running import Feeds, Runner, each


class Variants:
    """Of the QDQ model ``whole``, on ``samples``, of which all quantized feature maps are held, as floats and
    as integers. Every node runs as it stands: a variant gives the bits that it gives when it runs alone."""

    def __init__(self, whole: oir.Model, samples: Sequence[Feeds]) -> None:
        self._whole, self._samples = whole, samples

    def run(self, model: oir.Model, tensor: str) -> list[np.ndarray]:
        """The activation ``tensor`` of ``model``, one per sample. ``model`` has nodes and tensors of the same
        names as ``whole``, but for constants'."""
        changed = set(_changed(self._whole.graph, model.graph))
        nodes = _enough(model.graph, changed, tensor, self._held.keys())
        read = {name_of(value) for node in nodes for value in node.inputs if value is not None}
        made = {name_of(value) for node in nodes for value in node.outputs}
        fed = [name for name in self._held if name in read - made]
        runner = Runner(excerpt(model, nodes, fed, [tensor]), optimized=False)
        feeds = [{name: self._held[name][index] for name in fed} for index in range(len(self._samples))]
        return [result[tensor] for result in each(runner.run, feeds)]

    @cached_property
    def _held(self) -> dict[str, list[np.ndarray]]:
        """What nodes may begin with, by name: inputs, and what goes into and comes out of QuantizeLinear."""
        graph = self._whole.graph
        given = [name_of(value) for value in graph.inputs if not value.is_initializer()]
        quantizers = [node for node in graph if node.op_type == "QuantizeLinear"]
        around = (name_of(value) for node in quantizers for value in (node.inputs[0], node.outputs[0]))
        tensors = [name for name in dict.fromkeys(around) if name not in given]
        runner = Runner(exposing(self._whole, tensors), optimized=False)
        found = list(each(runner.run, self._samples))
        held = {name: [feeds[name] for feeds in self._samples] for name in given}
        return held | {name: [result[name] for result in found] for name in tensors}


def _changed(before: oir.Graph, after: oir.Graph) -> Iterator[oir.Node]:
    """The nodes of ``after`` that compute something else than those of ``before``, in order."""
    known = {node.name: node for node in before}
    tainted: set[str] = set()
    for node in after:
        old = known.get(node.name)
        values = [value for value in node.inputs if value is not None]
        if not tainted.isdisjoint(map(name_of, values)) or old is None or not _alike(old, node):
            tainted.update(map(name_of, node.outputs))
            yield node


def _alike(old: oir.Node, new: oir.Node) -> bool:
    """True where two nodes of one name do the same with the same activations."""
    if len(old.inputs) != len(new.inputs):
        return False
    return all(_same(*pair) for pair in zip(old.inputs, new.inputs, strict=True))


def _same(old: oir.Value | None, new: oir.Value | None) -> bool:
    if old is None or new is None:
        return old is new
    if not (is_constant(old) and is_constant(new)):
        return old.name == new.name
    before, after = array_of(old), array_of(new)
    return before is after or (before.dtype == after.dtype and np.array_equal(before, after))


def _enough(graph: oir.Graph, changed: set[oir.Node], tensor: str, held: Collection[str]) -> list[oir.Node]:
    """In order: the nodes that make ``tensor`` where ``changed`` ones, and what reads them, run anew, and all
    else begins with what is ``held``."""
    wanted = oir.convenience.create_value_mapping(graph)[tensor].producer()
    found = set(changed) if wanted is None else {*changed, wanted}
    left = list(found)
    while left:
        for value in left.pop().inputs:
            maker = None if value is None or value.name in held else value.producer()
            if maker is not None and maker not in found:
                found.add(maker)
                left.append(maker)
    return [node for node in graph if node in found]
