"""The benchmark of the emulated boards: a row for each compiler, and tables that say what the rows say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinyc.benchmarks.boards import BOARDS, Row, float_rows, rows, side_by_side, table
from tinyc.emulator.toolchain import gcc, zig
from tinyc.targets import load_target

from .subjects import MLPERF, ROOT, compiled, device

BOARD = "nucleo-f446re"


@pytest.fixture(scope="module")
def measured() -> list[Row]:
    return list(rows(Path("no such folder"), [BOARD]))


def test_each_compiler_has_the_row_of_its_own_run(measured: list[Row]) -> None:
    target, model = load_target(BOARD), compiled("digits", BOARD)
    toolchains = [found for find in (gcc, zig) if (found := find(target)) is not None]
    assert [row.compiler for row in measured] == [toolchain.label for toolchain in toolchains]
    for row, toolchain in zip(measured, toolchains, strict=True):
        board = device(model, target, toolchain)
        run = board.run(model.given)
        assert (row.instructions, row.cycles, row.stack) == (run.instructions, run.cycles, run.stack)
        assert (row.code, row.constants) == (board.image.text, board.image.rodata)
        assert row.cycles is not None and row.milliseconds == pytest.approx(row.cycles / 180e3)


def test_float32_keeps_its_promises_where_it_fits(
    shared_models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the four networks one has more weights than the board has flash."""
    found = list(float_rows(shared_models, [BOARD]))
    most = {row.model: max(r.instructions for r in found if r.model == row.model) for row in found}
    assert most.keys() == {"ic01, float32", "kws01, float32", "vww01, float32"}
    assert "ad01_float is larger than the flash" in capsys.readouterr().err
    assert most["kws01, float32"] <= 6_700_000
    assert most["ic01, float32"] <= 27_500_000
    assert most["vww01, float32"] <= 10_000_000


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_without_a_timing_table_there_is_no_time() -> None:
    row = Row("net", BOARD, "cortex-m55", "cc", 1_234, None, None, 8, 2_000, 16)
    line = table([row]).splitlines()[2]
    assert cells(line) == ["net", BOARD, "cortex-m55", "cc", "1,234", "–", "–", "8", "2,000", "16"]


def test_compilers_stand_side_by_side() -> None:
    one = Row("net", BOARD, "cortex-m4", "cc", 1_000, 2_000.0, 0.1, 8, 300, 16)
    other = Row("net", BOARD, "cortex-m4", "dd", 900, 1_500.0, 0.1, 12, 400, 16)
    elsewhere = Row("net", "esp32-c3", "rv", "ee", 1, 2.0, 0.1, 3, 4, 5)
    head, _, line = map(cells, side_by_side([one, elsewhere, other], BOARD).splitlines())
    assert head[:3] == ["model", "instructions, cc", "instructions, dd"]
    assert line == ["net", "1,000", "900", "2,000", "1,500", "8", "12", "300", "400"]


def test_the_page_has_every_network_on_every_board_in_columns_of_this_table() -> None:
    lines = (ROOT / "docs" / "boards.md").read_text(encoding="utf-8").splitlines()
    listed = [cells(line) for line in lines if line.startswith("|")]
    row = Row("net", BOARD, "cortex-m55", "cc", 1, None, None, 8, 2, 16)
    head = cells(table([row]).splitlines()[0])
    assert head in listed
    figures = {(line[0], line[1]) for line in listed if len(line) == len(head)}
    assert {(model, board) for model in ("digits", *MLPERF) for board in BOARDS} <= figures
    assert "python -m tinyc.benchmarks.boards" in lines
