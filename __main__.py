"""``python -m tinyc``."""

from .compiler.cli import main

main()
