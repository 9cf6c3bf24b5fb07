"""Draws the pictures in docs/img: run `python tests/compiler/report_html/screenshots.py FOLDER…`, where each
folder is one that `tinyc compile` wrote; they are named after the models."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from browser import Browser, browser

IMAGES = Path(__file__).resolve().parents[3] / "docs" / "img"
HEIGHT = {400: 1500, 1400: 1150}
"""Pixels of the page's top that show the verdict and SRAM over time."""


def draw(window: Browser, folder: Path) -> None:
    """The page of a report, narrow in the dark and wide in the light."""
    name = json.loads((folder / "report.json").read_text(encoding="utf-8"))["model"]["name"]
    for width, height in HEIGHT.items():
        window.open((folder / "report.html").resolve(), width, height, dark=width == 400)
        image = window.screenshot(0, height)
        (IMAGES / f"report-{name}-{width}.png").write_bytes(image)
        print(f"report-{name}-{width}.png: {len(image):,} bytes, {window.complaints() or 'no complaints'}")


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as profile, browser(Path(profile)) as opened:
        for argument in sys.argv[1:]:
            draw(opened, Path(argument))
