"""Trains the network of inertial windows with PyTorch (extra ``train``)."""

# PyTorch is not among the packages that the type checker runs with.
# pyright: reportMissingImports=false, reportUnknownParameterType=false, reportUntypedBaseClass=false

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .inertial import CHANNELS, CLASSES, FILTERS, KERNEL, POOL, UNITS
from .training import be_reproducible, descend

Array = np.ndarray[Any, Any]

SEED = 7
EPOCHS = 12
BATCH = 50
_ORDER = (0, 3, 1, 2)
"""PyTorch's gates i, f, g, o in ONNX's order i, o, f, c."""


class _Inertial(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        channels = (CHANNELS, *FILTERS)
        self.convs = nn.ModuleList(
            nn.Conv1d(a, b, KERNEL, padding=KERNEL // 2) for a, b in zip(channels, FILTERS, strict=False)
        )
        self.lstm = nn.LSTM(FILTERS[-1], UNITS, bidirectional=True)
        self.head = nn.Linear(2 * UNITS, len(CLASSES))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv in self.convs:
            x = functional.max_pool1d(functional.relu(conv(x)), POOL)
        states, _ = self.lstm(x.permute(2, 0, 1))
        return self.head(states.mean(0))


def train(windows: Array, labels: Array) -> dict[str, Array]:
    """Trains on windows (n, 6, 128) and classes (n,); returns the weights under ``build_model``'s names.

    Single-threaded and seeded, so that the same PyTorch gives the same weights.
    """
    be_reproducible(SEED)
    network = _Inertial()
    x, y = torch.from_numpy(windows), torch.from_numpy(labels)
    loss = nn.CrossEntropyLoss(label_smoothing=0.05)

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        return loss(network(x[batch]), y[batch])

    descend(network.parameters(), loss_of, len(x), EPOCHS, 1e-2, batch_size=BATCH)
    return _named({key: value.numpy() for key, value in network.state_dict().items()})


def _named(state: dict[str, Array]) -> dict[str, Array]:
    weights = {
        f"conv{n}.{part}": state[f"convs.{n}.{part}"]
        for n in range(len(FILTERS))
        for part in ("weight", "bias")
    }
    weights |= {f"head.{part}": state[f"head.{part}"] for part in ("weight", "bias")}
    for name, parts in (("W", ("weight_ih",)), ("R", ("weight_hh",)), ("B", ("bias_ih", "bias_hh"))):
        rows = [
            np.concatenate([_reordered(state[f"lstm.{part}_l0{suffix}"]) for part in parts])
            for suffix in ("", "_reverse")
        ]
        weights[f"lstm.{name}"] = np.stack(rows)
    return weights


def _reordered(rows: Array) -> Array:
    gates = np.split(rows, 4)
    return np.concatenate([gates[gate] for gate in _ORDER])
