"""What a training leaves behind for people, made from its folder alone.

report.html: what ran, how it learnt, from what, and how good the best weights are on the validation set.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from boxes.anchor_fitting import best_anchors
from datasets.look_alikes import leak_notes
from datasets.pictures import PictureError, read_picture
from datasets.records import RecordDataset, read_boxes, traces_of_records
from engine.evaluation import read_pictures
from engine.measures.measure import Measurements, measure
from engine.reports.evaluation import evaluation_content
from engine.reports.page import jpeg_uri, lines, render_page, themed
from engine.reports.words import how_it_learnt, in_short, what_it_learnt_from, what_would_help
from engine.training.log import METRICS_CSV
from engine.training.train import measure_best_weights, records_of
from files.writing import write_text
from nets.checkpoint import METRICS, WEIGHTS, Checkpoint, read_checkpoint
from visualization.dataset_figure import plot_dataset
from visualization.plots import plot_training
from visualization.sheets import scale_to

REPORT = "report.html"
GALLERY_PICTURES = 6
_GALLERY_PIXELS = 420
_FIRST_BATCH_PIXELS = 1200
_MOST_BOXES = 20_000  # compared with anchors; more would change nothing that one can see


def write_training_report(
    folder: Path,
    *,
    dataset_dir: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Writes the report.

    Args:
        folder: of a training that has saved weights; a finished one or not.
        dataset_dir: where its records are now, if they have moved.
        say: prints a line.

    Returns:
        The report.

    Raises:
        ValueError: no checkpoint, or its records cannot be read.
    """
    checkpoint = read_checkpoint(folder)
    dataset, validation, problem = records_of(checkpoint, dataset_dir)
    training = dataset.split_name(checkpoint.config.get("options", {}).get("dataset_split_name", "train"))
    notes: list[str] = []
    measurements = None
    if validation is None:
        notes.append(f"{problem}, so nothing can be said about how good this detector is.")
    else:
        evaluation = measure_best_weights(checkpoint, dataset, validation)
        measurements = measure(evaluation, checkpoint.thresholds)
        traces, seen = (traces_of_records(dataset.split(name).files) for name in (validation, training))
        notes += leak_notes(traces, seen, validation, training)
    for note in notes:
        say(f"Note: {note}")
    html = _render(folder, checkpoint, dataset, training, validation, measurements, notes)
    write_text(folder / REPORT, html)
    return folder / REPORT


def report_is_current(folder: Path) -> bool:
    """Whether there is a report of a training's best weights."""
    path = folder / REPORT
    return path.is_file() and path.stat().st_mtime >= (folder / WEIGHTS).stat().st_mtime


def _render(
    folder: Path,
    checkpoint: Checkpoint,
    dataset: RecordDataset,
    training: str,
    validation: str | None,
    measurements: Measurements | None,
    notes: list[str],
) -> str:
    network, info = checkpoint.network, dataset.split(training)
    path = folder / METRICS
    metrics = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    boxes, counts = _boxes(dataset, (training, validation))
    title = f"Training of {network.name}: {folder.resolve().name}"
    said = {**checkpoint.config.get("options", {}), **checkpoint.config.get("chosen", {})}
    progress = _read_progress(folder)
    sentences = how_it_learnt(
        progress.get("step", []),
        progress.get("map_voc07", []),
        metrics.get("step"),
        said.get("max_number_of_steps"),
    )
    content: dict[str, Any] = {"measurements": None}
    if measurements is None or validation is None:
        sentences = what_it_learnt_from(counts[training]) + sentences
    else:
        sentences = in_short(measurements)[:2] + what_would_help(measurements, counts[training]) + sentences
        shown = [number for part in measurements.gallery(GALLERY_PICTURES) for number in part]
        pictures = read_pictures(dataset, validation, shown, longest=_GALLERY_PIXELS)
        content = evaluation_content(measurements, pictures, GALLERY_PICTURES, {})
    ran = _what_ran(checkpoint, dataset, metrics)
    filenames = () if measurements is None else measurements.evaluation.filenames
    weights = f"weights of step {metrics['step']}" if "step" in metrics else "weights as saved"
    compared = boxes[:: -(-len(boxes) // _MOST_BOXES) or 1]
    return render_page(
        "training.html",
        says=[title, notes, sentences, dataset.labels, ran, filenames],
        title=title,
        lead=f"{info.pictures} pictures with {info.boxes} boxes of {len(dataset.labels)} names; {weights}"
        + (f", measured on {validation}." if validation else "."),
        notes=notes,
        sentences=sentences,
        progress=_progress_figures(progress, metrics.get("step")),
        labels=themed(
            partial(
                plot_dataset,
                counts,
                {name: dataset.split(name).pictures for name in counts},
                boxes,
                best_anchors(network.anchor_layers, compared)[0],
                network_name=network.name,
            )
        ),
        first_batch=_first_batch(folder),
        ran=[(section, lines(values)) for section, values in ran.items()],
        **content,
    )


def _what_ran(checkpoint: Checkpoint, dataset: RecordDataset, metrics: dict) -> dict[str, Any]:
    """Sections of the page's last part: config.json, what it learnt from, and the best weights' figures."""
    ran = {key: value for key, value in checkpoint.config.items() if key != "dataset"}
    ran["dataset"] = {
        "labels": list(dataset.labels),
        **{name: f"{one.pictures} pictures, {one.boxes} boxes" for name, one in dataset.splits.items()},
    }
    return {**ran, "best weights": metrics}


def _boxes(
    dataset: RecordDataset, splits: Sequence[str | None]
) -> tuple[np.ndarray, dict[str, dict[str, int]]]:
    """All boxes of some sets, and how many of each name: by set, by name."""
    boxes, counts = [], {}
    for name in dataset.splits:
        if name in splits:
            some, classes = read_boxes(dataset.split(name).files)
            boxes.append(some)
            counts[name] = {label: int(np.sum(classes == i)) for i, label in enumerate(dataset.labels, 1)}
    return np.concatenate(boxes), counts


def _read_progress(folder: Path) -> dict[str, list[float]]:
    """The columns of metrics.csv; NaN where a row has nothing. {} without the file."""
    path = folder / METRICS_CSV
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [float(row.get(name) or math.nan) for row in rows] for name in names}


def _progress_figures(progress: Mapping[str, list[float]], best_step: float | None) -> dict[str, Any] | None:
    if not progress.get("step") or "loss" not in progress:
        return None
    losses = {name: progress[name] for name in ("loss", "boxes", "names", "background") if name in progress}
    curves = progress["step"], losses, progress.get("map_voc07", []), progress.get("learning_rate", [])
    plot = partial(plot_training, *curves, best_step=best_step)
    return {"wide": themed(plot), "narrow": themed(partial(plot, columns=1))}


def _first_batch(folder: Path) -> str | None:
    """first_batch.jpg, small enough for a page."""
    try:
        return jpeg_uri(scale_to(read_picture(folder / "first_batch.jpg"), _FIRST_BATCH_PIXELS), quality=80)
    except PictureError:
        return None
