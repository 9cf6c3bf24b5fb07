"""Mixed precision: how many bits each feature map and each layer's weights get, by values and measurement."""

from .descent import Mixed, search
from .front import Point
from .options import MixedOptions

__all__ = ["Mixed", "MixedOptions", "Point", "search"]
