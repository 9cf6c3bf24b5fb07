"""Trains MobileNetV2 with PyTorch (extra ``train``)."""

# PyTorch is not among the packages that the type checker runs with.
# pyright: reportMissingImports=false, reportUnknownParameterType=false, reportUntypedBaseClass=false
# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .convnet import make_divisible
from .mobilenetv2 import HEAD, STAGES, STEM
from .training import be_reproducible

Array = np.ndarray[Any, Any]

SEED = 7
BATCH = 32
PEAK_RATE = 4e-3
EPOCHS = 20
SMALL_EPOCHS, SMALL = 15, 48
"""The first epochs see pictures of this many pixels, which takes a quarter of the time."""


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out")
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


def _conv_relu6(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(*_conv(inputs, outputs, kernel, stride, groups), nn.ReLU6())


class _InvertedResidual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        widening = [_conv_relu6(inputs, hidden, 1)] if expansion != 1 else []
        depthwise = _conv_relu6(hidden, hidden, 3, stride, hidden)
        narrowing = _conv(hidden, outputs, 1)
        self.conv = nn.Sequential(*widening, depthwise, narrowing)
        self.residual = stride == 1 and inputs == outputs
        if self.residual:
            nn.init.zeros_(narrowing[-1].weight)  # it begins as if it were not there

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    """Its parameters have the names that ``build_model`` gives them."""

    def __init__(self, width: float, classes: int) -> None:
        super().__init__()
        channels = make_divisible(STEM * width)
        layers: list[nn.Module] = [_conv_relu6(3, channels, 3, 2)]
        for stage in STAGES:
            for block in range(stage.depth):
                outputs = make_divisible(stage.channels * width)
                stride = stage.stride if block == 0 else 1
                layers.append(_InvertedResidual(channels, outputs, stride, stage.expansion))
                channels = outputs
        head = make_divisible(HEAD * max(1.0, width))
        self.features = nn.Sequential(*layers, _conv_relu6(channels, head, 1))
        self.classifier = nn.Linear(head, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x).mean(dim=(2, 3)))


def train(images: Array, labels: Array, width: float) -> dict[str, Array]:
    """Trains on images (n, 3, s, s) and labels (n,); returns the weights under ``build_model``'s names.

    Adam with a one-cycle learning rate, pictures mirrored at random and small for most epochs; nothing is
    chosen by evaluation images. Single-threaded and seeded, so that the same PyTorch gives the same weights.
    """
    be_reproducible(SEED)
    network = MobileNetV2(width, int(labels.max()) + 1).to(memory_format=torch.channels_last)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    steps = len(x) // BATCH
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=EPOCHS * steps)
    for epoch in range(EPOCHS):
        for batch in torch.randperm(len(x))[: steps * BATCH].split(BATCH):
            inputs = _mirrored(x[batch])
            if epoch < SMALL_EPOCHS:
                inputs = functional.interpolate(inputs, size=SMALL, mode="area")
            scores = network(inputs.contiguous(memory_format=torch.channels_last))
            optimizer.zero_grad()
            functional.cross_entropy(scores, y[batch], label_smoothing=0.05).backward()
            optimizer.step()
            schedule.step()
    return {key: value.numpy() for key, value in network.state_dict().items()}


def _mirrored(images: torch.Tensor) -> torch.Tensor:
    """Each image turned over along either axis or none."""
    for axis in (2, 3):
        flips = torch.rand(len(images)) < 0.5
        images = torch.where(flips[:, None, None, None], images.flip(axis), images)
    return images
