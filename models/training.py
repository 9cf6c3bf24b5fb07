"""What trainings have in common (extra ``train``)."""

# PyTorch is not among the packages that the type checker runs with.
# pyright: reportMissingImports=false, reportUnknownParameterType=false, reportUntypedBaseClass=false
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.nn import functional

BATCH = 32
MOST_TURNED, MOST_SCALED, MOST_SHIFTED = 0.17, 0.1, 0.15
"""Changes to training images: radians, share of the size, share of half the size."""


class Spike(torch.autograd.Function):
    """1 where the potential is above the threshold; the gradient is that of an arc tangent of slope 2."""

    @staticmethod
    def forward(ctx: Any, above: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(above)
        return (above > 0).to(above.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        (above,) = ctx.saved_tensors
        return gradient / (1 + (2 * above) ** 2)


def be_reproducible(seed: int) -> None:
    """One thread and a seed, so that the same PyTorch gives the same weights."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def descend(
    parameters: Iterable[torch.Tensor], loss_of: Callable[[torch.Tensor], torch.Tensor], samples: int,
    epochs: int, rate: float, after_step: Callable[[], None] = lambda: None, batch_size: int = BATCH,
) -> None:  # fmt: skip
    """Adam with a one-cycle learning rate up to ``rate``, over batches of the numbers of samples."""
    optimizer = torch.optim.AdamW(parameters, weight_decay=1e-2)
    steps = epochs * -(-samples // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(epochs):
        for batch in torch.randperm(samples).split(batch_size):
            optimizer.zero_grad()
            loss_of(batch).backward()
            optimizer.step()
            schedule.step()
            after_step()


def warped(images: torch.Tensor) -> torch.Tensor:
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
