"""A text encoder of EmbBERT-Q's shape (Bravin et al., arXiv 2502.10001) with random weights.

Tokens and positions have embeddings of 16 numbers, which are expanded to 128. A block is an RMSNorm and two
branches that are subtracted from each other, both weighted: efficient attention, in which the block's input
is key and value itself, and a causal depthwise convolution over 32 tokens with SiLU and a dense layer. The
class is told from the first token. Nodes are those that PyTorch's exporter writes.

    python -m tinyc.models.embbert -o embbert.onnx --calibration calibration.npz --evaluate evaluation.npz
"""

from __future__ import annotations

from math import sqrt
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
import onnx_ir as oir

from ..passes.onnx_builder import GraphBuilder

Array = np.ndarray[Any, Any]

OPSET = 18
VOCABULARY, LENGTH, WIDTH, REDUCED, BLOCKS, KERNEL = 8192, 256, 128, 16, 4, 32
SEED = 21
_SPLITS = {"calibration": 1, "evaluation": 2, "head": 3}


def tokens(split: str, count: int, seed: int = SEED) -> Array:
    """``count`` texts of random tokens (n, 256) int64; always the same for a ``seed`` and a ``split``
    (calibration, evaluation or head)."""
    return np.random.default_rng(seed + _SPLITS[split]).integers(0, VOCABULARY, (count, LENGTH))


def build_model(seed: int = SEED) -> onnx.ModelProto:
    """``tokens`` (1, 256) int64 to ``scores`` (1, 2) float32; always the same weights for a ``seed``.

    The head tells texts apart by the direction in which they differ most, as a trained one would, and both
    classes are equally frequent: were one of them the answer to nearly every text, it would say nothing of a
    compiled model that it gives the same answers.
    """
    features = run(_Builder(seed).model(np.eye(WIDTH), np.zeros(WIDTH)), tokens("head", 64, seed))
    mean = features.mean(axis=0)
    direction = np.linalg.svd(features - mean)[2][0]
    head = np.stack([direction, -direction], axis=1)
    return _Builder(seed).model(head, -mean @ head)


def run(model: onnx.ModelProto, texts: Array) -> Array:
    """What ``model`` makes of each of ``texts`` (n, 256) in ONNX Runtime: (n, classes)."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.concatenate([np.asarray(session.run(None, {"tokens": text[None]})[0]) for text in texts])


class _Builder:
    def __init__(self, seed: int) -> None:
        self.graph = GraphBuilder("embbert")
        self.random = np.random.default_rng(seed)

    def model(self, head: Array, bias: Array) -> onnx.ModelProto:
        graph = self.graph
        x = self.embedding(graph.input("tokens", [1, LENGTH], oir.DataType.INT64))
        for number in range(BLOCKS):
            x = self.block(f"blocks.{number}", x)
        first = graph.op("Gather", "first", [x, graph.weight("first.index", np.array(0))], axis=1)
        weight = graph.weight("head.weight", head.astype(np.float32))
        scores = graph.op("MatMul", "head", [first, weight])
        added = graph.weight("head.bias", bias.astype(np.float32))
        return graph.model({"scores": graph.op("Add", "head", [scores, added])}, OPSET)

    def embedding(self, given: oir.Value) -> oir.Value:
        table = self.graph.weight("token.weight", self.normal(VOCABULARY, REDUCED))
        found = self.graph.op("Gather", "token", [table, given])
        positions = self.graph.weight("position.weight", self.normal(1, LENGTH, REDUCED))
        expanded = [
            self.product(f"{name}_expander", reduced, REDUCED, WIDTH)
            for name, reduced in (("token", found), ("position", positions))
        ]
        return self.graph.op("Add", "embedder", expanded)

    def block(self, scope: str, x: oir.Value) -> oir.Value:
        x = self.normalized(f"{scope}.norm", x)
        attended = self.linear(f"{scope}.output", self.attention(scope, x), WIDTH, WIDTH)
        convolved = self.linear(f"{scope}.contract", self.convolution(scope, x), WIDTH, WIDTH)
        weighted = [
            self.scaled(f"{scope}.lambda{i}", branch, float(np.exp(self.random.normal(0, 0.1))))
            for i, branch in enumerate((attended, convolved), 1)
        ]
        return self.graph.op("Sub", scope, weighted)

    def normalized(self, scope: str, x: oir.Value) -> oir.Value:
        """RMSNorm as exporters write it for opsets that do not have it."""
        graph = self.graph
        square = graph.op("Pow", scope, [x, graph.weight(f"{scope}.two", np.array([2.0], np.float32))])
        mean = graph.op("ReduceMean", scope, [square, graph.weight(f"{scope}.axis", np.array([-1]))])
        safe = graph.op("Add", scope, [mean, graph.weight(f"{scope}.epsilon", np.array([1e-6], np.float32))])
        ratio = graph.op("Div", scope, [x, graph.op("Sqrt", scope, [safe])])
        return graph.op("Mul", scope, [ratio, graph.weight(f"{scope}.weight", self.near_one(WIDTH))])

    def attention(self, scope: str, x: oir.Value) -> oir.Value:
        """softmax(Q · xᵀ / √width) · x, with Q a linear function of x."""
        graph, scope = self.graph, f"{scope}.attention"
        query = self.linear(f"{scope}.query", x, WIDTH, WIDTH)
        keys = graph.op("Transpose", scope, [x], perm=[0, 2, 1])
        scores = graph.op("MatMul", f"{scope}.scores", [query, keys])
        divisor = graph.weight(f"{scope}.root", np.array(sqrt(WIDTH), np.float32))
        weights = graph.op("Softmax", scope, [graph.op("Div", scope, [scores, divisor])], axis=-1)
        return graph.op("MatMul", f"{scope}.context", [weights, x])

    def convolution(self, scope: str, x: oir.Value) -> oir.Value:
        graph, scope = self.graph, f"{scope}.conv"
        bound = 1 / sqrt(KERNEL)
        operands = [
            graph.op("Transpose", f"{scope}.in", [x], perm=[0, 2, 1]),
            graph.weight(f"{scope}.weight", self.uniform(bound, WIDTH, 1, KERNEL)),
            graph.weight(f"{scope}.bias", self.uniform(bound, WIDTH)),
        ]
        y = graph.op("Conv", scope, operands, group=WIDTH, kernel_shape=[KERNEL], pads=[KERNEL - 1, 0])
        y = graph.op("Transpose", f"{scope}.out", [y], perm=[0, 2, 1])
        return graph.op("Mul", scope, [y, graph.op("Sigmoid", scope, [y])])

    def linear(self, scope: str, x: oir.Value, inputs: int, outputs: int) -> oir.Value:
        y = self.product(scope, x, inputs, outputs)
        bias = self.graph.weight(f"{scope}.bias", self.uniform(1 / sqrt(inputs), outputs))
        return self.graph.op("Add", scope, [y, bias])

    def product(self, scope: str, x: oir.Value, inputs: int, outputs: int) -> oir.Value:
        weight = self.uniform(1 / sqrt(inputs), inputs, outputs)
        return self.graph.op("MatMul", scope, [x, self.graph.weight(f"{scope}.weight", weight)])

    def scaled(self, scope: str, x: oir.Value, factor: float) -> oir.Value:
        return self.graph.op("Mul", scope, [x, self.graph.weight(scope, np.array(factor, np.float32))])

    def uniform(self, bound: float, *shape: int) -> Array:
        return self.random.uniform(-bound, bound, shape).astype(np.float32)

    def normal(self, *shape: int) -> Array:
        return self.random.normal(size=shape).astype(np.float32)

    def near_one(self, *shape: int) -> Array:
        return (1 + 0.1 * self.random.normal(size=shape)).astype(np.float32)


_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(help="Write a text encoder of EmbBERT-Q's shape as ONNX.")
@click.option("-o", "--output", type=_FILE, required=True, metavar="FILE.onnx")
@click.option("--calibration", type=_FILE, metavar="X.npz", help="Write 32 texts of random tokens here.")
@click.option("--evaluate", type=_FILE, metavar="Y.npz", help="Write 500 others here.")
@click.option("--seed", type=int, default=SEED, show_default=True, help="Of weights and of tokens.")
def main(output: Path, calibration: Path | None, evaluate: Path | None, seed: int) -> None:
    """Writes the model and, where asked for, the tokens."""
    onnx.save(build_model(seed), output)
    for path, split, count in ((calibration, "calibration", 32), (evaluate, "evaluation", 500)):
        if path:
            np.savez_compressed(path, tokens=tokens(split, count, seed))


if __name__ == "__main__":
    main()
