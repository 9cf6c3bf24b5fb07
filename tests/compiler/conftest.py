"""Fixtures of the tests of the whole compiler."""

from __future__ import annotations

from pathlib import Path

import pytest

from .hostile import two_headed
from .refusals import saved


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The file of a small float model that compiles, alone in its folder."""
    return saved(two_headed(), tmp_path)
