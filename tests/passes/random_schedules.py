"""Random networks of layers with windows, and random schedules of them."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import onnx
from hypothesis import strategies as st

from tinyc.ir.errors import ModelError
from tinyc.ir.program import Program
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import LowerOptions, lower
from tinyc.passes.schedule import Grid, Segment
from tinyc.passes.schedule.feed import feed_by_rows
from tinyc.passes.schedule.reads import Reads
from tinyc.passes.schedule.reductions import flatten_grid, split_reductions
from tinyc.passes.schedule.segment import Scope, obstacle
from tinyc.passes.tailor import tailor
from tinyc.passes.views import eliminate_copies
from tinyc.targets import load_target

from ..compiler.growing import elements, spatial
from ..compiler.growing.sketch import Draw, Sketch
from ..compiler.random_qdq import quantized

BOARDS = ("nucleo-f446re", "corstone-300", "nucleo-g0b1re", "esp32-c3")
"""Of one instruction set each."""


@st.composite
def networks(draw: Draw, most: int = 5) -> onnx.ModelProto:
    """Quantized: one image or series in; chains, branches, residual sums and concatenated channels of
    convolutions and pools; a mean or a maximum over all at the end now and then; one or two outputs."""
    s = Sketch(draw)
    end = s.pick(None, None, spatial.global_pool, _pooled_pixels, _classifier)
    size = s.pick((7, 5), (5, 9), (11, 6), (13, 13), (3, 17), (16, 4), (1, 8), (9, 1), (19,))
    x = s.input((1, s.pick(1, 2, 3, 4), *size))
    blocks = (_layer, _layer, _layer, spatial.residual, _inverted_residual, _concat, _rejoin, _crop)
    for _ in range(s.whole(1, most)):
        x = s.pick(*blocks)(s, x)
    inner = s.pick(*s.ready)
    outputs = [end(s, x) if end else x, *([inner] if s.chance(4) else [])]
    wanted = [name for name in dict.fromkeys(outputs) if name not in s.inputs]
    return quantized(draw, s.model(wanted or [elements.relu(s, x)]))


def _pooled_pixels(s: Sketch, x: str) -> str:
    return spatial.global_pool(s, _conv(s, x, s.whole(1, 9), 1))


def _classifier(s: Sketch, x: str) -> str:
    return _conv(s, _pooled_pixels(s, x), 3, 1)


def _layer(s: Sketch, x: str) -> str:
    y = s.pick(spatial.conv_activated, spatial.conv_activated, spatial.max_pool, spatial.average_pool)(s, x)
    s.ready.append(y)
    return y


def _conv(s: Sketch, x: str, channels: int, kernel: int, group: int = 1) -> str:
    """Keeps the size of its input."""
    spatial_axes = len(s.shape(x)) - 2
    weight = s.weights(channels, s.shape(x)[1] // group, *[kernel] * spatial_axes)
    y = s.one("Conv", x, weight, pads=[kernel // 2] * 2 * spatial_axes, group=group)
    return s.one("Relu", y) if s.chance(2) else y


def _inverted_residual(s: Sketch, x: str) -> str:
    """As in MobileNetV2: wider, depthwise, narrower, and a short cut around them."""
    channels = s.shape(x)[1]
    wide = _conv(s, x, 2 * channels, 1)
    deep = _conv(s, wide, 2 * channels, s.pick(3, 5, 7), 2 * channels)
    return s.one("Add", _conv(s, deep, channels, 1), x)


def _concat(s: Sketch, x: str) -> str:
    """As in an Inception block: branches of different reach side by side."""
    branches = [_conv(s, x, s.whole(1, 3), s.pick(1, 3, 5)) for _ in range(s.whole(2, 3))]
    if s.chance(2):
        branches[0] = _conv(s, branches[0], 2, 3)
    if s.chance(3):
        branches.append(x)
    y = s.one("Concat", *branches, axis=1)
    s.ready.append(y)
    return y


def _crop(s: Sketch, x: str) -> str:
    """Some rows: a view, if copies are eliminated."""
    rows = s.shape(x)[2]
    begin = s.whole(0, rows - 1)
    bounds = begin, s.whole(begin + 1, rows), 2
    y = s.one("Slice", x, *(s.integers(value) for value in bounds))
    s.ready.append(y)
    return y


def _rejoin(s: Sketch, x: str) -> str:
    """A long short cut: a sum with any earlier tensor of the same shape."""
    others = [y for y in s.ready if s.shape(y) == s.shape(x)]
    return s.one("Add", x, s.pick(*others, x))


def layers_of(model: onnx.ModelProto) -> Program:
    """The model layer by layer."""
    return lower(canonicalize(import_model(model)), "net", LowerOptions())


@st.composite
def forms(draw: Draw, layers: Program) -> Program:
    """``layers`` with copies or views of them, the input whole or fed row by row (each row once, or again),
    with the kernels of a board's instruction set or portable ones, reductions in one or split, flattened or
    not."""
    program = eliminate_copies(layers) if draw(st.booleans()) else layers
    again = draw(st.sampled_from([None, False, True]))
    if again is not None:
        with suppress(ModelError):
            program = feed_by_rows(program, again)
    board = draw(st.sampled_from([None, *BOARDS]))
    if board is not None:
        program = tailor(program, load_target(board))
    split = split_reductions(program)
    return draw(st.sampled_from([program, split, flatten_grid(split)]))


@st.composite
def schedules(draw: Draw, program: Program) -> tuple[Segment, ...]:
    """Random cuts, grids, directions and frames; what cannot run as drawn runs as one stream, else step by
    step."""
    reads, count = Reads(program), len(program.steps)
    anywhere = range(1, count)
    narrow = [cut for cut in anywhere if len(Scope(reads, 0, cut).leaving) == 1]
    places = draw(st.sampled_from([narrow, narrow, narrow, anywhere]))
    cuts = sorted(draw(st.sets(st.sampled_from(places), max_size=3))) if places else []
    found: list[Segment] = []
    for begin, end in pairwise([0, *cuts, count]):
        rows, columns, _ = program.buffers[program.steps[end - 1].outputs[0]].grid
        wanted = [
            Segment(begin, end, draw(_grids(rows, columns)), draw(st.booleans()), draw(st.booleans())),
            Segment(begin, end, Grid(), framed=True),
        ]
        fits = [s for s in wanted if obstacle(Scope(reads, begin, end), s) is None]
        found += fits[:1] or [_alone(reads, index) for index in range(begin, end)]
    return tuple(found)


def _grids(rows: int, columns: int) -> st.SearchStrategy[Grid | None]:
    most = min(rows, 4), min(columns, 4)
    cells = [Grid(down, across) for down in range(1, most[0] + 1) for across in range(1, most[1] + 1)]
    return st.sampled_from([*cells, *cells[1:], None])


def _alone(reads: Reads, index: int) -> Segment:
    whole = Segment(index, index + 1)
    streamed = Segment(index, index + 1, Grid())
    return whole if obstacle(Scope(reads, index, index + 1), whole) is None else streamed
