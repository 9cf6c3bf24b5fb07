"""Fixtures that every test folder shares."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder with the MLPerf Tiny networks, beside the repository; skips where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "models"
    if not folder.is_dir():
        pytest.skip("needs the MLPerf Tiny models in ../shared/models, which are not part of the repository")
    return folder
