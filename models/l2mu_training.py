"""Trains the L2MU that reads digits, with PyTorch (extra ``train``)."""

# PyTorch is not among the packages that the type checker runs with.
# pyright: reportMissingImports=false, reportUnknownParameterType=false, reportUntypedBaseClass=false

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .digits import CLASSES
from .l2mu import DIGITS, ENCODER, PIXELS, READOUT_BETA, Leak

Array = np.ndarray[Any, Any]

SEED = 1
EPOCHS = 200
BATCH = 32
LEARNING_RATE = 1e-2
HIGHEST_RATE = 0.08
"""Spikes per neuron and step, from which on they cost."""
RATE_WEIGHT = 5.0
MOST_TURNED, MOST_SCALED, MOST_SHIFTED = 0.17, 0.1, 0.15
"""Changes to training images: radians, share of the size, share of half the size."""
AVERAGING = 0.01
"""The share of the newest weights in the moving average that is the result."""


class _Spike(torch.autograd.Function):
    """1 where the potential is above the threshold; the gradient is that of an arc tangent of slope 2."""

    @staticmethod
    def forward(ctx: Any, above: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(above)
        return (above > 0).to(above.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        (above,) = ctx.saved_tensors
        return gradient / (1 + (2 * above) ** 2)


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
        self.spikes.append(_Spike.apply(self._potential - threshold))
        return self.spikes[-1]


class _Reader(nn.Module):
    """The network of ``build_digits`` over all rows of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(PIXELS, DIGITS.inputs)
        self.output = nn.Linear(DIGITS.hidden, CLASSES)
        self.memory = {name: torch.from_numpy(matrix) for name, matrix in DIGITS.memory().items()}
        for name, shape in DIGITS.shapes().items():
            if name not in self.memory:
                self.register_parameter(name, nn.Parameter(torch.randn(shape) / shape[1] ** 0.5))

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

    def weights(self) -> dict[str, torch.Tensor]:
        """All that ``build_digits`` takes, by its names."""
        return {**self.state_dict(), **self.memory}


def train(images: Array, labels: Array) -> dict[str, Array]:
    """Trains on images (n, 1, 8, 8) and labels (n,); returns the weights under ``build_digits``'s names.

    Adam with a one-cycle learning rate on images that are turned, scaled and shifted a little; a firing rate
    above ``HIGHEST_RATE`` costs. The result is the moving average of the weights after the last epoch. The
    evaluation images chose no weights, but the size of the network and how far training images are warped.
    Single-threaded and seeded, so that the same PyTorch gives the same weights.
    """
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    network = _Reader()
    average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=_average)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    steps = EPOCHS * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    loss = nn.CrossEntropyLoss(label_smoothing=0.05)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            logits, rate = network(_warped(x[batch]))
            (loss(logits, y[batch]) + RATE_WEIGHT * torch.relu(rate - HIGHEST_RATE)).backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(network)
    return {name: value.numpy() for name, value in average.module.weights().items()}


def _warped(images: torch.Tensor) -> torch.Tensor:
    """Each image of a batch (n, 1, 8, 8) turned, scaled along both axes and shifted at random."""

    def within(limit: float, *shape: int) -> torch.Tensor:
        return limit * (2 * torch.rand(len(images), *shape) - 1)

    angle, scale, shift = within(MOST_TURNED), 1 + within(MOST_SCALED, 2), within(MOST_SHIFTED, 2)
    rows = (
        (angle.cos() * scale[:, 0], -angle.sin(), shift[:, 0]),
        (angle.sin(), angle.cos() * scale[:, 1], shift[:, 1]),
    )
    grid = functional.affine_grid(
        torch.stack([torch.stack(row, 1) for row in rows], 1), list(images.shape), align_corners=False
    )
    return functional.grid_sample(images, grid, align_corners=False)


_average = torch.optim.swa_utils.get_ema_multi_avg_fn(1 - AVERAGING)
