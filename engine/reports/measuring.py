"""Measures a checkpoint, writes the reports, and says on the console what came out."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import rich.box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from datasets.pictures import read_picture
from datasets.records import RecordDataset
from engine.evaluation import evaluate_model
from engine.measures.measure import Measurements, measure
from engine.measures.strangers import detect_strangers
from engine.measures.trained_on import leak_notes_of
from engine.reports.evaluation import GALLERY_PIXELS, read_gallery, write_reports
from engine.reports.options import EvaluationOptions
from engine.reports.page import percent, sentences
from files.below import sha256_of
from nets.checkpoint import WEIGHTS, Checkpoint, build_model, read_checkpoint
from nets.saving import versions
from nets.thresholds import Thresholds
from terminal.bars import counting_bars
from visualization.drawing import draw_detections, scale_to


def measure_checkpoint(
    options: EvaluationOptions, dataset: RecordDataset, folder: Path, console: Console
) -> Measurements:
    """Measure a checkpoint folder, write report.html, report.json and detections.json, and say the figures.

    ValueError where the set or the checkpoint cannot be used, or there is nothing to measure.
    """
    checkpoint = read_checkpoint(folder)
    split = dataset.split_name(options.dataset_split_name)
    info, pictures = dataset.split(split), dataset.split(split).pictures
    if pictures and info.difficult.all():
        what = f"{pictures} pictures have no marked object that counts. {info.note}"
        raise ValueError(f"{dataset.folder}, {split}: {what}".rstrip())
    total = min(pictures, options.most_pictures or pictures)
    notes = _name_notes(dataset.labels, checkpoint.labels)
    if total < pictures:
        notes.append(f"Only the first {total} of the {pictures} pictures of {split} were measured.")
    notes += filter(None, [info.note])
    notes += leak_notes_of(checkpoint, dataset, split)
    for note in notes:
        console.print(Text(f"Warning: {note}", style="yellow"), soft_wrap=True)
    found = _measure(options, checkpoint, dataset, split, min(options.batch_size, total) or 1, console)
    console.print(_name_table(found))
    for line in sentences("evaluation_figures.txt", measurements=found):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    worst = [] if found.strangers is None else found.strangers.worst[: options.gallery_pictures]
    strangers = options.strangers_dir or Path()
    write_reports(
        options.eval_dir,
        found,
        title=f"{checkpoint.network.name} on {split} of {options.dataset_dir.name or options.dataset_dir}",
        ran=_what_ran(options, dataset, split, checkpoint),
        gallery=read_gallery(found, dataset, split, options.gallery_pictures),
        strangers=[
            (name, draw_detections(scale_to(read_picture(strangers / name), GALLERY_PIXELS), detections))
            for name, detections in worst
        ],
        notes=notes,
    )
    page = options.eval_dir / "report.html"
    console.print(f"See {page}", highlight=False, markup=False, soft_wrap=True)
    return found


def _measure(
    options: EvaluationOptions,
    checkpoint: Checkpoint,
    dataset: RecordDataset,
    split: str,
    batch_size: int,
    console: Console,
) -> Measurements:
    """The measures of a checkpoint, on strangers too if there are any."""
    model, network, labels = build_model(checkpoint), checkpoint.network, checkpoint.labels
    thresholds, strangers = checkpoint.thresholds, []
    if options.score_threshold is not None:
        thresholds = Thresholds(options.score_threshold, unknown=thresholds.unknown)
    with counting_bars(console) as progress:
        evaluation = evaluate_model(
            model,
            network,
            dataset,
            split,
            batch_size=batch_size,
            max_pictures=options.most_pictures,
            labels=labels,
            progress=progress,
        )
        if options.strangers_dir is not None:
            strangers = detect_strangers(
                model, network, labels, options.strangers_dir, batch_size=batch_size, progress=progress
            )
    return measure(evaluation, thresholds, strangers=strangers)


def _what_ran(
    options: EvaluationOptions, dataset: RecordDataset, split: str, checkpoint: Checkpoint
) -> dict[str, dict[str, Any]]:
    """What a reader of the numbers needs to repeat them, as plain values."""
    info = dataset.split(split)
    return {
        "options": {
            name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()
        },
        "dataset": {
            "labels": list(dataset.labels),
            "split": split,
            "pictures": info.pictures,
            "boxes": info.boxes,
            "files": [path.name for path in info.files],
        },
        "checkpoint": {
            "model_name": checkpoint.network.name,
            "labels": list(checkpoint.labels),
            "weights_sha256": sha256_of(checkpoint.folder / WEIGHTS),
        },
        "versions": versions("faster-coco-eval"),
    }


def _name_notes(dataset_labels: Sequence[str], checkpoint_labels: Sequence[str]) -> list[str]:
    """What a reader must know when data and checkpoint do not name the same; ValueError: none in common."""
    unknown = [name for name in dataset_labels if name not in checkpoint_labels]
    unseen = [name for name in checkpoint_labels if name not in dataset_labels]
    if len(unknown) == len(dataset_labels):
        raise ValueError(
            f"The checkpoint knows none of the dataset's names, so there is nothing to measure: it knows "
            f"{', '.join(checkpoint_labels)}; the dataset has {', '.join(dataset_labels)}. Names are "
            "compared letter by letter; is this the right checkpoint?"
        )
    return sentences("name_notes.txt", unknown=unknown, unseen=unseen)


def _name_table(measurements: Measurements) -> Table:
    """The per-name table for the screen, lowest average precision first."""
    overall, result = measurements.overall, measurements.result
    caption = f"counts, precision and recall at {measurements.threshold_text}"
    table = Table(show_footer=True, caption=caption, box=rich.box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("name", "all")
    footers = {
        "AP07": percent(result.map_voc07),
        "AP12": percent(result.map_voc12),
        "objects": str(overall.right + overall.missed),
        "from": "",
        "found": str(overall.right),
        "wrong": str(overall.wrong),
        "precision": percent(overall.precision),
        "recall": percent(overall.recall),
    }
    for heading, footer in footers.items():
        table.add_column(heading, footer, justify="right", no_wrap=True)
    for one in measurements.worst_first:
        point = measurements.point(one.name)
        table.add_row(
            Text(one.name), percent(one.ap_voc07), percent(one.ap_voc12), str(one.objects),
            f"{point.threshold:.2f}", str(point.right), str(point.wrong), percent(point.precision),
            percent(point.recall),
        )  # fmt: skip
    return table
