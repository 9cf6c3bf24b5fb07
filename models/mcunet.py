"""A search space in the manner of MCUNet (Lin et al., arXiv 2007.10319): networks of inverted residuals over
ProxylessNAS's stages (arXiv 1812.00332), with random weights from a fixed seed.

``python -m tinyc.models.mcunet --width 0.5 --size 112 --seed 3 -o m.onnx`` draws a member;
``--depths 2,3,2,3,2 --kernels 3,5,7,3,5,7 --expand 3,6,4,3,6,6`` names one. As in MCUNet the classifier
follows the last stage without a wide convolution in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
import onnx

from .convnet import ConvNet, make_divisible


@dataclass(frozen=True)
class Stage:
    """``channels`` at width 1 and the stride of the first block."""

    channels: int
    stride: int


STEM = 32
FIRST = 16
STAGES = (Stage(24, 2), Stage(40, 2), Stage(80, 2), Stage(96, 1), Stage(192, 2), Stage(320, 1))
"""The stages that are searched; the last is one block, whatever the others' depths."""

DEPTHS = (2, 3, 4)
KERNELS = (3, 5, 7)
EXPANSIONS = (3, 4, 6)


@dataclass(frozen=True)
class Member:
    """One network of the space: blocks of each stage but the last, kernel and expansion of each stage."""

    depths: tuple[int, ...]
    kernels: tuple[int, ...]
    expansions: tuple[int, ...]


def draw_member(seed: int) -> Member:
    """The member that ``seed`` stands for."""
    random = np.random.default_rng(seed)

    def draw(choices: Sequence[int], count: int) -> tuple[int, ...]:
        return tuple(random.choice(choices, count).tolist())

    return Member(
        draw(DEPTHS, len(STAGES) - 1), draw(KERNELS, len(STAGES)), draw(EXPANSIONS, len(STAGES))
    )


def build_model(member: Member, width: float, size: int, classes: int = 1000) -> onnx.ModelProto:
    """``input`` (1, 3, ``size``, ``size``) float32 to ``output`` (1, ``classes``) float32.

    ``width`` multiplies the channels of all layers.
    """
    net = ConvNet("mcunet", size)
    x = net.conv_relu6("first_conv", net.input, make_divisible(STEM * width), 3, 2)
    x = net.inverted_residual("blocks.0", x, make_divisible(FIRST * width), 3, 1, 1)
    index = 1
    parts = zip(STAGES, (*member.depths, 1), member.kernels, member.expansions, strict=True)
    for stage, depth, kernel, expansion in parts:
        for block in range(depth):
            stride = stage.stride if block == 0 else 1
            channels = make_divisible(stage.channels * width)
            x = net.inverted_residual(f"blocks.{index}", x, channels, kernel, stride, expansion)
            index += 1
    return net.classifier(x, classes)


def _numbers(choices: Sequence[int], count: int) -> Callable[..., tuple[int, ...] | None]:
    """A callback that reads ``count`` numbers separated by commas, each out of ``choices``."""
    allowed = {str(choice): choice for choice in choices}

    def read(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[int, ...] | None:
        if text is None:
            return None
        parts = [part.strip() for part in text.split(",")]
        if len(parts) != count or not allowed.keys() >= set(parts):
            wanted = f"{count} of {', '.join(allowed)}, separated by commas"
            raise click.BadParameter(f"{text!r} is not {wanted}")
        return tuple(allowed[part] for part in parts)

    return read


@click.command(help="Write a member of an MCUNet-like search space with random weights as ONNX.")
@click.option("--width", type=click.FloatRange(0.05, 4), default=1.0, show_default=True)
@click.option("--size", type=click.IntRange(1, 1024), default=160, show_default=True, help="Pixels.")
@click.option("--classes", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Draws what is not given.")
@click.option("--depths", callback=_numbers(DEPTHS, len(STAGES) - 1), help="Of stages 1-5, as 2,3,4,2,2.")
@click.option("--kernels", callback=_numbers(KERNELS, len(STAGES)), help="Of stages 1-6, as 3,5,7,3,5,3.")
@click.option("--expand", callback=_numbers(EXPANSIONS, len(STAGES)), help="Of stages 1-6, as 3,4,6,3,6,6.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE.onnx"
)
def main(
    width: float, size: int, classes: int, seed: int, depths: tuple[int, ...] | None,
    kernels: tuple[int, ...] | None, expand: tuple[int, ...] | None, output: Path,
) -> None:  # fmt: skip
    """Writes the model; the same options give the same bytes."""
    given = {"depths": depths, "kernels": kernels, "expansions": expand}
    member = replace(draw_member(seed), **{name: part for name, part in given.items() if part is not None})
    onnx.save(build_model(member, width, size, classes), output)
    stages = "; ".join(f"{name} {','.join(map(str, part))}" for name, part in vars(member).items())
    click.echo(f"{output}: width {width:g}, {size}×{size}, {stages}, random weights")


if __name__ == "__main__":
    main()
