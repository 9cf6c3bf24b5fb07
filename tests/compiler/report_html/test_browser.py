"""Pages as a browser shows them: drawn without a complaint, sorted, in the dark, narrow and wide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tinyc.compiler.report_html import page

from .browser import Browser, browser, obstacle
from .subjects import MLPERF, content, deep, digits, large, measured, mlperf
from .test_page import hostile_report

WIDTHS = (400, 1400)
pytestmark = pytest.mark.skipif(obstacle() is not None, reason=str(obstacle()))


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture
def show(window: Browser, tmp_path: Path) -> Callable[..., Browser]:
    """Opens the page of a report."""

    def opened(report: dict[str, Any], **how: Any) -> Browser:
        (tmp_path / "report.html").write_text(page(report), encoding="utf-8")
        window.open(tmp_path / "report.html", **how)
        return window

    return opened


def assert_drawn(window: Browser, report: dict[str, Any]) -> None:
    """Every chart has its marks, the page is no wider than the window, and nothing was complained about."""
    assert window.complaints() == []
    drawn = window.run(
        "return [...document.querySelectorAll('.chart')].map(c => [c.id, !!c.querySelector('.main-svg')])"
    )
    assert drawn and all(there for _, there in drawn), drawn
    count = "return document.querySelectorAll(arguments[0]).length"
    buffers = sum(row["bytes"] > 0 for row in report["buffers"])
    bands = sum(bool(report["sram"][key]) for key in ("static", "stack"))
    assert window.run(count, "#chart-sram .bars .point") == buffers + bands
    assert window.run(count, "#chart-front .scatterlayer .point") == len(report["pareto"]) + 1
    assert window.run(count, "#chart-flash .bars .point") > 0
    assert window.run("return document.documentElement.scrollWidth <= innerWidth")
    right = "Math.max(...[...document.querySelectorAll('section')].map(s => s.getBoundingClientRect().right))"
    assert window.run(f"return {right} <= innerWidth")


@pytest.mark.parametrize("width", WIDTHS)
def test_digits(show: Callable[..., Browser], width: int) -> None:
    report = content(measured())
    window = show(report, width=width)
    assert_drawn(window, report)
    cells = window.run(
        "return [...document.querySelectorAll('#chart-confusion .heatmap-label')].map(t => t.textContent)"
    )
    assert sum(int(text or 0) for text in cells) == report["accuracy"]["samples"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", MLPERF)
def test_real_models(shared_models: Path, show: Callable[..., Browser], name: str, width: int) -> None:
    report = content(mlperf(shared_models, name))
    assert_drawn(show(report, width=width), report)


@pytest.mark.parametrize("width", WIDTHS)
def test_mobilenetv2(show: Callable[..., Browser], width: int) -> None:
    report = content(large())
    assert_drawn(show(report, width=width), report)


@pytest.mark.parametrize(("count", "width"), [(3, 400), (300, 400), (300, 1400)])
def test_layout_holds_for_few_layers_and_many(show: Callable[..., Browser], count: int, width: int) -> None:
    report = deep(content(digits()), count)
    assert_drawn(show(report, width=width), report)


SORTED = """
const headers = [...document.querySelectorAll('#layers th')];
const header = headers.find(th => th.textContent.trim().startsWith(arguments[0]));
header.firstElementChild[arguments[1]]();
const column = header.cellIndex, rows = [...document.querySelectorAll('#layers tbody tr')];
return [header.ariaSort, rows.map(row => row.cells[column].firstChild.textContent),
        headers.filter(th => th.ariaSort !== "none").length];
"""


def test_headers_sort(show: Callable[..., Browser]) -> None:
    report = content(measured())
    window, layers = show(report), report["layers"]
    macs = sorted((row["macs"] for row in layers), reverse=True)
    assert window.run(SORTED, "MACs", "click") == ["descending", [f"{n:,}" for n in macs], 1]
    assert window.run(SORTED, "MACs", "click") == ["ascending", [f"{n:,}" for n in macs[::-1]], 1]
    names = sorted(row["name"] for row in layers)
    assert window.run(SORTED, "layer", "click") == ["ascending", names, 1]
    assert window.run(SORTED, "#", "click")[1] == [str(row["index"]) for row in layers]
    known = sum(row["recompute_ratio"] is not None for row in layers)
    assert known < len(layers)
    for order in ("descending", "ascending"):
        found, ratios, _ = window.run(SORTED, "recompute", "click")
        assert found == order and ratios[known:] == ["–"] * (len(layers) - known)


def test_headers_sort_by_the_keyboard(show: Callable[..., Browser]) -> None:
    from selenium.webdriver.common.keys import Keys

    report = content(digits())
    window = show(report)
    window.run("document.querySelectorAll('#layers th button')[5].focus()")
    window.driver.switch_to.active_element.send_keys(Keys.ENTER)
    shown = window.run(
        "return [...document.querySelectorAll('#layers tbody tr')].map(r => r.cells[5].textContent)"
    )
    assert shown == [f"{n:,}" for n in sorted((row["macs"] for row in report["layers"]), reverse=True)]


def test_the_budget_comes_into_the_picture(show: Callable[..., Browser]) -> None:
    report = content(digits())
    window, top = show(report), "return document.getElementById('chart-sram').layout.yaxis.range[1]"
    assert window.run(top) < report["sram"]["budget"]
    window.run("document.querySelectorAll('.zooms button')[1].click()")
    assert window.run(top) > report["sram"]["budget"]
    assert window.run("return [...document.querySelectorAll('.zooms button')].map(b => b.ariaPressed)") == [
        "false",
        "true",
    ]


def test_a_buffer_that_is_pointed_at_tells_what_it_is(show: Callable[..., Browser]) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    report = content(digits())
    window = show(report)
    window.run("document.getElementById('chart-sram').scrollIntoView({block: 'center'})")
    largest = max(report["buffers"], key=lambda row: row["bytes"] * (row["last"] - row["first"] + 1))
    numbers = [row["name"] for row in report["buffers"] if row["role"] == largest["role"]]
    bars = window.driver.find_elements(By.CSS_SELECTOR, "#chart-sram .trace.bars")
    (points,) = (
        found
        for bar in bars
        if len(found := bar.find_elements(By.CSS_SELECTOR, ".point path")) == len(numbers)
    )
    ActionChains(window.driver).move_to_element(points[numbers.index(largest["name"])]).perform()
    window.until("return document.querySelector('#chart-sram .hoverlayer').textContent")
    told = window.run("return document.querySelector('#chart-sram .hoverlayer').textContent")
    life = f"task {largest['first']} to {largest['last']}"
    for part in (largest["tensor"], f"{largest['bytes']:,}", life, largest["storage"]):
        assert part in told
    assert report["layers"][largest["layer"] - 1]["name"] in told


def luminance(colour: str) -> float:
    """Of ``rgb(r, g, b)`` (WCAG 2, relative luminance)."""
    parts = [int(part) / 255 for part in colour[4:-1].split(",")]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out(show: Callable[..., Browser], dark: bool) -> None:
    window = show(content(measured()), dark=dark)
    assert window.complaints() == []
    surface, *inks = window.run("""
        const style = (where, what) => getComputedStyle(document.querySelector(where))[what];
        return [style('section', 'backgroundColor'), style('section h2', 'color'), style('#verdict', 'color'),
                style('figcaption', 'color'), style('.card .value', 'color'), style('.xtick text', 'fill')];
    """)
    low = luminance(surface)
    assert (low < 0.1) == dark
    for ink in inks:
        high = luminance(ink)
        assert (max(low, high) + 0.05) / (min(low, high) + 0.05) >= 4.5, ink


def test_the_page_follows_the_scheme_and_prints(show: Callable[..., Browser]) -> None:
    window, fill = (
        show(content(digits())),
        "return getComputedStyle(document.querySelector('.xtick text')).fill",
    )
    light = window.run(fill)
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    window.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    window.until(f"{fill} !== '{light}'")  # the page is told of the scheme with its next frame
    assert luminance(window.run(fill)) > luminance(light)
    printed = window.driver.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    assert len(printed["data"]) > 50_000
    assert window.complaints() == []


def test_hostile_names_stay_text(show: Callable[..., Browser]) -> None:
    report = hostile_report()
    window = show(report)
    assert_drawn(window, report)
    assert window.run("return document.querySelectorAll('img, a[href^=javascript]').length") == 0
    assert "<script>alert(1)" in window.run("return document.querySelector('#layers').textContent")
    # what plotly makes of a name, where it is pointed at
    window.run("""
        const chart = document.getElementById('chart-sram');
        Plotly.Fx.hover(chart, [{curveNumber: 0, pointNumber: 0}]);
    """)
    told = window.run("return document.querySelector('#chart-sram .hoverlayer').textContent")
    assert "<b>x</b></script><script>alert(1)" in told
    assert window.complaints() == []
