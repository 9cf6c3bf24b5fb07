"""Recurrent cells as ONNX has them (LSTM-22, GRU-22, RNN-22): gates and activation functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .functions import Function

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
"""How many rows of weights there are for each unit: i, o, f, c; z, r, h; or one."""

USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
"""The functions f, g and h where the model names none."""

_ALPHA, _BETA = "alpha", "beta"
_PARAMETERS: dict[str, dict[str, float]] = {
    "Affine": {_ALPHA: 1.0, _BETA: 0.0},
    "Elu": {_ALPHA: 1.0},
    "HardSigmoid": {_ALPHA: 0.2, _BETA: 0.5},
    "LeakyRelu": {_ALPHA: 0.01},
    "Relu": {},
    "ScaledTanh": {_ALPHA: 1.0, _BETA: 1.0},
    "Sigmoid": {},
    "Softplus": {},
    "Softsign": {},
    "Tanh": {},
    "ThresholdedRelu": {_ALPHA: 1.0},
}
"""The functions that there are, with the parameters of each and what these are by default."""
_BY_NAME = {name.casefold(): name for name in _PARAMETERS}


@dataclass(frozen=True)
class Functions:
    """The functions of a layer, those of the forward direction first."""

    operator: str
    all: tuple[Function, ...]

    @classmethod
    def of(cls, operator: str, attributes: Mapping[str, Any]) -> Functions:
        """Those that ``attributes`` name. Each takes the next number of ``activation_alpha`` and of
        ``activation_beta`` where it has such a parameter, as ONNX Runtime has it.

        Raises ValueError with what is wrong: their number, or a function that there is not.
        """
        directions = 2 if attributes.get("direction", "forward") == "bidirectional" else 1
        names = list(attributes.get("activations") or USUAL[operator] * directions)
        if len(names) != len(USUAL[operator]) * directions:
            raise ValueError(f"it names {len(names)} activations, not {len(USUAL[operator]) * directions}")
        given = {key: iter(attributes.get(f"activation_{key}") or ()) for key in (_ALPHA, _BETA)}
        found: list[Function] = []
        for name in names:
            known = _BY_NAME.get(str(name).casefold())
            if known is None:
                raise ValueError(f"its activation {name!r} is none that ONNX has")
            usual = _PARAMETERS[known]
            found.append(Function(known, {key: next(given[key], value) for key, value in usual.items()}))
        return cls(operator, tuple(found))

    def halves(self) -> tuple[Functions, Functions]:
        """Of a bidirectional layer those of its directions."""
        middle = len(self.all) // 2
        return Functions(self.operator, self.all[:middle]), Functions(self.operator, self.all[middle:])

    def attributes(self) -> dict[str, list[str] | list[float]]:
        """The attributes that name these functions."""
        return {
            "activations": [function.name for function in self.all],
            **{
                f"activation_{key}": [f.parameters[key] for f in self.all if key in f.parameters]
                for key in (_ALPHA, _BETA)
            },
        }
