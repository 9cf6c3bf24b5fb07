"""Runs a Program: the NumPy arena machine, the host's C compiler and the emulated board."""
