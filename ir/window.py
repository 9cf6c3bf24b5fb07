"""Windows: rectangles of a tensor's grid."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """Rows [y0, y1) and columns [x0, x1)."""

    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def height(self) -> int:
        return self.y1 - self.y0

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def pixels(self) -> int:
        return self.height * self.width

    def clip(self, rows: int, columns: int) -> Window:
        """The part that lies inside a grid of ``rows`` x ``columns``."""
        return Window(
            min(max(self.y0, 0), rows),
            min(max(self.y1, 0), rows),
            min(max(self.x0, 0), columns),
            min(max(self.x1, 0), columns),
        )
