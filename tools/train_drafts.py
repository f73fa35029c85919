"""Trains a detector on what is labelled so far, and lets it draft the rest: one round of labelling.

    python -m tools.train_drafts --dataset_dir=my_set

It does what a person would type: conversion (a fifth of the pictures is kept to measure by), training by
--recipe=small_cpu, evaluation, drafts of all that nobody has said to be right. The first round starts where
the recipe does, or from --checkpoint_path; later ones there again if it is an ssd_300_lite, others from the
detector before, which also labels what it is sure of among the other pictures. Its detector is in
MY_SET_rounds/, whose rounds.json says what each brought. `make label DATASET=my_set TRAIN=1` runs them.

Exit status: 0; 1 if a step failed, in a sentence; 2 for wrong flags; 130 after Ctrl-C.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from files.locking import locked
from labelling.drafts import draft_targets, find_pictures
from labelling.rounds import MORE, add_round, expected_gain, read_rounds, round_of, rounds_of
from terminal.command import command, say

_TOP = Path(__file__).resolve().parent.parent
# What all but an ssd_300_lite go on with, from labelled pictures and others: docs/heads.md, labelling.md.
_GOES_ON = ("--learning_rate=1e-3", "--anchors=start", "--batch_size=16", "--max_number_of_steps=600")


@dataclass(frozen=True)
class Options:
    dataset_dir: Path  #: JPEGImages/ and Annotations/, or a folder with pictures and XML side by side.
    #: What the first round starts from, as train_ssd_network.py takes it: COCO's weights where you have them.
    checkpoint_path: str | None = None


def train_round(options: Options, folder: Path, console: Console) -> None:
    """One round, in a folder; ValueError where nothing is labelled, or a step failed."""
    from nets.checkpoint import read_config  # it starts Keras

    targets = draft_targets(find_pictures(options.dataset_dir))
    labelled = sum(one.saved for one in targets)
    if labelled < 2:
        raise ValueError(f"{options.dataset_dir}: {labelled} labelled pictures are too few; label some more")
    data, records = f"--dataset_dir={options.dataset_dir}", folder / "records"
    new, last, before = folder / "training", folder / "detector", folder / "before"
    shutil.rmtree(new, ignore_errors=True)  # of a round that did not end
    _run("tf_convert_data", data, f"--output_dir={records}", "--split_fractions", "0.8", "0.2", "0")
    start = []
    if last.is_dir() and (model := read_config(last)["model_name"]) != "ssd_300_lite":
        start = [f"--checkpoint_path={last}", f"--model_name={model}", *_GOES_ON]
        if labelled < len(targets):
            start.append(f"--unlabelled_dir={options.dataset_dir}")
    elif options.checkpoint_path is not None:
        start = [f"--checkpoint_path={options.checkpoint_path}"]
    trained = f"--dataset_dir={records}"
    _run("train_ssd_network", trained, f"--train_dir={new}", "--recipe=small_cpu", *start)
    validated = "--dataset_split_name=validation", f"--eval_dir={new / 'eval'}"
    _run("eval_ssd_network", trained, f"--checkpoint_path={new}", *validated)
    if last.is_dir():
        shutil.rmtree(before, ignore_errors=True)
        last.rename(before)
    new.rename(last)
    shutil.rmtree(before, ignore_errors=True)
    _run("tools.preannotate", data, f"--checkpoint_path={last}")
    add_round(folder, round_of(last / "eval" / "report.json", records / "dataset.json", labelled))
    rounds = read_rounds(folder)
    low, high = rounds[-1].interval
    gain, deviation = expected_gain(rounds, MORE).get("", (0.0, 0.0))
    more = f"; {MORE} more: {gain:+.3f} ± {deviation:.3f}" if deviation else ""
    mean = rounds[-1].map_voc07
    say(console, f"{labelled} labelled pictures: mAP {mean:.3f} ({low:.3f} to {high:.3f}){more}; {last}")


def _run(module: str, *arguments: str) -> None:
    """A command of this project; ValueError where it fails: it has said why."""
    path = os.pathsep.join([str(_TOP), os.environ.get("PYTHONPATH", "")])
    line = [sys.executable, "-m", module, *arguments]
    if status := subprocess.run(line, env={**os.environ, "PYTHONPATH": path}).returncode:
        raise ValueError(f"{module} ended with status {status}; what it says above is the reason")


@command("python -m tools.train_drafts", interrupted="the same command begins the round anew")
def main(options: Options) -> None:
    if hasattr(os, "nice"):
        os.nice(10)  # somebody labels meanwhile
    folder = rounds_of(options.dataset_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, f"{folder}: another round is at work there; wait for it, or stop it"):
        train_round(options, folder, Console(stderr=True))


if __name__ == "__main__":
    raise SystemExit(main())
