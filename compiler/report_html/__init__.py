"""report.html: the content of report.json as pictures and tables, in one file that needs no network."""

from .page import page

__all__ = ["page"]
