"""Trains the digits network with PyTorch (extra ``train``)."""

# PyTorch is not among the packages that the type checker runs with.
# pyright: reportMissingImports=false, reportUnknownParameterType=false, reportUntypedBaseClass=false

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .digits import CLASSES, FEATURES, NETWORK, ConvBlock
from .training import be_reproducible, descend

Array = np.ndarray[Any, Any]

SEED = 7
EPOCHS = 60


class _Block(nn.Module):
    def __init__(self, block: ConvBlock) -> None:
        super().__init__()
        padding = block.kernel // 2
        self.conv = nn.Conv2d(
            block.inputs, block.outputs, block.kernel, padding=padding, groups=block.groups, bias=False
        )
        self.norm = nn.BatchNorm2d(block.outputs)
        self.act = nn.ReLU()
        self.pool = nn.MaxPool2d(2) if block.pooled else nn.Identity()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.pool(self.act(self.norm(self.conv(image))))


class _Digits(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Block(block) for block in NETWORK)
        self.head = nn.Linear(FEATURES, CLASSES)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            image = block(image)
        return self.head(image.flatten(1))


def train(images: Array, labels: Array) -> dict[str, Array]:
    """Trains on images (n, 1, 8, 8) and labels (n,); returns the weights under ``build_model``'s names.

    Adam with a one-cycle learning rate and shifts by up to a pixel; nothing is chosen by the evaluation
    images. Single-threaded and seeded, so that the same PyTorch gives the same weights.
    """
    be_reproducible(SEED)
    network = _Digits()
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    loss = nn.CrossEntropyLoss(label_smoothing=0.05)

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        return loss(network(_shifted(x[batch])), y[batch])

    descend(network.parameters(), loss_of, len(x), EPOCHS, 1e-2)
    return {_onnx_name(key): value.numpy() for key, value in network.state_dict().items()}


def _onnx_name(key: str) -> str:
    """``blocks.0.conv.weight`` is block 0's: ``stem.conv.weight``. The head keeps its name."""
    scope, _, rest = key.partition(".")
    if scope != "blocks":
        return key
    index, _, parameter = rest.partition(".")
    return f"{NETWORK[int(index)].name}.{parameter}"


def _shifted(images: torch.Tensor) -> torch.Tensor:
    """Each image of a batch (n, 1, 8, 8) moved by -1, 0 or 1 pixels along both axes, blank at the edge."""
    padded = functional.pad(images, (1, 1, 1, 1))
    corners = torch.randint(0, 3, (len(images), 2)).tolist()
    moved = [image[:, y : y + 8, x : x + 8] for image, (y, x) in zip(padded, corners, strict=True)]
    return torch.stack(moved)
