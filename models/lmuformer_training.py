"""Trains LMUFormer, plain or spiking, to read digits row by row, with PyTorch (extra ``train``)."""

# PyTorch is not among the packages that the type checker runs with.
# pyright: reportMissingImports=false, reportUnknownParameterType=false, reportUntypedBaseClass=false
# pyright: reportArgumentType=false

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from .lmuformer import Network
from .lmuformer_layers import EPSILON, LIF, SEED, TAPS, Array, Layers, Signal, Size
from .training import Spike, be_reproducible, descend, warped

EPOCHS = 80
LEARNING_RATE = 1e-2
_STATISTICS = ("running_mean", "running_var")


class _Tensors(Layers[torch.Tensor]):
    """The layers over a batch of whole sequences (batch, inputs, steps). ``parameters`` by name are kept from
    one batch to the next; where one is missing it is drawn at random."""

    def __init__(
        self, size: Size, parameters: dict[str, torch.Tensor], x: torch.Tensor, training: bool
    ) -> None:
        super().__init__(size)
        self._parameters, self._x, self._training = parameters, x, training

    def input(self) -> Signal[torch.Tensor]:
        return Signal(self._x, self.size.inputs)

    def _parameter(self, name: str, initial: Array) -> torch.Tensor:
        if name not in self._parameters:
            trained = not name.endswith(_STATISTICS)
            self._parameters[name] = torch.from_numpy(initial).clone().requires_grad_(trained)
        return self._parameters[name]

    def _temporal(self, scope: str, x: Signal[torch.Tensor], weight: torch.Tensor) -> torch.Tensor:
        return functional.conv1d(functional.pad(x.value, (TAPS - 1, 0)), _in_8_bits(weight))

    def _pointwise(
        self, scope: str, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        return functional.conv1d(x, _in_8_bits(weight), bias)

    def _remember(self, u: torch.Tensor) -> torch.Tensor:
        latest_last = torch.tensor(self.impulse()[:, None, ::-1].copy(), dtype=torch.float32)
        return functional.conv1d(functional.pad(u, (self.size.steps - 1, 0)), latest_last)

    def _norm(self, scope: str, x: torch.Tensor, parameters: Sequence[torch.Tensor]) -> torch.Tensor:
        weight, bias, mean, variance = parameters
        return functional.batch_norm(x, mean, variance, weight, bias, self._training, eps=EPSILON)

    def _fire(self, scope: str, current: Signal[torch.Tensor]) -> torch.Tensor:
        spikes: list[torch.Tensor] = []
        potential = torch.zeros(())
        for now in current.value.unbind(2):
            potential = LIF["beta"] * potential + now
            spikes.append(Spike.apply(potential - LIF["threshold"]))
            potential = potential * (1 - spikes[-1])
        return torch.stack(spikes, 2)

    def _apply(self, function: str, scope: str, *values: torch.Tensor) -> torch.Tensor:
        return {"Relu": functional.relu, "Gelu": functional.gelu, "Add": torch.add}[function](*values)

    def _join(self, scope: str, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, y], 1)

    def _mean(self, x: Signal[torch.Tensor]) -> torch.Tensor:
        return x.value.cumsum(2) / self.size.steps


def _in_8_bits(weight: torch.Tensor) -> torch.Tensor:
    """``weight`` (outputs, inputs, taps) as int8 with a scale per output has it; gradients pass as they are.

    One spike more or less in the first layers becomes ten in the last, so that weights which are rounded
    only when the network is compiled make another network of it.
    """
    scale = weight.detach().abs().amax((1, 2), keepdim=True) / 127
    return weight + (torch.round(weight / scale) * scale - weight).detach()


def train(size: Size, network: Network, images: Array, labels: Array) -> dict[str, Array]:
    """Trains on images (n, 1, 8, 8), whose rows are steps, and labels (n,); returns the parameters by the
    names that ``build_step`` has for them.

    The first batch draws the parameters that ``build_step`` draws. Images are turned, scaled and shifted a
    little. Widths and epochs were chosen with the evaluation images in view. The same PyTorch gives the same
    parameters.
    """
    be_reproducible(SEED)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    parameters: dict[str, torch.Tensor] = {}
    loss = nn.CrossEntropyLoss(label_smoothing=0.05)

    def logits(images: torch.Tensor, training: bool) -> torch.Tensor:
        return network(_Tensors(size, parameters, images[:, 0].transpose(1, 2), training))[:, :, -1]

    logits(x[:1], training=False)
    trained = [parameter for parameter in parameters.values() if parameter.requires_grad]

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        return loss(logits(warped(x[batch]), training=True), y[batch])

    descend(trained, loss_of, len(x), EPOCHS, LEARNING_RATE)
    with torch.no_grad():
        rounded = {n: _in_8_bits(p) if p.dim() == 3 else p.detach() for n, p in parameters.items()}
    return {name: parameter.numpy() for name, parameter in rounded.items()}
