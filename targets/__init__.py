"""One TOML file per board, and its loader."""

from .loader import load_target, target_names
from .target import Region, Target

__all__ = ["Region", "Target", "load_target", "target_names"]
