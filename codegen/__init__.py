"""Prints a Program as C: the Jinja environment, the templates and project exports."""
