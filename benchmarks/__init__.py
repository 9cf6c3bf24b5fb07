"""Figures of tinyc, printed as tables and as JSON; run as ``python -m tinyc.benchmarks.NAME``."""
