"""Reading a model file: its bytes, its protobuf, its external data. A model is somebody else's data."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import google.protobuf.message
import onnx
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import quoted, tensor_bytes

_MAX_FILE_BYTES = 2**31 - 1
"""Protobuf's own limit."""


@dataclass(frozen=True)
class Source:
    """A parsed model with all of its tensor data in memory.

    ``sha256`` is that of the file (of the serialized proto where there was no file); ``name`` is the
    file's stem (or the graph's name).
    """

    proto: onnx.ModelProto
    sha256: str
    name: str


def load(source: str | os.PathLike[str] | onnx.ModelProto) -> Source:
    """Read a model. A given ModelProto is copied, never changed.

    Raises ModelError for a file that is missing, unreadable, too large, truncated or not ONNX, and for
    external data that lies outside the model's folder or does not match.
    """
    if isinstance(source, onnx.ModelProto):
        data = source.SerializeToString(deterministic=True)
        proto = onnx.ModelProto.FromString(data)
        _load_external_data(proto, None)
        return Source(proto, hashlib.sha256(data).hexdigest(), proto.graph.name or "model")
    path = Path(source)
    data = _read(path)
    proto = _parse(data, path)
    _load_external_data(proto, path.parent)
    name = path.stem.encode("utf-8", "replace").decode()  # a file's name need not be text
    return Source(proto, hashlib.sha256(data).hexdigest(), name or "model")


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > _MAX_FILE_BYTES:
            raise ModelError(
                "The model file is too large",
                where=str(path),
                why=f"{size} bytes; ONNX files end at 2 GB",
                remedy="give the .onnx file itself; weights may be external data",
            )
        return path.read_bytes()
    except FileNotFoundError as e:
        raise ModelError(
            "There is no such model file",
            where=str(path),
            why="nothing is there" if path.parent.is_dir() else "its folder does not exist either",
            remedy="check the path of the .onnx file",
        ) from e
    except OSError as e:
        raise ModelError(
            "The model file cannot be read",
            where=str(path),
            why=e.strerror or str(e),
            remedy="give the path of an .onnx file that you may read",
        ) from e


def _parse(data: bytes, path: Path) -> onnx.ModelProto:
    try:
        proto = onnx.ModelProto.FromString(data)
    except google.protobuf.message.DecodeError as e:
        if _starts_like_onnx(data):
            raise ModelError(
                "The model file is truncated or damaged",
                where=str(path),
                why=f"it starts as ONNX does, but its {len(data)} bytes end in the middle of a field",
                remedy="copy or export the file again",
            ) from e
        raise _not_onnx(path, "its bytes are not an ONNX protobuf") from e
    if not data:
        raise _not_onnx(path, "it is empty")
    if not proto.ir_version or not proto.HasField("graph"):
        if _starts_like_onnx(data):
            raise ModelError(
                "The model file is truncated or damaged",
                where=str(path),
                why="it starts as ONNX does, but holds no graph",
                remedy="copy or export the file again",
            )
        raise _not_onnx(path, "it holds no graph")
    return proto


def _starts_like_onnx(data: bytes) -> bool:
    # Field 1 of ModelProto is ir_version, and every exporter writes fields in order.
    return len(data) > 2 and data[0] == 0x08 and 1 <= data[1] <= 64


def _not_onnx(path: Path, why: str) -> ModelError:
    return ModelError(
        "This is not an ONNX model",
        where=str(path),
        why=why,
        remedy="export the model to ONNX (torch.onnx.export, tf2onnx, skl2onnx, …) and give that file",
    )


def _load_external_data(proto: onnx.ModelProto, folder: Path | None) -> None:
    for tensor in _tensors(proto):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            tensor.raw_data = _external_bytes(tensor, folder)
            tensor.data_location = onnx.TensorProto.DEFAULT
            del tensor.external_data[:]


def _external_bytes(tensor: onnx.TensorProto, folder: Path | None) -> bytes:
    where = f"tensor {quoted(tensor.name)}"
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if folder is None:
        raise ModelError(
            "The model keeps tensors in another file, whose folder is unknown",
            where=where,
            why=f"external data {quoted(location)}",
            remedy="give the path of the model file instead of a ModelProto",
        )
    try:
        path = _contained(location, folder)
        offset, length = int(entries.get("offset", "0")), int(entries.get("length", "-1"))
        size = path.stat().st_size
        expected = tensor_bytes(oir.DataType(tensor.data_type), tensor.dims)
    except FileNotFoundError as e:
        raise ModelError(
            "The model's external data file is missing",
            where=where,
            why=f"{quoted(location)} is not in {folder}",
            remedy="put the file beside the model, under the name that the model expects",
        ) from e
    except (OSError, ValueError, TypeError) as e:
        raise ModelError(
            "The model's external data cannot be used",
            where=where,
            why=str(e),
            remedy="keep it in a file beside the model: onnx.save(model, FILE, save_as_external_data=True)",
        ) from e
    length = expected if length < 0 else length
    if length != expected:
        raise ModelError(
            "The model's external data does not match the tensor",
            where=where,
            why=f"shape {list(tensor.dims)} takes {expected} bytes; {length} are recorded",
            remedy="export the model and its data again",
        )
    if offset < 0 or length < 0 or offset + length > size:
        raise ModelError(
            "The model's external data file is too short",
            where=where,
            why=f"bytes {offset} to {offset + length} of {quoted(location)} are wanted; it has {size}",
            remedy="copy or export the model and its data again",
        )
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def _contained(location: str, folder: Path) -> Path:
    """The file at ``location``, which must lie in ``folder`` (links followed) and be a regular file."""
    root = folder.resolve()
    if not location or "\0" in location or Path(location).is_absolute() or "\\" in location:
        raise ValueError(f"{quoted(location)} is not a relative path")
    path = (root / location).resolve(strict=False)
    if not path.is_relative_to(root):
        raise ValueError(f"{quoted(location)} leads outside the model's folder")
    if path.exists() and not path.is_file():
        raise ValueError(f"{quoted(location)} is not a regular file")
    return path


def _tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from _graph_tensors(proto.graph)
    for function in proto.functions:
        for node in function.node:
            yield from _node_tensors(node)


def _graph_tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        yield from _node_tensors(node)


def _node_tensors(node: onnx.NodeProto) -> Iterator[onnx.TensorProto]:
    for attribute in node.attribute:
        if attribute.HasField("t"):
            yield attribute.t
        yield from attribute.tensors
        if attribute.HasField("g"):
            yield from _graph_tensors(attribute.g)
        for graph in attribute.graphs:
            yield from _graph_tensors(graph)
