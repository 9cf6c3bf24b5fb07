"""What a float model becomes in 8 bits, before anybody has seen a sample: its sizes, not its values."""

from __future__ import annotations

import onnx_ir as oir

from ..state_pairs import state_pairs
from .affine import quant_of
from .calibration_only import remove_marked
from .groups import groups_of
from .insertion import insert
from .membranes import known_quants, usual_bits
from .preparation import prepared
from .recurrent import tied_states
from .units import partition
from .weights import to_nearest


def outlined(model: oir.Model) -> oir.Model:
    """The QDQ model that ``quantize`` would make of the canonical float ``model``, with every range from
    −1 to 1 and weights rounded to nearest: the same tensors and layers in the same widths. Nothing is run,
    so it is quick; what it computes means nothing.

    Raises ModelError where the model is quantized already.
    """
    work = prepared(model)
    parts = partition(work)
    ranges = dict.fromkeys(parts.tensors, (-1.0, 1.0))
    tied = [(pair.input, pair.output) for pair in state_pairs(work)] + [*tied_states(work.graph)]
    quants = {
        name: group.fixed or quant_of(-1.0, 1.0, usual_bits(parts, group))
        for group in groups_of(parts, ranges, tied, known_quants(parts, ranges))
        for name in group.members
    }
    layers = [unit for unit in parts.units if unit.rule.weight_axis is not None]
    insert(work, quants, {unit.name: to_nearest(unit, 8, quants) for unit in layers})
    remove_marked(work)
    return work
