"""Which operators have no kernel, and what of that is meant to stay so."""

from __future__ import annotations

import onnx_ir as oir

from ...ir.errors import ModelError
from ...kernels.registry import OPERATORS
from ..onnx_graph import FUSED_DOMAIN, PATCH_DOMAIN, SPIKING_DOMAIN, has_known_domain

_FUNCTIONS = {FUSED_DOMAIN, SPIKING_DOMAIN, PATCH_DOMAIN}
"""Domains whose operators are functions that the model brings."""
_STRUCTURAL = {"QuantizeLinear", "DequantizeLinear", "Reshape", "Transpose", "Identity"}

_OUT_OF_SCOPE = {
    "training, and models are compiled for inference": ("Adagrad", "Adam", "Gradient", "Momentum"),
    "random numbers, and the same inputs give the same outputs here": (
        "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike",
    ),
    "sequences or optional values, which have no planned size": (
        "ConcatFromSequence", "Optional", "OptionalGetElement", "OptionalHasElement", "SequenceAt",
        "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength",
        "SequenceMap", "SplitToSequence",
    ),
    "text": ("RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit", "TfIdfVectorizer"),
    "maps from text or numbers": ("CategoryMapper", "DictVectorizer", "LabelEncoder", "ZipMap"),
}  # fmt: skip
"""What operators do that tinyc does not compile on purpose."""


def unsupported_operators(model: oir.Model) -> list[oir.Node]:
    """Nodes whose operator has no kernel, in graph order."""
    known = _STRUCTURAL | OPERATORS.keys()
    return [
        node
        for node in model.graph
        if not has_known_domain(node)
        or node.op_type not in known
        or (node.domain in _FUNCTIONS and node.op_identifier() not in model.functions)
    ]


def refuse_unsupported(model: oir.Model) -> None:
    """ModelError listing every node whose operator has no kernel."""
    unknown = unsupported_operators(model)
    if not unknown:
        return
    lines = [
        f"{(node.domain + '.') if node.domain else ''}{node.op_type} (node {node.name!r})" for node in unknown
    ]
    kinds = sorted({node.op_type for node in unknown})
    reasons = sorted({_reason(node) for node in unknown})
    raise ModelError(
        f"The model uses operators that tinyc does not know: {', '.join(kinds)}",
        where="\n".join(lines),
        why="; ".join(reasons),
        remedy="export the model with other operators, or see docs/adding-operators.md on how to add one",
    )


def _reason(node: oir.Node) -> str:
    for purpose, operators in _OUT_OF_SCOPE.items():
        if node.op_type in operators:
            return f"{node.op_type} is for {purpose}"
    if node.domain == "ai.onnx.ml":
        return f"{node.op_type} is for classical machine learning, of which linear models alone are compiled"
    return "no kernel is registered for them"
