"""A labelled set of heads of an endless cast: a folder that LabelImg could have written, and people.csv.

Every head is called "head" (`--names`: by who it is); the rule of its box is the drawn set's
(`datasets.drawn.dataset`). Heads of which less than half is to be seen, and those under 12 pixels, are
difficult. people.csv says of each who it is, how it is seen (degrees) and in which manner it is drawn. Every
picture is drawn from (seed, number) alone.
"""

import csv
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.anybody.gathering import HARD, Gathering, draw_gathering
from datasets.drawn.crowd import HeadLabel, labelled_heads
from datasets.voc import VocObject, write_annotation
from files.parallel import cores
from files.writing import write_text

NAME, SMALL = "head", 12  # pixels
COLOURLESS = ("manga", "sketch")  # manners in which hair and eyes have no hue to know somebody by
VALIDATION = 20  # every so many-th picture is for validation
_CHUNK = 32
COLUMNS = (
    *("picture", "number", "xmin", "ymin", "xmax", "ymax"),
    *("yaw", "pitch", "tilt", "visible", "manner"),
)


@dataclass(frozen=True)
class Options:
    """Draws a labelled set of heads of an endless cast."""

    output_dir: Path
    """Folder to make; it must not exist."""
    pictures: int = 20_000
    """How many pictures."""
    people: int = 5_000
    """How many different people appear in them."""
    seed: int = 0
    """Another seed draws other people and other pictures."""
    lookalikes: bool = False
    """With things that look like heads and are none: fists, hats, backs."""
    names: bool = False
    """Heads are called by who it is instead of "head"; those without colours "somebody"."""


def objects_of(picture: Gathering, names: bool = False) -> list[VocObject]:
    """The heads of a picture as LabelImg writes them, called by who it is if `names` are asked for."""
    objects = []
    for head in picture.heads:
        name = NAME
        if names:
            name = "somebody" if picture.manner in COLOURLESS else f"person {head.number:02d}"
        small = head.box[3] - head.box[1] < SMALL
        label = HeadLabel(name, head.box, 0.0 if small or head.visible < HARD else 1.0)
        objects += labelled_heads([label], picture.width, picture.height)
    return objects


def draw_some(options: Options, numbers: range) -> list[tuple]:
    """Draws and writes some pictures; gives the rows of people.csv."""
    rows = []
    for number in numbers:
        picture = draw_gathering(options.seed, number, options.people, lookalikes=options.lookalikes)
        stem = f"anybody_{number:06d}"
        path = options.output_dir / "JPEGImages" / f"{stem}.jpg"
        path.write_bytes(picture.jpeg)
        xml, named = (
            options.output_dir / "Annotations" / f"{stem}.xml",
            Path("anybody/JPEGImages") / path.name,
        )
        write_annotation(xml, named, picture.width, picture.height, objects_of(picture, options.names))
        for head in picture.heads:
            view, box = head.view, (round(side, 1) for side in head.box)
            angles = (round(angle) for angle in (view.yaw, view.pitch, view.tilt))
            rows.append((path.name, head.number, *box, *angles, round(head.visible, 2), picture.manner))
    return rows


def draw_set(options: Options, progress: Callable[[int], None]) -> None:
    """Draws the set; `progress` is told the number of pictures done.

    Raises:
        FileExistsError: the folder is there.
    """
    for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (options.output_dir / name).mkdir(parents=True)
    count, size = options.pictures, _CHUNK
    chunks = [range(first, min(first + size, count)) for first in range(0, count, size)]
    pool = ProcessPoolExecutor(cores(), mp_context=multiprocessing.get_context("spawn"))
    with pool, (options.output_dir / "people.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for chunk, rows in zip(chunks, pool.map(partial(draw_some, options), chunks), strict=True):
            table.writerows(rows)
            progress(chunk.stop)
    stems = [f"anybody_{number:06d}" for number in range(count)]
    lists = {"val": stems[::VALIDATION], "train": [stems[i] for i in range(count) if i % VALIDATION]}
    for split, some in lists.items():
        path = options.output_dir / "ImageSets" / "Main" / f"{split}.txt"
        write_text(path, "".join(f"{one}\n" for one in some))
