"""Streaming: a model of whole sequences becomes one of a single time step, whose layers keep states.

It is cut last, from the graph that would be lowered: a quantized model keeps its scales, so that the steps
give the bits that the whole sequence gives.
"""

from .cut import Streamed, stream
from .follow import timelines
from .time_axis import time_axis

__all__ = ["Streamed", "stream", "time_axis", "timelines"]
