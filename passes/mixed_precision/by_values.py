"""Patches classified at run time: the nodes that look for outliers, and that follow what they found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from ...ir.errors import UsageError
from ...ir.program import Buffer
from ..onnx_edit import add_constant, unique_name
from ..onnx_graph import PATCH_DOMAIN
from ..patch_functions import HAS_OUTLIERS, HIDE_PATCHES, SELECT_PATCHES
from ..schedule.segment import cut
from .branches import Choice, rest_of
from .stages import Stage
from .vdpc import PatchMap


@dataclass(frozen=True, eq=False)
class ByValues(Choice):
    """A patch of ``stage`` is the first branch's where its part of the image, without the halo, holds a value
    farther from the mean than ``classes`` say; how often that is to be expected, they say too."""

    stage: Stage
    classes: PatchMap

    def __post_init__(self) -> None:
        result = self.stage.result
        if tuple(result.order) != (0, *range(2, len(result.shape)), 1):
            raise UsageError(
                f"--patch-class runtime cannot cut {result.source!r} into patches",
                why="its rows and columns are not the last axes of the model's tensor",
                remedy="leave --patch-class out, or choose another grid with --patches",
            )

    @property
    def flags(self) -> str:
        """The tensor that tells which patches hold outliers."""
        return f"{self.stage.source.source}_outliers"

    def ahead(self, graph: oir.Graph, image: oir.Value) -> list[oir.Node]:
        source, grid, result = self.stage.source, self.stage.grid, self.stage.result
        shape = [1, 1, grid.down, grid.across][: len(result.shape)]
        classify = oir.node(
            HAS_OUTLIERS, [image], domain=PATCH_DOMAIN, name=f"{image.name}_classify",
            attributes={
                "low": self.classes.mean - self.classes.reach,
                "high": self.classes.mean + self.classes.reach,
                "order": list(_order(source)),
                "shape": list(source.grid),
                "rows": _patch_of(source.grid[0], grid.down),
                "columns": _patch_of(source.grid[1], grid.across),
                "grid": shape,
                "shares": [share for row in self.classes.shares for share in row],
            },
        )  # fmt: skip
        flags = classify.outputs[0]
        flags.name = unique_name(graph, self.flags)
        flags.type, flags.shape = oir.TensorType(oir.DataType.BOOL), oir.Shape(shape)
        needs = [add_constant(graph, need, f"{image.name}_need") for need in self._needs()]
        rest = rest_of(graph, image, self.classes.mean)
        hide = oir.node(
            HIDE_PATCHES, [flags, image, *needs, rest], domain=PATCH_DOMAIN,
            attributes={
                "cells": [grid.down, grid.across],
                "plane": [*source.shape[:-1], 1],
                "back": np.argsort(_order(source)).tolist(),
            },
        )  # fmt: skip
        return [classify, hide]

    def selection(self, graph: oir.Graph, one: oir.Value, other: oir.Value) -> oir.Node:
        rows, columns, _ = self.stage.result.grid
        series = len(self.stage.result.shape) == 3
        across = list(range(rows)) if series else _patch_of(columns, self.stage.grid.across)
        flags = oir.convenience.create_value_mapping(graph)[self.flags]
        return oir.node(
            SELECT_PATCHES, [flags, one, other], domain=PATCH_DOMAIN,
            attributes={"rows": _patch_of(rows, self.stage.grid.down), "columns": across},
        )  # fmt: skip

    def _needs(self) -> tuple[np.ndarray, np.ndarray]:
        """float32 [rows of the image, rows of patches] and [columns of patches, columns of the image], above
        0 where a patch needs one."""
        down, across = self.stage.grid.down, self.stage.grid.across
        rows = [self._needed(y, 0).any(axis=1) for y in range(down)]
        columns = [self._needed(0, x).any(axis=0) for x in range(across)]
        return np.array(rows, np.float32).T.copy(), np.array(columns, np.float32)

    def _needed(self, y: int, x: int) -> np.ndarray:
        """[rows, columns] of the image: what one patch needs."""
        cells = np.zeros((self.stage.grid.down, self.stage.grid.across), bool)
        cells[y, x] = True
        stored = self.stage.source.to_memory(self.stage.source_mask(cells.tolist()))
        return stored.reshape(self.stage.source.grid).max(axis=2)


def _order(buffer: Buffer) -> tuple[int, ...]:
    """The model's axes as they lie in memory."""
    return buffer.order or tuple(range(len(buffer.shape)))


def _patch_of(length: int, parts: int) -> list[int]:
    """For each position along an axis, which of ``parts`` patches it belongs to."""
    return [part for part, (begin, end) in enumerate(cut(length, parts)) for _ in range(begin, end)]
