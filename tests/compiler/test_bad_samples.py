"""What a user reads when calibration or evaluation data do not fit the model."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from .command_line import tinyc
from .refusals import TARGET, refused


def samples(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "samples.npz", **arrays)  # pyright: ignore[reportArgumentType]
    return folder / "samples.npz"


def test_samples_for_a_model_with_two_inputs(tmp_path: Path, model: Path) -> None:
    """The good case, so that the bad ones below are bad for one reason only."""
    path = samples(
        tmp_path, image=np.zeros((4, 2, 6, 6), np.float32), vector=np.zeros((4, 6)), y=np.arange(4)
    )
    assert tinyc("compile", model, *TARGET, "--evaluate", path, "-o", tmp_path / "out").code == 0


IMAGE, VECTOR = np.zeros((4, 2, 6, 6), np.float32), np.zeros((4, 6), np.float32)
BAD_SAMPLES: dict[str, tuple[dict[str, np.ndarray], tuple[str, ...]]] = {
    "wrong name": (
        {"picture": IMAGE, "vector": VECTOR},
        ("no array for the input 'image'", "its arrays are: 'picture', 'vector'", "[n, 2, 6, 6] float32"),
    ),
    "wrong shape": (
        {"image": IMAGE[:, :, :5], "vector": VECTOR},
        ("array for input 'image'", "its shape is [4, 2, 5, 6]", "give [n, 2, 6, 6] float32"),
    ),
    "wrong type": (
        {"image": IMAGE.astype(complex), "vector": VECTOR},
        ("array for input 'image'", "complex128", "give [n, 2, 6, 6] float32"),
    ),
    "text": (
        {"image": IMAGE.astype("U4"), "vector": VECTOR},
        ("array for input 'image'", "<U4", "give [n, 2, 6, 6] float32"),
    ),
    "numbers of samples": (
        {"image": IMAGE, "vector": VECTOR[:3]},
        ("'image' 4, 'vector' 3", "the same number"),
    ),
    "no samples": ({"image": IMAGE[:0], "vector": VECTOR[:0]}, ("'image' 0", "at least 1")),
    "not finite": ({"image": IMAGE + np.nan, "vector": VECTOR}, ("'image'", "NaN or infinity")),
}  # fmt: skip


@pytest.mark.parametrize("option", ["--calibration", "--evaluate"])
@pytest.mark.parametrize("case", BAD_SAMPLES)
def test_samples_that_do_not_fit(tmp_path: Path, model: Path, case: str, option: str) -> None:
    arrays, words = BAD_SAMPLES[case]
    text = refused(2, model, option, samples(tmp_path, **arrays))
    assert "The samples cannot be used" in text and "samples.npz" in text
    for word in words:
        assert word in text


def _pickled(path: Path) -> None:
    np.savez(path, image=np.array([{"a": 1}, print], dtype=object))


def _cut(path: Path) -> None:
    np.savez(path, image=IMAGE, vector=VECTOR)
    path.write_bytes(path.read_bytes()[:-40])


def _garbled(path: Path) -> None:
    np.savez_compressed(path, image=np.random.default_rng(0).normal(size=(4, 2, 6, 6)), vector=VECTOR)
    data = bytearray(path.read_bytes())
    data[200:230] = bytes(30)
    path.write_bytes(data)


def _liar(path: Path) -> None:
    """An array whose header promises 2^60 bytes."""
    header = (
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (288230376151711744,), }"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("image.npy", header.ljust(127) + b"\n" + bytes(64))


SPOILED: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("image,vector\n1,2\n"),
    "bare array": lambda path: path.write_bytes(_bare()),
    "cut": _cut,
    "garbled": _garbled,
    "pickled": _pickled,
    "no arrays inside": lambda path: _zip(path, "readme.txt", b"hello"),
    "damaged array": lambda path: _zip(path, "image.npy", b"\x93NUMPY\x01\x00v\x00{'descr'"),
    "absurd array": _liar,
    "folder": lambda path: path.mkdir(),
}  # fmt: skip


def _bare() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, IMAGE)
    return buffer.getvalue()


def _zip(path: Path, name: str, data: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, data)


@pytest.mark.parametrize("case", SPOILED)
def test_sample_file_that_is_spoiled(tmp_path: Path, model: Path, case: str) -> None:
    path = tmp_path / "samples.npz"
    SPOILED[case](path)
    text = refused(2, model, "--calibration", path)
    assert "The samples cannot be used" in text and "samples.npz" in text
    assert "numpy.savez" in text or "that exists" in text or "add an array named" in text
