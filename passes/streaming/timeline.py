"""When frames come: of each tensor its place in the stream, and which frames each node reads.

A tensor of the whole sequence has frames 0, 1, 2, …; each call of the streamed model brings the next of them.
What a call has first of all need not be frame 0: a layer without padding has nothing to say before its kernel
is full, so its frames are preceded by some of warm-up, ``lead`` of them. With that, a frame's place in the
stream is fixed: frame j is at j + lead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import onnx_ir as oir

from ...ir.errors import ModelError
from ...kernels.cells import GATES
from ...kernels.registry import OPERATORS
from ..onnx_graph import input_at, integers, shape_of
from .axes import RULES, WHOLE, refused
from .recurrent import recurrent_axis


@dataclass(frozen=True)
class Timeline:
    """Time of a tensor: its ``axis``, the input's frames for one of its own (``stride``), the frames of
    warm-up before its first (``lead``), how many ``frames`` the whole sequence has, and how many of them are
    ``known`` without anything behind the sequence's end."""

    axis: int
    stride: int
    lead: int
    frames: int
    known: int


@dataclass(frozen=True)
class Reach:
    """Frames that a node reads in a call: from ``back`` before the call's first (behind it where negative) to
    ``behind`` before the call's end. Before the sequence begins there are zeros, or the ``lowest`` number."""

    back: int = 0
    behind: int = 0
    lowest: bool = False


Timelines = Sequence[Timeline | None]


@dataclass(frozen=True)
class Taps:
    """A convolution or a pool along time."""

    size: int
    dilation: int
    stride: int
    before: int

    @property
    def extent(self) -> int:
        """Frames from the first tap to the last."""
        return (self.size - 1) * self.dilation + 1


def taps_of(node: oir.Node, axis: int) -> Taps:
    """Of a node of ``SLIDING`` along ``axis`` of its operand."""
    place = axis - 2
    given = node.attributes.get_ints("kernel_shape", ())
    kernel = shape_of(node.inputs[1])[2:] if node.op_type == "Conv" else tuple(given or ())
    ones = [1] * len(kernel)
    return Taps(
        kernel[place],
        (node.attributes.get_ints("dilations") or ones)[place],
        (node.attributes.get_ints("strides") or ones)[place],
        (node.attributes.get_ints("pads") or [0, 0] * len(kernel))[place],
    )


def _slid(node: oir.Node, operands: Timelines) -> Timeline | None:
    source = _only(node, operands)
    if source.axis < 2:
        raise refused(node, "time is not among its spatial axes", "name that axis: --stream AXIS")
    taps, frames = taps_of(node, source.axis), shape_of(node.outputs[0])[source.axis]
    if frames == 1 and (source.known - taps.extent) >= 0 and taps.before == 0:
        return None
    if taps.before and source.lead:
        raise refused(
            node,
            f"it pads a sequence that begins behind {source.lead} frames of warm-up",
            "pad all layers on the left, or none of them",
        )
    late = taps.extent - 1 - taps.before + source.lead
    if late < 0:
        raise refused(
            node,
            f"it pads {taps.before} frames, and its kernel reaches back {taps.extent - 1}",
            "pad (kernel - 1) × dilation frames on the left at most",
        )
    if node.op_type == "AveragePool" and taps.before and not node.attributes.get_int("count_include_pad", 0):
        remedy = "set count_include_pad to 1, or leave its pads out"
        raise refused(node, "its first averages are of fewer frames", remedy)
    known = max(0, min(frames, (source.known + taps.before - taps.extent) // taps.stride + 1))
    return Timeline(source.axis, source.stride * taps.stride, late // taps.stride, frames, known)


def _cropped(node: oir.Node, operands: Timelines) -> Timeline | None:
    source = _only(node, operands)
    found = _crop(node, source.axis)
    if found is None or found == (source.frames - 1, source.frames):
        return _by_axis(node, operands)
    first, end = found
    if end - first == 1:
        raise refused(node, f"it takes frame {first} alone of {source.frames}", WHOLE)
    return replace(source, lead=source.lead + first, frames=end - first, known=min(source.known, end) - first)


def crops(node: oir.Node, operands: Timelines, result: Timeline | None) -> bool:
    """Whether ``node`` only shifts or shortens the sequence, which in a stream is nothing to be done."""
    source = operands[0]
    if node.op_type != "Slice" or source is None or result is None:
        return False
    return source.frames != result.frames


def _crop(node: oir.Node, axis: int) -> tuple[int, int] | None:
    """Frames that a Slice takes; None where it leaves time alone."""
    starts, ends, axes = (integers(input_at(node, index)) or [] for index in (1, 2, 3))
    steps = integers(input_at(node, 4)) or [1] * len(axes)
    along = dict(zip(axes, zip(starts, ends, steps, strict=True), strict=True))
    if axis not in along:
        return None
    start, end, step = along[axis]
    if step != 1 or len(axes) > 1:
        raise refused(node, "it takes more than one run of frames", WHOLE)
    return start, min(end, shape_of(node.inputs[0])[axis])


def _windowed(node: oir.Node, operands: Timelines) -> Timeline | None:
    """What may take the whole window of frames: then it has no time axis itself."""
    try:
        return _by_axis(node, operands)
    except ModelError:
        _only(node, operands)
        return None


def _recurrent(node: oir.Node, operands: Timelines) -> Timeline | None:
    axes = [None if operand is None else operand.axis for operand in operands]
    axis, source = recurrent_axis(node, axes), operands[0]
    assert axis is not None and source is not None
    if source.lead:
        raise refused(
            node,
            f"its sequence begins behind {source.lead} frames of warm-up, which its states would keep",
            "pad the layers before it on the left, so that there is no warm-up",
        )
    return replace(source, axis=axis)


def _by_axis(node: oir.Node, operands: Timelines) -> Timeline | None:
    """A node that computes each frame by itself: its operands wait for the latest of them."""
    axis = RULES[node.op_type](node, [None if operand is None else operand.axis for operand in operands])
    timed = [operand for operand in operands if operand is not None]
    if len({operand.stride for operand in timed}) > 1:
        raise refused(node, "its operands have frames at different rates", WHOLE)
    if axis is None:
        return None
    lead, known = max(operand.lead for operand in timed), min(operand.known for operand in timed)
    return Timeline(axis, timed[0].stride, lead, timed[0].frames, known)


def _only(node: oir.Node, operands: Timelines) -> Timeline:
    first, *others = operands
    if first is None or any(other is not None for other in others):
        raise refused(node, "time is in more operands than the first", WHOLE)
    return first


SLIDING = ("AveragePool", "Conv", "MaxPool")
_WINDOWED = ("Reshape", *(name for name in OPERATORS if name.startswith("Reduce")))

TIMELINES: Mapping[str, Callable[[oir.Node, Timelines], Timeline | None]] = {
    **dict.fromkeys(RULES, _by_axis),
    **dict.fromkeys(GATES, _recurrent),
    **dict.fromkeys(SLIDING, _slid),
    **dict.fromkeys(_WINDOWED, _windowed),
    "Slice": _cropped,
}
"""Of each operator that can be streamed: the timeline of its result; None where it has none, being of the
current call alone. Refuses, with ``refused``, what needs frames that have not come."""


def reaches(node: oir.Node, operands: Timelines, result: Timeline | None, calls: int) -> list[Reach | None]:
    """The frames of each operand that ``node`` reads in a call that brings ``calls`` frames of the inputs."""
    return [None if each is None else _reach(node, each, result, calls) for each in operands]


def _reach(node: oir.Node, source: Timeline, result: Timeline | None, calls: int) -> Reach:
    count = calls // source.stride
    if node.op_type in GATES and count != 1:
        raise refused(
            node, f"a call brings {count} of its steps", "put layers with strides in front of it, not behind"
        )
    if result is None:
        behind = -(source.lead + source.frames) % count
        return Reach(read_at_once(node, source) + behind - count, behind)
    if node.op_type in SLIDING:
        taps = taps_of(node, source.axis)
        back = taps.stride * result.lead + taps.before - source.lead
        return Reach(back, 0, node.op_type == "MaxPool" and taps.before > 0)
    if crops(node, [source], result):
        return Reach()
    return Reach(result.lead - source.lead, result.lead - source.lead)


def read_at_once(node: oir.Node, source: Timeline) -> int:
    """Frames that a node reads whose result has no time: the last one, or all of them."""
    return 1 if node.op_type in ("Gather", "Slice") else source.frames
