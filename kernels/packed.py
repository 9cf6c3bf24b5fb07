"""Which kernel computes on packed operands what another one computes on bytes."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.dtype import DType
from ..ir.kernel import Kernel
from .conv2d import Conv2D
from .dense import Dense
from .depthwise import DepthwiseConv2D
from .packed_conv2d import PackedConv2D
from .packed_dense import PackedDense
from .packed_depthwise import PackedDepthwise
from .packed_pairs import PackedPairs
from .packed_pool import PackedAveragePool, PackedMaxPool
from .packed_sum import PackedSum
from .packed_table import PackedTable
from .patch_select import PatchSelect
from .pool import AveragePool, MaxPool
from .scaled_sum import ScaledSum
from .select import Select
from .table import Table


def packed_form(kernel: Kernel, sources: Sequence[DType]) -> Kernel | None:
    """The kernel for operands of which some are packed, None where there is none; ``sources`` are the types
    of the step's inputs."""
    match kernel:
        case DepthwiseConv2D():
            return PackedDepthwise.of(kernel, sources[0])
        case Conv2D():
            return PackedConv2D.of(kernel, sources[0])
        case Dense():
            return PackedDense.of(kernel, sources[0])
        case MaxPool():
            return PackedMaxPool.of(kernel, sources[0])
        case AveragePool():
            return PackedAveragePool.of(kernel, sources[0])
        case ScaledSum():
            return PackedPairs.of(kernel, sources) or PackedSum.of(kernel, sources)
        case Table():
            return PackedTable.form(kernel, sources[0])
        case Select() | PatchSelect():
            return kernel  # it moves whole pixels
        case _:
            return None
