"""Trains the L2MU that reads digits, and the one without spikes, with PyTorch (extra ``train``)."""

# PyTorch is not among the packages that the type checker runs with.
# pyright: reportMissingImports=false, reportUnknownParameterType=false, reportUntypedBaseClass=false
# pyright: reportOperatorIssue=false, reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from .digits import CLASSES
from .l2mu import DIGITS, ENCODER, PIXELS, PLAIN, READOUT_BETA, Cell, Leak
from .training import Spike, be_reproducible, descend, warped

Array = np.ndarray[Any, Any]

SEED = 1
EPOCHS = 200
PLAIN_EPOCHS = 60
LEARNING_RATE = 1e-2
HIGHEST_RATE = 0.08
"""Spikes per neuron and step, from which on they cost."""
RATE_WEIGHT = 5.0
AVERAGING = 0.01
"""The share of the newest weights in the moving average that is the result."""


class _Population:
    """LIF neurons over time: their potential, and the spikes of all steps so far."""

    def __init__(self, leak: Leak) -> None:
        self._leak = leak
        self._potential = torch.zeros(())
        self.spikes: list[torch.Tensor] = []

    def step(self, current: torch.Tensor) -> torch.Tensor:
        beta, threshold = self._leak.beta, self._leak.threshold
        fired = (self._potential > threshold).to(current.dtype)
        self._potential = beta * self._potential + current - threshold * fired
        self.spikes.append(Spike.apply(self._potential - threshold))
        return self.spikes[-1]


class _Weights(nn.Module):
    """The parameters of a cell between encoder and output, by the names of ``l2mu.py``."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.encoder = nn.Linear(PIXELS, cell.inputs)
        self.output = nn.Linear(cell.hidden, CLASSES)
        self.memory = {name: torch.from_numpy(matrix) for name, matrix in cell.memory().items()}
        for name, shape in cell.shapes().items():
            if name not in self.memory:
                self.register_parameter(name, nn.Parameter(torch.randn(shape) / shape[1] ** 0.5))

    def weights(self) -> dict[str, torch.Tensor]:
        """All that the builders take, by their names."""
        return {**self.state_dict(), **self.memory}


class _Reader(_Weights):
    """The network of ``build_digits`` over all rows of an image."""

    def __init__(self) -> None:
        super().__init__(DIGITS)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Images (n, 1, 8, 8) to logits (n, 10) after the last row, and the mean firing rate."""
        count = len(images)
        populations = [_Population(leak) for leak in (ENCODER, DIGITS.u, DIGITS.m, DIGITS.h)]
        encoder, u, m, h = populations
        hidden, units = torch.zeros(count, DIGITS.hidden), torch.zeros(count, DIGITS.units, DIGITS.order)
        logits = torch.zeros(count, CLASSES)
        for row in images[:, 0].unbind(1):
            x = encoder.step(self.encoder(row))
            drive = x @ self.e_x.T + hidden @ self.e_h.T + units.flatten(1) @ self.e_m.T
            spikes = u.step(drive)
            units = m.step(units @ self.memory["A"].T + spikes[..., None] @ self.memory["B"].T)
            hidden = h.step(x @ self.W_x.T + hidden @ self.W_h.T + units.flatten(1) @ self.W_m.T)
            logits = READOUT_BETA * logits + self.output(hidden)
        fired = [torch.stack(population.spikes).flatten(1) for population in populations]
        return logits, torch.cat(fired, 1).mean()


def train(images: Array, labels: Array) -> dict[str, Array]:
    """Trains on images (n, 1, 8, 8) and labels (n,); returns the weights under ``build_digits``'s names.

    Adam with a one-cycle learning rate on images that are turned, scaled and shifted a little; a firing rate
    above ``HIGHEST_RATE`` costs. The result is the moving average of the weights after the last epoch. The
    evaluation images chose no weights, but the size of the network and how far training images are warped.
    Single-threaded and seeded, so that the same PyTorch gives the same weights.
    """
    be_reproducible(SEED)
    network = _Reader()
    average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=_average)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    loss = nn.CrossEntropyLoss(label_smoothing=0.05)

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        logits, rate = network(warped(x[batch]))
        return loss(logits, y[batch]) + RATE_WEIGHT * torch.relu(rate - HIGHEST_RATE)

    def remember() -> None:
        average.update_parameters(network)

    descend(network.parameters(), loss_of, len(x), EPOCHS, LEARNING_RATE, remember)
    return {name: value.numpy() for name, value in average.module.weights().items()}


_average = torch.optim.swa_utils.get_ema_multi_avg_fn(1 - AVERAGING)


class _PlainReader(_Weights):
    """The network of ``build_plain`` over all rows of an image."""

    def __init__(self) -> None:
        super().__init__(PLAIN)
        nn.init.zeros_(self.e_m)  # the paper's; else the memory would drive itself from the start

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (n, 1, 8, 8) to logits (n, 10) after the last row."""
        hidden = torch.zeros(len(images), PLAIN.hidden)
        m = torch.zeros(len(images), PLAIN.units, PLAIN.order)
        for row in images[:, 0].unbind(1):
            x = torch.relu(self.encoder(row))
            u = x @ self.e_x.T + hidden @ self.e_h.T + m.flatten(1) @ self.e_m.T
            m = m @ self.memory["A"].T + u[..., None] @ self.memory["B"].T
            hidden = torch.tanh(x @ self.W_x.T + hidden @ self.W_h.T + m.flatten(1) @ self.W_m.T)
        return self.output(hidden)


def train_plain(images: Array, labels: Array) -> dict[str, Array]:
    """The same for the network without spikes, under ``build_plain``'s names; nothing is averaged."""
    be_reproducible(SEED)
    network = _PlainReader()
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    loss = nn.CrossEntropyLoss(label_smoothing=0.05)

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        return loss(network(warped(x[batch])), y[batch])

    descend(network.parameters(), loss_of, len(x), PLAIN_EPOCHS, LEARNING_RATE)
    return {name: value.detach().numpy() for name, value in network.weights().items()}
