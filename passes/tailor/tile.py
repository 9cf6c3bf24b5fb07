"""Kernels for cores that have neither Arm's DSP extension nor Helium."""

from __future__ import annotations

from ...kernels.conv2d import Conv2D
from ...kernels.dense import Dense
from ...kernels.depthwise import DepthwiseConv2D
from ...kernels.tile_conv2d import TileConv2D, TilePairs
from ...kernels.tile_dense import TileDense
from ...kernels.tile_depthwise import TileDepthwise, TileTaps
from .exchange import Exchanges

TILES: Exchanges = {Conv2D: (TileConv2D.of,), DepthwiseConv2D: (TileDepthwise.of,), Dense: (TileDense.of,)}
"""For RV32."""

PAIRS: Exchanges = {Conv2D: (TilePairs.of,), DepthwiseConv2D: (TileTaps.of,), Dense: (TileDense.of,)}
"""For Thumb."""
