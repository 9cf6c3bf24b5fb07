"""What the commands of builders say where the extra ``train`` is not installed."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import click


@contextmanager
def training_packages() -> Generator[None]:
    """Within it a missing package is a ``click.UsageError`` that says what brings it."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = f"{error.name} is not installed; `pip install 'tinyc[train]'` brings it"
        raise click.UsageError(missing) from error
