"""Writes ``torch/``: networks of PyTorch, exported by both of its exporters, and what PyTorch computes.

    make interop

does that. ``NAME-torchscript.onnx`` is of ``torch.onnx.export(dynamo=False)``, ``NAME-dynamo.onnx`` of
``dynamo=True``; nothing in them is changed but that stack traces, which name files of the machine, are left
out. ``NAME.npz`` holds inputs ``x`` and outputs ``y``, samples first; networks are exported for one sample.
"""

# Not among the packages that the type checker runs with.
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false, reportUntypedBaseClass=false

import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

from .recording import inputs, write

FOLDER = Path(__file__).with_name("torch")


def _convolution(depth, width, size, activation=True, **options):
    parts = [nn.Conv2d(depth, width, size, bias=False, **options), nn.BatchNorm2d(width)]
    return nn.Sequential(*parts, *([nn.ReLU6()] if activation else []))


class InvertedResidual(nn.Module):
    """MobileNetV2's block."""

    def __init__(self, width, inner):
        super().__init__()
        self.expand = _convolution(width, inner, 1)
        self.depthwise = _convolution(inner, inner, 3, padding=1, groups=inner)
        self.project = _convolution(inner, width, 1, activation=False)

    def forward(self, x):
        return x + self.project(self.depthwise(self.expand(x)))


def image_classifier():
    return nn.Sequential(
        _convolution(3, 8, 3, stride=2, padding=1), InvertedResidual(8, 16), nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10), nn.Softmax(dim=1),
    )  # fmt: skip


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 4, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(36, 12), nn.ReLU(), nn.Dropout(0.2), nn.Linear(12, 5),
    )  # fmt: skip


def keyword_net():
    return nn.Sequential(
        nn.Conv1d(10, 16, 5, stride=2, padding=2), nn.BatchNorm1d(16), nn.ReLU(),
        nn.Conv1d(16, 16, 3, padding=1, groups=16), nn.Conv1d(16, 12, 1), nn.BatchNorm1d(12), nn.ReLU(),
        nn.MaxPool1d(2), nn.Flatten(), nn.Linear(84, 6),
    )  # fmt: skip


class Recurrent(nn.Module):
    """The last step of a recurrent layer, and a dense layer."""

    def __init__(self, kind, **options):
        super().__init__()
        self.layer = kind(6, 12, batch_first=True, **options)
        self.head = nn.Linear(24 if self.layer.bidirectional else 12, 5)

    def forward(self, x):
        sequence, _ = self.layer(x)
        return self.head(sequence[:, -1])


class LastState(Recurrent):
    def forward(self, x):
        _, (state, _) = self.layer(x)
        return self.head(state[-1])


class Encoder(nn.Module):
    """Positions, nn.TransformerEncoder, mean over the sequence."""

    def __init__(self, **options):
        super().__init__()
        self.embed = nn.Linear(6, 16)
        self.positions = nn.Parameter(torch.randn(12, 16) / 8)
        layer = nn.TransformerEncoderLayer(16, 4, 24, batch_first=True, **options)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        return self.head(self.encoder(self.embed(x) + self.positions).mean(1))


class SelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.norm = nn.LayerNorm(16)

    def forward(self, x):
        return self.norm(x + self.attention(x, x, x, need_weights=False)[0])


NETWORKS = {
    "image_classifier": (image_classifier, (3, 16, 20)),
    "lenet": (lenet, (1, 20, 16)),
    "keyword_net": (keyword_net, (10, 28)),
    "lstm": (lambda: Recurrent(nn.LSTM), (12, 6)),
    "lstm_state": (lambda: LastState(nn.LSTM), (12, 6)),
    "gru": (lambda: Recurrent(nn.GRU), (12, 6)),
    "lstm_bidirectional": (lambda: Recurrent(nn.LSTM, num_layers=2, bidirectional=True), (12, 6)),
    "encoder": (lambda: Encoder(activation="gelu"), (12, 6)),
    "encoder_norm_first": (lambda: Encoder(norm_first=True), (12, 6)),
    "attention": (SelfAttention, (12, 16)),
}


def build(make):
    """The network, its batch normalizations with the statistics of some data."""
    torch.manual_seed(3)
    network = make()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, std=0.2)
    return network.eval()


def export(network, sample, path, **options):
    names = {"input_names": ["x"], "output_names": ["y"]}
    torch.onnx.export(network, (sample,), path, verbose=False, **names, **options)
    model = onnx.load(path)
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info):
        del part.metadata_props[:]
    onnx.save(model, path)


def main():
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    FOLDER.mkdir(exist_ok=True)
    for name, (make, shape) in NETWORKS.items():
        network, x = build(make), inputs(*shape)
        with torch.no_grad():
            y = network(torch.from_numpy(x))
        write(FOLDER / f"{name}.npz", x=x, y=y.numpy())
        # Not without gradients: there an encoder's layer is one operator, which has no ONNX form.
        sample = torch.from_numpy(x[:1])
        export(network, sample, FOLDER / f"{name}-torchscript.onnx", dynamo=False)
        export(network, sample, FOLDER / f"{name}-dynamo.onnx", dynamo=True, external_data=False)


if __name__ == "__main__":
    main()
