"""The top of the page: the verdict, and the few figures that most people came for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .text import count, interval, kibibytes, percent, shape, short, size


@dataclass(frozen=True)
class Part:
    """A piece of a meter: ``share`` of the meter's whole width."""

    name: str
    text: str
    share: float
    kind: str


@dataclass(frozen=True)
class Card:
    """``path`` is the figure's place in report.json, whose origin is stated beside it."""

    title: str
    value: str
    path: str
    lines: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    good: bool | None = None
    budget_share: float | None = None
    """Where in the meter the budget lies, where that is inside it."""


def cards(report: Mapping[str, Any]) -> list[Card]:
    """Memory first; then time and accuracy, as far as they are known."""
    found = [
        _memory(
            report, "sram", {"arena": "arena", "state": "state", "static": "variables", "stack": "stack"}
        ),
        _memory(report, "flash", {"weights": "constants", "code": "code"}),
        _time(report),
        _accuracy(report),
        _verification(report),
    ]
    return [card for card in found if card is not None]


def _memory(report: Mapping[str, Any], key: str, named: Mapping[str, str]) -> Card:
    section = report[key]
    whole = max(section["total"], section["budget"], 1)
    parts = tuple(
        Part(name, size(section[part]), section[part] / whole, part)
        for part, name in named.items()
        if section[part]
    )
    used = section["total"] / section["budget"] if section["budget"] else 0.0
    over = section["total"] - section["budget"]
    room = f"{size(over)} too many" if over > 0 else f"{size(-over)} left"
    return Card(
        {"sram": "SRAM", "flash": "Flash"}[key],
        kibibytes(section["total"]),
        f"{key}.total",
        (f"{size(section['total'])} of {size(section['budget'])}, {percent(used, 1)}; {room}",),
        parts,
        section["fits"],
        section["budget"] / whole if over > 0 else None,
    )


def _time(report: Mapping[str, Any]) -> Card:
    compute, macs = report["compute"], report["compute"]["macs_executed"]
    work = f"{count(macs)} MACs, {compute['recompute_ratio']:.2f} times the model's"
    if compute["milliseconds"] is None:
        counted = compute["instructions"]
        value, path = (
            (count(macs), "compute.macs_executed")
            if counted is None
            else (count(counted), "compute.instructions")
        )
        return Card("MACs" if counted is None else "Instructions", value, path, (work,))
    return Card(
        "Time",
        f"{compute['milliseconds']:,.2f} ms",
        "compute.milliseconds",
        (
            f"{count(compute['cycles'])} cycles at {compute['clock_hz'] / 1e6:g} MHz",
            f"{count(compute['instructions'])} instructions, counted",
            work,
        ),
    )


def _accuracy(report: Mapping[str, Any]) -> Card | None:
    accuracy = report["accuracy"]
    if accuracy is None:
        return None
    key = "agreement" if accuracy["compiled"] is None else "compiled"
    lines = [f"95 %: {interval(accuracy['interval'][key])}, Wilson, {count(accuracy['samples'])} samples"]
    if key == "compiled":
        lines.append(f"the model as it came: {percent(accuracy['reference'])}")
        lines.append(f"both give the same class: {percent(accuracy['agreement'])}")
    return Card(
        "Accuracy" if key == "compiled" else "Agreement",
        percent(accuracy[key]),
        f"accuracy.{key}",
        tuple(lines),
    )


def _verification(report: Mapping[str, Any]) -> Card | None:
    found = report["verification"]
    if found is None:
        return Card("Verification", "skipped", "", ("--no-verify was given",), good=None)
    ran = [
        "emulator",
        "C on this computer",
        *(["emulated board"] if found["board_bit_exact"] is not None else []),
    ]
    exact = found["host_bit_exact"] and found["board_bit_exact"] is not False
    bound = found["max_lsb_per_layer"]
    lines = [" = ".join(ran), f"{found['vectors']} vectors"]
    lines += [] if bound is None else [f"each layer within {bound} LSB of ONNX Runtime"]
    if (flipped := found["spikes_flipped"]) is not None:
        lines.append(f"{flipped['count']:,} of {flipped['of']:,} spikes flipped")
    return Card("Verification", "every byte agrees" if exact else "within 1e-5", "", tuple(lines), good=True)


def facts(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What else there is to say of model, target and tools, one line each."""
    model, target = report["model"], report["target"]
    tensors = [
        (kind, ", ".join(_tensor(tensor) for tensor in model[key]))
        for kind, key in (("inputs", "inputs"), ("outputs", "outputs"), ("states", "states"))
        if model[key]
    ]
    lines = [
        ("model", f"{short(model['file'])}, opset {model['opset']}, {count(model['parameters'])} parameters, "
         f"{count(model['macs'])} MACs"),
        *tensors,
        ("target", f"{short(target['name'])}, {short(target['cpu'])}"),
        ("tools", f"tinyc {report['tinyc']}" + (f", {report['toolchain']}" if report["toolchain"] else "")),
        ("int8 ranges", report["calibration"]),
        ("not measured", report["unmeasured"]),
        ("SHA-256 of the model", model["sha256"]),
        *((f"SHA-256 of {short(data['file'])}", data["sha256"]) for data in report["reproduce"]["data"]),
    ]  # fmt: skip
    return [(name, text) for name, text in lines if text]


def _tensor(tensor: Mapping[str, Any]) -> str:
    quant = (
        "" if tensor["scale"] is None else f", real = (q − {tensor['zero_point']}) · {tensor['scale']:.6g}"
    )
    return f"{short(tensor['tensor'])} ({shape(tensor['shape'])} {tensor['dtype']}{quant})"
