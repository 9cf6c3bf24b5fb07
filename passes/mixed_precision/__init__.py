"""Mixed precision: how many bits each feature map and each layer's weights get, by values and measurement."""

from .descent import Mixed, search
from .front import Point
from .options import MixedOptions
from .patches import Patches, PatchOptions, patches_of
from .stages import Stage, scheduled_stage, stage_of

__all__ = [
    "Mixed", "MixedOptions", "PatchOptions", "Patches", "Point", "Stage",
    "patches_of", "scheduled_stage", "search", "stage_of",
]  # fmt: skip
