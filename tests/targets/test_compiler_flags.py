"""The boards' compiler options, tried on the compilers that are installed."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinyc.targets import Target, load_target, target_names

SOURCE = """
#if EXPECT_SINGLE && !(__ARM_FP & 4)
#error "no single-precision FPU"
#endif
#if EXPECT_DOUBLE && !(__ARM_FP & 8)
#error "no double-precision FPU"
#endif
#if !EXPECT_SINGLE && (__ARM_FP || __riscv_flen)
#error "an FPU that the core does not have"
#endif
#if EXPECT_DSP != defined(__ARM_FEATURE_DSP)
#error "DSP extension"
#endif
#if EXPECT_MVE != (__ARM_FEATURE_MVE & 1)
#error "Helium"
#endif
float scale(float value) { return value * 0.5f; }
"""


def boards() -> list[Target]:
    """One board per way of compiling: those that share a core's options need no second try."""
    unique = {target.gcc_flags: target for target in map(load_target, target_names()) if not target.is_native}
    return list(unique.values())


def compile_probe(target: Target, command: list[str], folder: Path) -> None:
    source = folder / "probe.c"
    source.write_text(SOURCE, encoding="utf-8")
    expectations = {
        "SINGLE": target.fpu != "none",
        "DOUBLE": target.fpu == "double",
        "DSP": target.dsp,
        "MVE": target.mve,
    }
    defines = [f"-DEXPECT_{name}={int(value)}" for name, value in expectations.items()]
    run = [*command, *defines, "-O2", "-c", str(source), "-o", str(folder / "probe.o")]
    result = subprocess.run(run, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("target", boards(), ids=lambda target: target.name)
def test_gcc_compiles_for_the_cores_features(target: Target, tmp_path: Path) -> None:
    if shutil.which(target.gcc) is None:
        pytest.skip(f"{target.gcc} is not installed")
    compile_probe(target, [target.gcc, *target.gcc_flags], tmp_path)


@pytest.mark.parametrize("target", boards(), ids=lambda target: target.name)
def test_zig_compiles_for_the_cores_features(target: Target, tmp_path: Path) -> None:
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang is not installed")
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", target.zig_target, f"-mcpu={target.zig_cpu}"]
    compile_probe(target, zig, tmp_path)
