"""Small colour pictures of ten shapes, drawn by rule: labelled images without a download.

Each picture shows one shape, turned, stretched, moved and scaled at random, before a textured background,
partly behind bars, in uneven light and with noise. Shapes of a kind tend to a hue and a texture, of which
neither is certain. A picture is a function of its seed, its index, and how far it may stray from its kind.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Random = np.random.Generator

SHAPES = (
    "triangle", "square", "pentagon", "hexagon", "disc", "ring", "star", "cross", "crescent", "half disc",
)  # fmt: skip
_HUES = 0.5
"""Deviation of a shape's hue from that of its kind, in distances between kinds."""
_TEXTURES = 3
_UNTYPICAL = 0.15
"""Share of shapes with any texture; the others have that of their kind."""
_CORNERS = {"triangle": 3, "square": 4, "pentagon": 5, "hexagon": 6}


def draw(count: int, size: int, seed: int, variety: float = 1.0) -> tuple[Array, Array]:
    """``count`` pictures, float32 (count, 3, ``size``, ``size``) in 256 levels from -1 to 1, and their
    shapes, int64 (count,), indices of ``SHAPES`` in turn. ``variety`` is how far hues and textures stray from
    those of their kind, 0 to 1."""
    labels = np.arange(count, dtype=np.int64) % len(SHAPES)
    pictures = np.empty((count, 3, size, size), np.float32)
    for index, label in enumerate(labels):
        pictures[index] = picture(int(label), size, np.random.default_rng([seed, index]), variety)
    return pictures, labels


def picture(kind: int, size: int, random: Random, variety: float = 1.0) -> Array:
    """One picture of a shape (an index of ``SHAPES``), float32 (3, ``size``, ``size``)."""
    pixel = 2 / size
    line = (np.arange(size, dtype=np.float32) + 0.5) * pixel - 1
    x, y = np.meshgrid(line, line)
    scale = random.uniform(0.5, 0.8)
    u, v = _placed(x, y, scale, random)
    back, front = _colours(kind, variety, random)
    scene = _textured(x, y, back, int(random.integers(_TEXTURES)), random)
    typical = random.uniform() < 1 - _UNTYPICAL * variety
    texture = kind % _TEXTURES if typical else int(random.integers(_TEXTURES))
    scene = _over(scene, _textured(x, y, front, texture, random), distance(SHAPES[kind], u, v) * scale, pixel)
    for _ in range(random.integers(0, 3)):
        scene = _over(scene, random.uniform(0, 1, (3, 1, 1)), _bar(x, y, random), pixel)
    angle = random.uniform(0, 2 * np.pi)
    light = 1 + random.uniform(0, 0.5) * (x * np.cos(angle) + y * np.sin(angle))
    noise = random.normal(0, random.uniform(0.01, 0.08), scene.shape)
    return (np.round(np.clip(scene * light + noise, 0, 1) * 255) / 127.5 - 1).astype(np.float32)


def distance(shape: str, x: Array, y: Array) -> Array:
    """How far points are outside of a shape of radius 1 around 0; negative within."""
    radius = np.hypot(x, y)
    if shape in _CORNERS:
        return _polygon(x, y, _CORNERS[shape])
    if shape == "star":
        return _star(x, y)
    if shape == "ring":
        return np.abs(radius - 0.75) - 0.25
    if shape == "cross":
        x, y = np.abs(x), np.abs(y)
        return np.maximum(np.minimum(x, y) - 0.3, np.maximum(x, y) - 1)
    if shape == "crescent":
        return np.maximum(radius - 1, 0.8 - np.hypot(x - 0.55, y))
    return np.maximum(radius - 1, y) if shape == "half disc" else radius - 1


def _polygon(x: Array, y: Array, corners: int) -> Array:
    half = np.pi / corners
    angle = np.mod(np.arctan2(y, x), 2 * half) - half
    return np.hypot(x, y) * np.cos(angle) - np.cos(half)


def _star(x: Array, y: Array, points: int = 5, waist: float = 0.45) -> Array:
    """Folded to half a point, whose edge runs from (1, 0) to the waist."""
    half = np.pi / points
    angle = np.abs(np.mod(np.arctan2(y, x) + half, 2 * half) - half)
    radius = np.hypot(x, y)
    edge = np.array([waist * np.cos(half) - 1, waist * np.sin(half)])
    normal = np.array([edge[1], -edge[0]]) / np.hypot(*edge)
    return (radius * np.cos(angle) - 1) * normal[0] + radius * np.sin(angle) * normal[1]


def _placed(x: Array, y: Array, scale: float, random: Random) -> tuple[Array, Array]:
    """Coordinates of a shape that is turned, stretched and moved."""
    left, top = random.uniform(-0.2, 0.2, 2)
    turn, stretch, along = random.uniform(-0.5, 0.5), random.uniform(1, 1.3), random.uniform(0, np.pi)
    x, y = _turned((x - left) / scale, (y - top) / scale, along)
    return _turned(x * stretch, y, turn)


def _turned(x: Array, y: Array, angle: float) -> tuple[Array, Array]:
    cos, sin = np.cos(angle), np.sin(angle)
    return x * cos + y * sin, y * cos - x * sin


def _colours(kind: int, variety: float, random: Random) -> tuple[Array, Array]:
    """Colours (3, 1, 1): of the background, dark or pale, and of the shape, whose hue tends to its kind's."""
    back = _colour(random.uniform(0, 1), random.uniform(0, 0.4), random.uniform(0.1, 0.5))
    hue = (kind + random.normal(0, _HUES * variety)) / len(SHAPES)
    return back, _colour(hue, random.uniform(0.5, 1), random.uniform(0.6, 1))


def _colour(hue: float, saturation: float, value: float) -> Array:
    thirds = np.array([0, 1 / 3, 2 / 3]).reshape(3, 1, 1)
    pure = 0.5 + 0.5 * np.cos(2 * np.pi * (hue - thirds))
    return value * (1 - saturation + saturation * pure)


def _textured(x: Array, y: Array, colour: Array, texture: int, random: Random) -> Array:
    """(3, size, size): stripes, checks or clouds between a colour and one next to it."""
    other = np.clip(colour + random.uniform(-0.25, 0.25, (3, 1, 1)), 0, 1)
    u, v = _turned(x, y, random.uniform(0, np.pi))
    across, along = random.uniform(4, 25, 2)
    if texture == 2:
        return colour + (other - colour) * _clouds(x, y, random)
    waves = np.sin(u * across) * (np.sin(v * along) if texture else 1)
    return colour + (other - colour) * (0.5 + 0.5 * np.tanh(4 * waves))


def _clouds(x: Array, y: Array, random: Random) -> Array:
    """0 to 1: a few waves in all directions."""
    total = np.zeros_like(x)
    for direction, turns, phase in random.uniform(0, 1, (6, 3)):
        total += np.sin(_turned(x, y, 2 * np.pi * direction)[0] * (2 + 14 * turns) + 2 * np.pi * phase)
    return 0.5 + 0.5 * np.tanh(total)


def _bar(x: Array, y: Array, random: Random) -> Array:
    """Distance from a straight bar across the picture."""
    across = _turned(x, y, random.uniform(0, np.pi))[0]
    return np.abs(across - random.uniform(-0.8, 0.8)) - random.uniform(0.01, 0.06)


def _over(scene: Array, colour: Array, outside: Array, pixel: float) -> Array:
    """``colour`` laid over where the distance ``outside`` is negative; edges cover parts of a pixel."""
    cover = np.clip(0.5 - outside / pixel, 0, 1)
    return scene + (colour - scene) * cover
