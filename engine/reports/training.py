"""What a training leaves behind for people, made from its folder alone.

report.html: what ran, how it learnt, from what, how good the best weights are on the validation set, and what
would help.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from boxes.anchor_fitting import best_anchors
from datasets.pictures import PictureError, read_picture
from datasets.records import RecordDataset
from engine.measures.measure import Measurements, measure
from engine.measures.strangers import promise_of
from engine.measures.trained_on import leak_notes_of
from engine.reports.evaluation import evaluation_content, in_short, most_mixed_up, read_gallery
from engine.reports.page import counted, jpeg_uri, percent, render_page, sentences, themed
from engine.training.between_steps import METRICS_CSV, number_of, read_steps
from engine.training.run_folder import read_metrics
from engine.training.train import measure_best_weights, records_of
from files.writing import write_text
from nets.checkpoint import WEIGHTS, read_checkpoint
from visualization.dataset_figure import plot_dataset
from visualization.drawing import scale_to
from visualization.plots import plot_training

REPORT = "report.html"
GALLERY_PICTURES = 6
_FIRST_BATCH_PIXELS = 1200
_MOST_BOXES = 20_000  # drawn and compared with anchors; more would change nothing that one can see

_NOTHING_LEARNT = 0.05  # mAP
_FEW_TO_JUDGE = 10  # objects; below, one picture more or less decides the figure


def write_training_report(
    folder: Path, *, dataset_dir: Path | None = None, say: Callable[[str], None] = print
) -> Path:
    """Writes the report of a training that has saved weights, finished or not, and says where it is.

    `dataset_dir` is where its records are now, if they have moved. ValueError: no checkpoint, or no records.
    """
    checkpoint = read_checkpoint(folder)
    dataset, validation, problem = records_of(checkpoint, dataset_dir)
    said = {**checkpoint.config.get("options", {}), **checkpoint.config.get("chosen", {})}
    training = dataset.split_name(said.get("dataset_split_name", "train"))
    boxes, counts = _boxes(dataset, (training, validation))
    metrics = read_metrics(folder)
    rows, _ = read_steps(folder / METRICS_CSV)
    columns = dict.fromkeys(name for row in rows for name in row)
    # NaN where a row has nothing; {} without the file.
    progress = {name: [number_of(row.get(name, "")) for row in rows] for name in columns}
    curve = progress.get("step", []), progress.get("map_voc07", [])
    told = how_it_learnt(*curve, metrics.get("step"), said.get("max_number_of_steps"))
    if validation is None:
        notes = [f"{problem}, so nothing can be said about how good this detector is."]
        fewest = sorted(counts[training].items(), key=lambda pair: pair[1])[:3]
        told = sentences("what_it_learnt_from.txt", fewest=fewest) + told
        content, filenames = {"measurements": None}, ()
    else:
        evaluation = measure_best_weights(checkpoint, dataset, validation)
        found, filenames = measure(evaluation, checkpoint.thresholds), evaluation.filenames
        notes = leak_notes_of(checkpoint, dataset, validation)
        told = in_short(found)[:2] + what_would_help(found, counts[training]) + told
        content = evaluation_content(found, read_gallery(found, dataset, validation, GALLERY_PICTURES))
    for note in notes:
        say(f"Note: {note}")
    network = checkpoint.network
    title = f"Training of {network.name}: {folder.resolve().name}"
    ran = {key: value for key, value in checkpoint.config.items() if key != "dataset"}
    sets = {name: f"{one.pictures} pictures, {one.boxes} boxes" for name, one in dataset.splits.items()}
    ran |= {"dataset": {"labels": list(dataset.labels), **sets}, "best weights": metrics}
    info = dataset.split(training)
    weights = f"weights of step {metrics['step']}" if "step" in metrics else "weights as saved"
    boxes = boxes[:: -(-len(boxes) // _MOST_BOXES) or 1]
    overlaps = best_anchors(network.anchor_layers, boxes)[0]
    pictures = {name: dataset.split(name).pictures for name in counts}
    html = render_page(
        "training.html",
        says=[title, notes, told, dataset.labels, ran, filenames],
        title=title,
        lead=f"{info.pictures} pictures with {info.boxes} boxes of {len(dataset.labels)} names; {weights}"
        + (f", measured on {validation}." if validation else "."),
        notes=notes,
        sentences=told,
        progress=_progress_figures(progress, metrics.get("step")),
        labels=themed(partial(plot_dataset, counts, pictures, boxes, overlaps, network_name=network.name)),
        first_batch=_first_batch(folder),
        ran=ran,
        **content,
    )
    write_text(folder / REPORT, html)
    return folder / REPORT


def report_is_current(folder: Path) -> bool:
    """Whether there is a report of a training's best weights."""
    path = folder / REPORT
    return path.is_file() and path.stat().st_mtime >= (folder / WEIGHTS).stat().st_mtime


def _boxes(
    dataset: RecordDataset, splits: Sequence[str | None]
) -> tuple[np.ndarray, dict[str, dict[str, int]]]:
    """All boxes of some sets, and how many of each name: by set, by name."""
    boxes, counts = [], {}
    for name in dataset.splits:
        if name in splits:
            split = dataset.split(name)
            boxes.append(split.corners)
            numbers = np.bincount(split.classes, minlength=len(dataset.labels) + 1)[1:].tolist()
            counts[name] = dict(zip(dataset.labels, numbers, strict=True))
    return np.concatenate(boxes), counts


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


def what_would_help(measurements: Measurements, trained_boxes: Mapping[str, int]) -> list[str]:
    """What it confuses, and which names, of name -> boxes to learn from, need more pictures."""
    if measurements.result.map_voc07 < _NOTHING_LEARNT:
        return []  # names are no worse than each other, and advice on labels would mislead
    names, mix_ups = measurements.names, most_mixed_up(measurements, 3)
    kind, count = max(measurements.errors.items(), key=lambda item: item[1])
    return sentences(
        "what_would_help.txt",
        mix_ups=[
            f"{marked} for {taken} ({count} of {of})" for marked, taken, count, of in mix_ups if count > 1
        ],
        **_needs_pictures(measurements, trained_boxes),
        kind=kind,
        count=count,
        few=[name for name, one in names.items() if 0 < one.objects < _FEW_TO_JUDGE],
        few_to_judge=_FEW_TO_JUDGE,
        without=[name for name, one in names.items() if not one.objects and name in trained_boxes],
        promise=promise_of(measurements.evaluation, measurements.thresholds),
    )


def _needs_pictures(measurements: Measurements, trained_boxes: Mapping[str, int]) -> dict[str, Any]:
    """Which names are found worst, and whether they are also those with the fewest boxes."""
    rated = {name: one.ap_voc07 for name, one in measurements.names.items() if one.ap_voc07 is not None}
    boxes = {name: trained_boxes.get(name, 0) for name in rated}
    said = {name: f"AP {percent(ap)}, {counted(boxes[name], 'box', 'boxes')}" for name, ap in rated.items()}
    usual = float(np.median(list(boxes.values())))
    lowest = sorted(rated, key=lambda name: (rated[name], boxes[name])) if len(rated) > 1 else []
    upper = {name: (measurements.intervals.ap_voc07[name] or (0.0, 1.0))[1] for name in rated}
    behind = [name for name in lowest if upper[name] < measurements.result.map_voc07][:3]
    return {
        "begin_with": f"{lowest[0]} ({said[lowest[0]]} to learn from)" if lowest and not behind else "",
        "scarce": [f"{name} ({said[name]})" for name in behind if boxes[name] < 0.8 * usual],
        "others": [f"{name} (AP {percent(rated[name])})" for name in behind if boxes[name] >= 0.8 * usual],
        "usual": usual,
    }


def how_it_learnt(
    steps: Sequence[float], precision: Sequence[float], best_step: float | None, total_steps: float | None
) -> list[str]:
    """Whether a longer training would have helped: validations with their mAP in 0...1, steps asked for."""
    if len(steps) < 3 or len(precision) != len(steps) or best_step is None:
        return []
    late = [value for step, value in zip(steps, precision, strict=True) if step >= 0.7 * steps[-1]]
    return sentences(
        "how_it_learnt.txt",
        nothing=max(precision) < _NOTHING_LEARNT,
        step=steps[-1],
        total_steps=total_steps,
        best_step=best_step,
        risen=precision[-1] - min(late),
    )
