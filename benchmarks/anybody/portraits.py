"""Portraits of anybody: one head to a picture, the same people again and again, to learn who is who by.

    python -m benchmarks.anybody.portraits --output_path=portraits.npy --people=4000 --shots=10

writes uint8 [people * shots, side, side, 3] RGB; a person's shots lie together. Every one is drawn from
(seed, person, shot) alone.
"""

import multiprocessing
import random
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import skia
from rich.console import Console

from benchmarks.anybody.gathering import draw_somebody, finish, paint_place, pale, random_style
from benchmarks.anybody.people import make_somebody, sample_view
from datasets.drawn.pen import Easel
from files.parallel import cores
from terminal.bars import counting_bars
from terminal.command import command

HEAD = 2.2  # height of a head with its hair, in head units
CLOSE, FAR = 0.8, 1.7  # the picture's side, in heads
_CHUNK = 64


@dataclass(frozen=True)
class Options:
    """Draws portraits of anybody."""

    output_path: Path
    """A NumPy file to make."""
    people: int = 4_000
    """How many different people."""
    shots: int = 10
    """Portraits of each."""
    side: int = 96
    """Of a portrait, in pixels."""
    seed: int = 0
    """Another seed draws other people."""


def draw_portrait(seed: int, number: int, shot: int, side: int) -> np.ndarray:
    """A person's portrait: uint8 [side, side, 3] RGB."""
    source = random.Random(f"portrait {seed} {number} {shot}")
    manner, style = random_style(source)
    surface = skia.Surface(side, side)
    easel = Easel(surface.getCanvas(), side, side)
    paint_place(easel, source, seed)
    unit = side / HEAD / source.uniform(CLOSE, FAR)
    where = {axis: side * source.gauss(0.5, 0.07) for axis in ("x", "y")}
    if source.random() < 0.25:  # somebody else beside
        aside = {"x": side * source.choice((-0.1, 1.1)), "y": side * source.uniform(0.3, 0.8)}
        other = make_somebody(seed + 1, source.randrange(10_000))
        draw_somebody(easel.canvas, other, style, replace(sample_view(source), **aside, unit=unit))
    view = sample_view(source)
    if abs(view.yaw) > 100:  # nobody is known from behind
        view = replace(view, yaw=source.gauss(0, 30))
    if abs(view.tilt) > 60:
        view = replace(view, tilt=source.gauss(0, 12))
    person = make_somebody(seed, number)
    person = pale(person) if manner == "sketch" else person
    draw_somebody(easel.canvas, person, style, replace(view, **where, unit=unit))
    pixels = np.array(surface.makeImageSnapshot().toarray()[..., 2::-1])
    return finish(pixels, source, manner)


def draw_some(options: Options, numbers: range) -> np.ndarray:
    """All portraits of some people."""
    seed, side = options.seed, options.side
    return np.stack([draw_portrait(seed, n, shot, side) for n in numbers for shot in range(options.shots)])


@command("python -m benchmarks.anybody.portraits")
def main(options: Options) -> None:
    count, size = options.people, _CHUNK
    chunks = [range(first, min(first + size, count)) for first in range(0, count, size)]
    shape = (count * options.shots, options.side, options.side, 3)
    drawn = np.lib.format.open_memmap(options.output_path, "w+", np.uint8, shape)
    pool = ProcessPoolExecutor(cores(), mp_context=multiprocessing.get_context("spawn"))
    with pool, counting_bars(Console(stderr=True)) as progress:
        for chunk, some in zip(chunks, pool.map(partial(draw_some, options), chunks), strict=True):
            drawn[chunk.start * options.shots : chunk.stop * options.shots] = some
            progress("people", chunk.stop, count)


if __name__ == "__main__":
    sys.exit(main())
