"""Scheduling: which part of which layer is computed when, so that the arena stays small.

A model is cut into segments, each of which runs layer by layer, as row streams, as column tiles of row
streams or in patches (``segment``); the search (``search``) finds the front of memory against cycles, whose
members become task lists (``build``, ``stream``) and are placed (``front``).
"""

from .build import build
from .front import Point, in_place, layer_by_layer, least, placed_front
from .segment import Grid, Segment

__all__ = ["Grid", "Point", "Segment", "build", "in_place", "layer_by_layer", "least", "placed_front"]
