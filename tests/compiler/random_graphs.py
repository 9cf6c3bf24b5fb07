"""Hypothesis strategies for small ONNX graphs of whatever operators have kernels."""

from __future__ import annotations

import onnx
from hypothesis import strategies as st

from tinyc.kernels.registry import OPERATORS

from .growing.recipes import RECIPES, Recipe
from .growing.sketch import Draw, Sketch


def available(spatial: bool = False, stateful: bool = False) -> list[Recipe]:
    """Recipes all of whose operators have kernels, each by its weight; with ``spatial`` those that run window
    by window, with ``stateful`` those too that keep values."""
    known = [r for r in RECIPES.values() if r.needs <= OPERATORS.keys() and (r.spatial or not spatial)]
    return [recipe for recipe in known if stateful or not recipe.stateful for _ in range(recipe.weight)]


@st.composite
def float_graphs(draw: Draw, most: int = 6) -> onnx.ModelProto:
    """One to three inputs, up to ``most`` recipes (a recipe is one to five nodes), any outputs."""
    sketch = Sketch(draw)
    for _ in range(sketch.pick(1, 1, 1, 2, 3)):
        sketch.input(_shape(sketch))
    for _ in range(sketch.whole(0, most) if sketch.chance(10) else sketch.whole(1, most)):
        _grow(sketch, available())
    return sketch.model(_outputs(sketch))


@st.composite
def spatial_graphs(draw: Draw, most: int = 5) -> onnx.ModelProto:
    """One image or series in, one out, every node a kernel that can run window by window."""
    sketch = Sketch(draw)
    sketch.input(_spatial_shape(sketch, sketch.pick(3, 4, 4), batch=1))
    for _ in range(sketch.whole(1, most)):
        _grow(sketch, available(spatial=True))
    return sketch.model(sketch.ready[-1:])


@st.composite
def stateful_graphs(draw: Draw, most: int = 6) -> onnx.ModelProto:
    """One time step: one or two inputs, up to ``most`` recipes, one of which at least keeps a value."""
    sketch = Sketch(draw)
    for _ in range(sketch.pick(1, 1, 2)):
        sketch.input(_spatial_shape(sketch, sketch.pick(2, 2, 3, 4), batch=1))
    keeping = [recipe for recipe in available(stateful=True) if recipe.stateful]
    _grow(sketch, keeping)
    for _ in range(sketch.whole(0, most - 1)):
        _grow(sketch, available(stateful=True))
    if not sketch.kept:
        sketch.ready.append(RECIPES["delay"].grow(sketch, sketch.inputs[0]) or "")
    seen = [name for name in _outputs(sketch) if name not in sketch.kept.values()]
    return sketch.model(seen or [sketch.one("Identity", sketch.ready[-1])])


def _shape(s: Sketch) -> tuple[int, ...]:
    """Of a second input often such that it meets the first: the same, or broadcasting."""
    if s.inputs and s.chance(2):
        shape = s.shape(s.inputs[0])
        return s.pick(shape, tuple(d if s.chance(2) else 1 for d in shape), shape[s.whole(0, len(shape)) :])
    rank = s.pick(4, 4, 4, 3, 3, 2, 2, 1)
    batch = 2 if s.chance(6) else 1
    if rank >= 3:
        return _spatial_shape(s, rank, batch)
    return (batch, s.whole(1, 12)) if rank == 2 else (s.whole(1, 9),) if s.chance(2) else ()


def _spatial_shape(s: Sketch, rank: int, batch: int) -> tuple[int, ...]:
    return (batch, s.pick(1, 2, 3, 4, 6), *(s.whole(1, 9) for _ in range(rank - 2)))


def _grow(s: Sketch, recipes: list[Recipe]) -> None:
    x = s.ready[-1] if s.chance(2) else s.pick(*s.ready)
    recipe = s.pick(*(r for r in recipes if len(s.shape(x)) in r.ranks))
    made = recipe.grow(s, x)
    if made is not None and made not in s.ready:
        s.ready.append(made)


def _outputs(s: Sketch) -> list[str]:
    """What nobody reads, now and then without one of them (dead code), or with one that is also read inside,
    or with an input."""
    read = {name for node in s.nodes for name in node.input}
    loose = [name for name in s.ready if name not in read and name not in s.inputs]
    inner = [name for name in s.ready if name in read and name not in s.inputs]
    chosen = loose[1:] if len(loose) > 1 and s.chance(4) else loose
    chosen += [s.pick(*inner)] if inner and s.chance(3) else []
    chosen += [s.pick(*s.inputs)] if not chosen or s.chance(10) else []
    chosen += s.terminal
    start = s.whole(0, len(chosen) - 1)
    return chosen[start:] + chosen[:start]
