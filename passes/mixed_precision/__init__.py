"""Mixed precision: how many bits each feature map and each layer's weights get, by values and measurement."""

from .options import MixedOptions
from .descent import Mixed, search
from .front import Point

__all__ = ["Mixed", "MixedOptions", "Point", "search"]
