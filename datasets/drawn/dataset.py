"""Draws the demo set: anime scenes with labelled heads, a folder that LabelImg could have written.

    python -m datasets.drawn --output_dir runs/demo/drawn

**What is labelled.** The box of a character is the box of the HEAD: the face, the hair that lies on the head,
and what is worn there (ribbons at the roots of tails, hats, headphones, flowers, cat ears). Tails, braids and
long hair count neither beside the head nor below the line through the chin. The box is tight around the drawn
outlines, clipped to the picture, and spans the whole head also where something stands in front of it.
``truncated`` is 1 when the box touches the border (LabelImg's rule); ``difficult`` is 1 when less than 45 %
of the head can be seen. No named head is placed so that less than 20 % of it can be seen.

**Who is labelled.** The eight of cast.toml. Strangers share a hair style with one of them, but have hair and
eyes in colours that nobody of them has, and none of their special things. Some pictures show only strangers,
or nobody.

**Episodes** have their own palette, places, line, light and picture quality. Whole episodes are held out: the
lists in ``ImageSets/Main`` never split one. Every picture is drawn from (seed, episode, number) alone, so the
set is the same, byte for byte, on one process or many.
"""

import json
import multiprocessing
import shutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro

from datasets.drawn.crowd import labelled_heads
from datasets.drawn.scene import compose_scene, make_episode, paint_scene
from datasets.voc import write_annotation
from files.parallel import cores

SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}
MARK = "drawn.json"  # says that a folder was made here, and with which options
_CHUNK = 16  # pictures per task: small enough for a smooth progress bar

Plan = dict[str, dict[int, int]]  # {split: {episode: pictures}}
Chunk = tuple[str, int, range]  # (split, episode, pictures of it)
Counts = dict[str, Counter[str]]  # {split: {name: heads}}; "" counts pictures without anyone labelled


@dataclass(frozen=True)
class DrawnOptions:
    #: Folder to make. One that this command made earlier is replaced; any other must be empty or absent.
    output_dir: Path
    pictures: int = 1800  #: How many pictures; about four fifths go to train, a tenth each to val and test.
    seed: int = 0  #: Another seed draws other pictures; the same one draws the same files, byte for byte.
    train_episodes: int = 12  #: Episodes to train on, each with its own palette, places and style.
    val_episodes: int = 2  #: Episodes held out for validation.
    test_episodes: int = 2  #: Episodes held out for the test.
    #: Processes to draw with; 0 for one per core. Does not change the pictures.
    workers: Annotated[int, tyro.conf.arg(help_behavior_hint="(default: one per core)")] = 0


def plan_episodes(options: DrawnOptions) -> Plan:
    """Returns how many pictures each episode gets; ValueError where one, or a split, would get none."""
    numbers = {"train": options.train_episodes, "val": options.val_episodes, "test": options.test_episodes}
    if min(numbers.values()) < 1:
        raise ValueError(f"episodes per split are {numbers}; every split needs at least 1")
    total = {split: round(options.pictures * share) for split, share in SHARES.items()}
    total["train"] = options.pictures - total["val"] - total["test"]
    if any(total[split] < numbers[split] for split in SHARES):
        cure = "every episode needs at least one: ask for more pictures or for fewer episodes"
        gives = f"which gives {total} pictures for {numbers} episodes"
        raise ValueError(f"pictures is {options.pictures}, {gives}; {cure}")
    plan: Plan = {}
    first = 1
    for split, count in numbers.items():
        ends = [total[split] * index // count for index in range(count + 1)]
        plan[split] = {first + index: ends[index + 1] - ends[index] for index in range(count)}
        first += count
    return plan


def stem_of(episode: int, index: int) -> str:
    """Returns the name of a picture without its extension."""
    return f"episode{episode:02d}_{index:06d}"


def draw_dataset(options: DrawnOptions, progress: Callable[[int], None] = lambda done: None) -> Counts:
    """Draws the set; the folder appears under its name only when it is complete.

    ``progress`` is called with the number of pictures done. ValueError where the folder holds something else,
    or the numbers do not fit together.
    """
    plan = plan_episodes(options)
    folder = options.output_dir
    _check_target(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.drawing")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
            (temporary / name).mkdir(parents=True)
        counts = _draw_all(options, plan, temporary, progress)
        stems = {
            split: [stem_of(episode, index) for episode, count in episodes.items() for index in range(count)]
            for split, episodes in plan.items()
        }
        for split, lines in {**stems, "trainval": stems["train"] + stems["val"]}.items():
            text = "".join(f"{stem}\n" for stem in lines)
            (temporary / "ImageSets" / "Main" / f"{split}.txt").write_text(text)
        made_with = asdict(options)
        del made_with["output_dir"], made_with["workers"]
        (temporary / MARK).write_text(json.dumps(made_with, indent=2) + "\n")
        _check_target(folder)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return counts


def _draw_all(options: DrawnOptions, plan: Plan, folder: Path, progress: Callable[[int], None]) -> Counts:
    chunks: list[Chunk] = [
        (split, episode, range(first, min(first + _CHUNK, count)))
        for split, episodes in plan.items()
        for episode, count in episodes.items()
        for first in range(0, count, _CHUNK)
    ]
    counts: Counts = {split: Counter() for split in plan}
    workers, done = min(options.workers or cores(), len(chunks)), 0
    # fresh processes: forking one that may hold TensorFlow's threads is not safe
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        each = pool.map if workers > 1 else map
        for chunk, found in zip(chunks, each(partial(_draw_some, folder, options.seed), chunks), strict=True):
            split, _, indices = chunk
            counts[split].update(found)
            done += len(indices)
            progress(done)
    return counts


def _check_target(folder: Path) -> None:
    """Raises ValueError when the folder holds something that was not drawn here."""
    if folder.is_dir():
        inside = {path.name for path in folder.iterdir()}
        strange = sorted(inside - {"Annotations", "JPEGImages", "ImageSets", MARK})
        if inside and (MARK not in inside or strange):
            what = f"{', '.join((strange or sorted(inside))[:3])}, which was not drawn here"
            cure = "name another --output_dir, or empty this one"
            raise ValueError(f"{folder} is not empty and holds {what}; {cure}")
    elif folder.exists():
        raise ValueError(f"{folder} is a file; --output_dir must name a folder")


def _draw_some(folder: Path, seed: int, chunk: Chunk) -> Counter[str]:
    """Draws and writes pictures of an episode; returns how often each name was drawn."""
    _, number, indices = chunk
    episode = make_episode(seed, number)
    found: Counter[str] = Counter()
    for index in indices:
        scene, source = compose_scene(seed, episode, index)
        stem, objects = stem_of(number, index), labelled_heads(scene.labels, scene.width, scene.height)
        (folder / "JPEGImages" / f"{stem}.jpg").write_bytes(paint_scene(scene, source))
        # a path that is the same on every machine, so that the set is too
        picture = Path("drawn") / "JPEGImages" / f"{stem}.jpg"
        write_annotation(folder / "Annotations" / f"{stem}.xml", picture, scene.width, scene.height, objects)
        found.update(item.name for item in objects)
        found[""] += not objects
    return found
