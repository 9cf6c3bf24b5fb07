"""What an instruction set has in exchange for portable kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...ir.dtype import DType
from ...ir.kernel import Kernel

Exchange = Callable[[Any, DType], Kernel | None]
"""Takes a portable kernel and the type of its inputs. Gives the one that computes the same, None where there
is none for its shape or its numbers."""

Exchanges = Mapping[type[Kernel], Sequence[Exchange]]
"""By the portable kernel's type; the first that gives a kernel counts."""
