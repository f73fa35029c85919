"""Draws the demo set: anime scenes with labelled heads, a folder that LabelImg could have written.

    python -m datasets.drawn --output_dir runs/demo/drawn

**What is labelled.** The box of a character is the box of the HEAD: the face, the hair that lies on the head,
and what is worn there (ribbons at the roots of tails, hats, headphones, flowers, cat ears). Tails, braids and
long hair count neither beside the head nor below the line through the chin. The box is tight around the drawn
outlines, clipped to the picture, and spans the whole head also where something stands in front of it.
``truncated`` is 1 when the box touches the border (LabelImg's rule); ``difficult`` is 1 when less than 45 %
of the head can be seen. No named head is placed so that less than 20 % of it can be seen.

**Who is labelled.**

* 星野ひかり (Hoshino Hikari): golden twin tails with red ribbons, blue eyes, a sailor uniform.
* 月影レン (Tsukikage Ren): a boy with midnight-blue spikes, cool violet eyes, a mole, a black school uniform.
* 朝倉すず (Asakura Suzu): a brown bob, round red glasses, a yellow hairpin, green eyes, a beige cardigan.
* 白雪ねね (Shirayuki Nene): long silver hair, a straight fringe, cat ears, red eyes, a choker with a bell.
* 花咲もも (Hanasaki Momo): pink braids, a white flower, magenta eyes, a violet kimono.
* Mira: turquoise hair with an ahoge, orange headphones, sleepy amber eyes, a white hoodie.
* Captain Fen: red hair in a ponytail, a navy captain's hat with an anchor, a black eyepatch, a golden eye.
* Tobi: a boy with tousled leaf-green hair, goggles on his forehead, freckles, an orange scarf.

**Strangers** share a hair style with one of them, but have hair and eyes in colours that nobody above has,
and none of their special things; they are not labelled. Some pictures show only strangers, or nobody.

**Episodes** have their own palette, places, line, light and picture quality. Whole episodes are held out: the
lists in ``ImageSets/Main`` never split one. Every picture is drawn from (seed, episode, number) alone, so the
set is the same, byte for byte, on one process or many.
"""

import json
import multiprocessing
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.table import Table

from datasets.drawn.cast import names
from datasets.drawn.crowd import labelled_heads
from datasets.drawn.episodes import make_episode
from datasets.drawn.scene import compose_scene, paint_scene
from datasets.voc import write_annotation
from files.threads import cores

SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}
MARK = "drawn.json"  # says that a folder was made here, and with which options
_CHUNK = 16  # pictures per task: small enough for a smooth progress bar


@dataclass(frozen=True)
class DrawnOptions:
    """Draws anime scenes with labelled heads: a data set to try everything with.

    The folder gets JPEGImages/, Annotations/ (LabelImg's XML) and ImageSets/Main/ with train, val and test
    lists that hold out whole episodes. Next step:

    python tf_convert_data.py --dataset_name=pascalvoc --dataset_dir=D --output_dir=O
    """

    output_dir: Path
    """Folder to make. One that this command made earlier is replaced; any other must be empty or absent."""
    pictures: int = 1800
    """How many pictures; about four fifths go to train, a tenth each to val and test."""
    seed: int = 0
    """Another seed draws other pictures; the same one draws the same files, byte for byte."""
    train_episodes: int = 12
    """Episodes to train on, each with its own palette, places and style."""
    val_episodes: int = 2
    """Episodes held out for validation."""
    test_episodes: int = 2
    """Episodes held out for the test."""
    workers: Annotated[int, tyro.conf.arg(help_behavior_hint="(default: one per core)")] = 0
    """Processes to draw with; 0 for one per core. Does not change the pictures."""


@dataclass(frozen=True)
class _Task:
    """Some pictures of one episode, for one process."""

    folder: Path
    seed: int
    episode: int
    first: int
    count: int


def plan_episodes(options: DrawnOptions) -> dict[str, dict[int, int]]:
    """Returns how many pictures each episode gets: {split: {episode: pictures}}.

    Raises:
        ValueError: too few pictures for the number of episodes, or a split without an episode.
    """
    numbers = {"train": options.train_episodes, "val": options.val_episodes, "test": options.test_episodes}
    if min(numbers.values()) < 1:
        raise ValueError(f"episodes per split are {numbers}; every split needs at least 1")
    total = {split: round(options.pictures * share) for split, share in SHARES.items()}
    total["train"] = options.pictures - total["val"] - total["test"]
    if any(total[split] < numbers[split] for split in SHARES):
        raise ValueError(
            f"pictures is {options.pictures}, which gives {total} pictures for {numbers} episodes; every "
            "episode needs at least one: ask for more pictures or for fewer episodes"
        )
    plan: dict[str, dict[int, int]] = {}
    episode = 1
    for split, count in numbers.items():
        plan[split] = {}
        for index in range(count):
            plan[split][episode] = total[split] * (index + 1) // count - total[split] * index // count
            episode += 1
    return plan


def stem_of(episode: int, index: int) -> str:
    """Returns the name of a picture without its extension."""
    return f"episode{episode:02d}_{index:06d}"


def draw_dataset(
    options: DrawnOptions, progress: Callable[[int], None] = lambda done: None
) -> dict[str, Counter[str]]:
    """Draws the set; the folder appears under its name only when it is complete.

    Args:
        options: what to draw and where.
        progress: called with the number of pictures done.

    Returns:
        for every split how often each name was drawn; the key "" counts pictures without anyone labelled.

    Raises:
        ValueError: the output folder holds something else, or the numbers do not fit together.
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
        _write_lists(plan, temporary / "ImageSets" / "Main")
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


def _draw_all(
    options: DrawnOptions, plan: dict[str, dict[int, int]], folder: Path, progress: Callable[[int], None]
) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {split: Counter() for split in plan}
    split_of = {episode: split for split, episodes in plan.items() for episode in episodes}
    tasks = [
        _Task(folder, options.seed, episode, first, min(_CHUNK, count - first))
        for episodes in plan.values()
        for episode, count in episodes.items()
        for first in range(0, count, _CHUNK)
    ]
    done = 0
    for task, found in _run(tasks, options.workers):
        counts[split_of[task.episode]].update(found)
        done += task.count
        progress(done)
    return counts


def _write_lists(plan: dict[str, dict[int, int]], folder: Path) -> None:
    stems = {
        split: [stem_of(episode, index) for episode, count in episodes.items() for index in range(count)]
        for split, episodes in plan.items()
    }
    stems["trainval"] = stems["train"] + stems["val"]
    for split, lines in stems.items():
        (folder / f"{split}.txt").write_text("".join(f"{stem}\n" for stem in lines))


def _check_target(folder: Path) -> None:
    """Raises ValueError when the folder holds something that was not drawn here."""
    if folder.is_dir():
        inside = {path.name for path in folder.iterdir()}
        strange = sorted(inside - {"Annotations", "JPEGImages", "ImageSets", MARK})
        if inside and (MARK not in inside or strange):
            raise ValueError(
                f"{folder} is not empty and holds {', '.join((strange or sorted(inside))[:3])}, which was "
                "not drawn here; name another --output_dir, or empty this one"
            )
    elif folder.exists():
        raise ValueError(f"{folder} is a file; --output_dir must name a folder")


def _run(tasks: list[_Task], workers: int) -> Iterator[tuple[_Task, Counter[str]]]:
    count = min(workers or cores(), len(tasks))
    if count <= 1:
        for task in tasks:
            yield task, _draw_some(task)
        return
    # fresh processes: forking one that may hold TensorFlow's threads is not safe
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from zip(tasks, pool.map(_draw_some, tasks), strict=True)


def _draw_some(task: _Task) -> Counter[str]:
    """Draws and writes the pictures of a task; returns how often each name was drawn."""
    episode = make_episode(task.seed, task.episode)
    found: Counter[str] = Counter()
    for index in range(task.first, task.first + task.count):
        scene, source = compose_scene(task.seed, episode, index)
        stem, objects = stem_of(task.episode, index), labelled_heads(scene.labels, scene.width, scene.height)
        (task.folder / "JPEGImages" / f"{stem}.jpg").write_bytes(paint_scene(scene, source))
        # a path that is the same on every machine, so that the set is too
        picture, path = (
            Path("drawn") / "JPEGImages" / f"{stem}.jpg",
            task.folder / "Annotations" / f"{stem}.xml",
        )
        write_annotation(path, picture, scene.width, scene.height, objects)
        found.update(item.name for item in objects)
        found[""] += not objects
    return found


def counts_table(counts: dict[str, Counter[str]]) -> Table:
    table = Table("", *counts, title="heads drawn")
    for name in (*names(), ""):
        table.add_row(name or "pictures without anyone", *(str(count[name]) for count in counts.values()))
    return table
