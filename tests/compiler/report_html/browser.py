"""A page in headless Chromium, driven by Selenium."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--force-color-profile=srgb", "--hide-scrollbars",
)  # fmt: skip
_PATIENCE = 60
"""Seconds to wait for what a page does, on a machine that is busy."""


def obstacle() -> str | None:
    """Why pages cannot be opened on this machine."""
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        return "needs Debian's chromium and chromium-driver"
    return None


@dataclass
class Browser:
    """One window."""

    driver: Any

    def open(self, page: Path, width: int = 1400, height: int = 1000, *, dark: bool = False) -> None:
        """Opens a report in a viewport of that size, and waits until its charts are drawn."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        self.driver.get(page.as_uri())
        self.until("return document.documentElement.dataset.drawn")

    def run(self, script: str, *arguments: Any) -> Any:
        """What ``script``, the body of a function, returns."""
        return self.driver.execute_script(script, *arguments)

    def until(self, script: str) -> None:
        """Waits for ``script`` to return something true."""
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, _PATIENCE).until(lambda driver: driver.execute_script(script))

    def complaints(self) -> list[str]:
        """What the console has said since the last call, refusals by the page's policy included."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def screenshot(self, top: int, height: int) -> bytes:
        """A PNG of the page's whole width, from a position on."""
        clip = {"x": 0, "y": top, "width": self.run("return innerWidth"), "height": height, "scale": 1}
        given = {"captureBeyondViewport": True, "clip": clip}
        return base64.b64decode(self.driver.execute_cdp_cmd("Page.captureScreenshot", given)["data"])


@contextmanager
def browser(profile: Path) -> Generator[Browser, None, None]:
    """Chromium with an empty profile in ``profile``."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
