"""Networks in the Neuromorphic Intermediate Representation (https://nnir.readthedocs.io), as ONNX models of
one time step."""

from __future__ import annotations

from .convert import import_nir
from .neurons import NirReset

__all__ = ["NirReset", "import_nir"]
