"""Measures `tools.who_appears` on drawn episodes, of which is known who is to be seen when.

    python -m benchmarks.series --output_dir=runs/series --episodes=12

Draws episodes of the demo's eight characters and of strangers, none of which is in the demo's pictures, runs
the command, and prints minutes of every name as found and in truth, strangers' seconds under a name, memory,
and how many times faster than the films it was. Drawing takes longest: by default a second has one drawing,
not twelve, which the command, that looks once a second, cannot tell, and pictures are small. Both make it
faster: the speed that holds is that of `--drawings=12 --height=720 --episodes=1`.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

import datasets.drawn_video as drawn_video
from benchmarks.labelling_effort import MOVABLE
from datasets.drawn.crowd import HeadLabel
from datasets.drawn.shots import Shot, heads_at, make_shots, shot_at
from terminal.bars import counting_bars, show_table
from terminal.command import command
from terminal.quiet import start_tensorflow

STRANGER = "(strangers)"


@dataclass(frozen=True)
class Options:
    """Measures tools.who_appears on drawn episodes."""

    output_dir: Path
    """Films, which are kept, and results, which are made anew."""
    episodes: int = 12
    """How many, from 18 on."""
    seconds: float = 1440.0
    """Of each."""
    drawings: int = 1
    """A second, 1 to 12."""
    height: int = 360
    """Of the pictures, in pixels."""
    checkpoint_path: Path = Path("checkpoints/drawn_lite")
    """Of the characters."""


def film(options: Options, episode: int) -> drawn_video.FilmOptions:
    path = options.output_dir / f"films_{options.drawings}" / f"episode{episode}.mp4"
    width = options.height * 16 // 18 * 2
    return drawn_video.FilmOptions(path, options.seconds, episode=episode, width=width, height=options.height)


def with_strangers(shot: Shot) -> Shot:
    """The shot, in which strangers have a name, so that their heads are labelled too."""
    people = [replace(one.person, name=one.person.name or STRANGER) for one in shot.scene.figures]
    figures = (replace(one, person=who) for one, who in zip(shot.scene.figures, people, strict=True))
    return replace(shot, scene=replace(shot.scene, figures=tuple(figures)))


def truth(options: drawn_video.FilmOptions) -> list[tuple[HeadLabel, ...]]:
    """The heads at every whole second."""
    shots = make_shots(options.seed, options.episode, options.seconds, options.width, options.height)
    named = {shot.start: with_strangers(shot) for shot in shots}
    return [
        heads_at(named[shot_at(shots, second).start], float(second)) for second in range(int(options.seconds))
    ]


def strangers_named(heads: tuple[HeadLabel, ...], entry: dict) -> bool:
    """Whether a box with a name lies on a stranger's head."""
    from boxes.geometry import iou

    found = np.array([one["box"] for one in entry["detections"]], np.float32).reshape(-1, 4)
    if not len(found) or not heads:
        return False
    overlaps = np.asarray(iou(np.array([head.box for head in heads], np.float32), found))
    on = [heads[best] for best in overlaps.argmax(0)]
    return any(h.name == STRANGER and o >= MOVABLE for h, o in zip(on, overlaps.max(0), strict=True))


@command("python -m benchmarks.series")
def main(options: Options) -> None:
    console = Console()
    start_tensorflow()
    drawn_video.FRAMES = drawn_video.TWOS * options.drawings
    films = [film(options, 18 + number) for number in range(options.episodes)]
    with counting_bars(console) as bars:
        for one in films:
            name = f"drawing {one.output_path.stem}"
            drawn_video.draw_video(one, lambda done, name=name, one=one: bars(name, done, one.frames))
    found = options.output_dir / f"found_{options.drawings}"
    shutil.rmtree(found, ignore_errors=True)  # a film that was looked at before would take no time
    started = time.monotonic()
    command = ["-m", "tools.who_appears", f"--checkpoint_path={options.checkpoint_path}"]
    videos = [str(one.output_path) for one in films]
    process = subprocess.Popen([sys.executable, *command, f"--output_dir={found}", *videos])
    _, status, used = os.wait4(process.pid, 0)
    took = time.monotonic() - started
    if status:
        raise SystemExit(f"tools.who_appears ended with status {status}")

    entries = json.loads((found / "detections.json").read_text(encoding="utf-8"))
    by_film = {
        one.output_path.stem: [e for e in entries if e["image"] == one.output_path.stem] for one in films
    }
    seconds = {True: Counter(), False: Counter()}  # whether they are true, of names
    strangers = named = 0
    for row in csv.DictReader((found / "characters.csv").read_text(encoding="utf-8").splitlines()):
        seconds[False][row["name"]] += int(row["seconds"])
    for one in films:
        for heads, entry in zip(truth(one), by_film[one.output_path.stem], strict=True):
            names = {head.name for head in heads}
            seconds[True].update(names - {STRANGER})
            strangers += STRANGER in names
            named += STRANGER in names and strangers_named(heads, entry)
    table = [
        (
            name,
            f"{true / 60:.1f}",
            f"{seconds[False][name] / 60:.1f}",
            f"{seconds[False][name] / true - 1:+.1%}",
        )
        for name, true in seconds[True].most_common()
    ]
    show_table(console, ("name", "minutes", "found", "wrong by"), table)
    length = sum(one.seconds for one in films)
    console.print(f"strangers: {named} of {strangers} seconds under a name, {named / max(1, strangers):.1%}")
    console.print(f"{length / 60:.0f} min in {took:.0f} s: {length / took:.1f} times their speed")
    console.print(f"at most {used.ru_maxrss / 2**20:.2f} GiB of memory")


if __name__ == "__main__":
    sys.exit(main())
