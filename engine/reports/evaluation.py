"""What an evaluation leaves behind: report.json for programs, report.html for people, detections.json.

All three say the same for the same command: no dates, no times, no temporary names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets.problems import some_of
from datasets.records import RecordDataset
from engine.average_precision import OperatingPoint
from engine.evaluation import read_pictures
from engine.measures.intervals import LEVEL
from engine.measures.measure import Measurements, worst_and_best
from engine.measures.strangers import StrangerResult
from engine.reports.detections_file import as_line, detections_entry, write_lines
from engine.reports.page import render_page, sentences, themed
from files.writing import write_json, write_text
from nets.thresholds import EVIDENCE
from visualization.drawing import draw_boxes, draw_detections
from visualization.plots import Curve, plot_confusion, plot_errors, plot_precision_recall, plot_reliability

# Longer side of the pictures in a report: readable labels, two beside each other on a page.
GALLERY_PIXELS = 420

Gallery = Sequence[tuple[str, Mapping[int, np.ndarray]]]
"""Headings and the pictures below them: number -> uint8 [H, W, 3]."""


def read_gallery(measurements: Measurements, dataset: RecordDataset, split: str, count: int) -> Gallery:
    """The pictures of a measured split to show: `count` of the worst and of the best."""
    worst, best = worst_and_best(measurements.pictures, measurements.evaluation.filenames, count)
    pictures = read_pictures(dataset, split, [*worst, *best], longest=GALLERY_PIXELS)
    parts = ("Worst pictures", worst), ("Best pictures", best)
    return [(heading, {number: pictures[number] for number in numbers}) for heading, numbers in parts]


def write_reports(
    folder: Path,
    measurements: Measurements,
    *,
    title: str,
    ran: Mapping[str, Any],
    gallery: Gallery,
    strangers: Sequence[tuple[str, np.ndarray]],
    notes: Sequence[str],
) -> None:
    """Write report.json, report.html and detections.json into a folder, which is made if it does not exist.

    Args:
        ran: what ran, as nested mappings of plain values.
        strangers: (file name, uint8 [H, W, 3]) of strangers to show, with what was found on them.
        notes: warnings that a reader of the numbers must know.
    """
    folder.mkdir(parents=True, exist_ok=True)
    evaluation = measurements.evaluation
    found = zip(evaluation.filenames, evaluation.sizes, evaluation.detections, strict=True)
    entries = (detections_entry(filename, *size, detections) for filename, size, detections in found)
    write_lines(folder / "detections.json", map(as_line, entries))
    numbers = report_numbers(measurements, ran)
    write_json(folder / "report.json", numbers)
    html = render_page(
        "evaluation.html",
        says=[title, notes, numbers, [filename for filename, _ in strangers]],
        title=title,
        notes=notes,
        sentences=in_short(measurements),
        ran=ran,
        **evaluation_content(measurements, gallery, strangers),
    )
    write_text(folder / "report.html", html)


def report_numbers(measurements: Measurements, ran: Mapping[str, Any]) -> dict[str, Any]:
    """The content of report.json; shares are 0...1, null where something is undefined."""
    result, errors, intervals = measurements.result, measurements.errors, measurements.intervals
    points = {name: measurements.point(name) for name in measurements.names}
    scores = zip(measurements.evaluation.filenames, measurements.pictures, strict=True)
    return {
        "images": result.matches.pictures,
        "objects": sum(one.objects for one in measurements.names.values()),
        "map_voc07": result.map_voc07,
        "map_voc07_interval": intervals.map_voc07,
        "map_voc12": result.map_voc12,
        "map_voc12_interval": intervals.map_voc12,
        **{f"coco_{figure}": value for figure, value in asdict(measurements.coco).items()},
        "ap_voc07": result.ap_voc07,
        "ap_voc07_interval": intervals.ap_voc07,
        "ap_voc12": result.ap_voc12,
        "intervals": {"level": LEVEL, "replicates": intervals.replicates, "drawn": "pictures"},
        "iou_threshold": result.matches.iou_threshold,
        "score_threshold": measurements.score_threshold,
        "thresholds": {name: point.threshold for name, point in points.items()},
        "at_score_threshold": _point_numbers(measurements.overall),
        "names": {
            name: {
                **{key: getattr(one, key) for key in ("objects", "difficult", "ap_voc07", "ap_voc12")},
                "at_score_threshold": _point_numbers(points[name]),
                "at_best_f1": None if (best := one.best()) is None else _point_numbers(best),
            }
            for name, one in measurements.names.items()
        },
        "confusion": {
            "names": measurements.confusion.names,
            "counts": measurements.confusion.counts.tolist(),
        },
        "errors": errors,
        "calibration": measurements.calibration.as_json(),
        "without_objects": _stranger_numbers(measurements.without_objects),
        "strangers": _stranger_numbers(measurements.strangers),
        "pictures": [
            {
                "image": filename,
                "f1": score.f1,
                "margin": score.margin,
                **{key: getattr(score.counts, key) for key in ("right", "wrong", "missed")},
            }
            for filename, score in scores
        ],
        **ran,
    }


def _point_numbers(point: OperatingPoint) -> dict[str, Any]:
    return {**asdict(point), "precision": point.precision, "recall": point.recall, "f1": point.f1}


def _stranger_numbers(result: StrangerResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    answer, unknown = result.unknown, {}
    if answer is not None:
        share = answer.false_detections / result.pictures
        unknown = {EVIDENCE: {**asdict(answer), "false_detections_per_picture": share}}
    return {
        "pictures": result.pictures,
        "false_detections": result.false_detections,
        "false_detections_per_picture": result.per_picture,
        "pictures_with_any": result.pictures_with_any,
        "share_of_pictures_with_any": result.share_with_any,
        "by_name": dict(result.by_name),
        "auroc": {"right_detections": result.right_detections, **result.auroc},
        "with_unknown": unknown,
    }


def evaluation_content(
    measurements: Measurements, gallery: Gallery, strangers: Sequence[tuple[str, np.ndarray]] = ()
) -> dict[str, Any]:
    """What `evaluation_parts.html` and `tiles.html` show; arguments as for `write_reports`."""
    confusion, errors, calibration = measurements.confusion, measurements.errors, measurements.calibration
    curves = []
    for one in measurements.names.values():
        if one.ap_voc12 is not None:
            point = measurements.point(one.name)
            place = None if point.precision is None else (point.recall or 0.0, point.precision)
            curves.append(Curve(one.name, one.recall, one.precision, one.ap_voc12, place))
    return {
        "measurements": measurements,
        "curves": {
            shape: themed(partial(plot_precision_recall, curves, columns=columns))
            for shape, columns in (("wide", 4), ("narrow", 2))
        },
        "confusion": themed(partial(plot_confusion, confusion.names, confusion.counts)),
        "errors": themed(partial(plot_errors, [*errors], [*errors.values()])),
        "reliability": themed(
            partial(plot_reliability, calibration.edges, calibration.shares_right, calibration.counts)
        ),
        "strangers": strangers,
        "galleries": [
            (heading, [_card(measurements, number, picture) for number, picture in pictures.items()])
            for heading, pictures in gallery
        ],
    }


def _card(measurements: Measurements, number: int, picture: np.ndarray) -> dict[str, Any]:
    """One picture of the gallery: what was marked beside what was detected."""
    evaluation, matches = measurements.evaluation, measurements.result.matches
    truth, found = evaluation.ground_truths[number], evaluation.detections[number]
    found = found.above(measurements.thresholds.of(found.names))
    missed = (matches.object_picture == number) & matches.missed_by(measurements.reported)
    wrong = (matches.picture == number) & measurements.reported & matches.wrong
    wrong_names = zip(matches.name[wrong], matches.score[wrong], strict=True)
    return {
        "filename": evaluation.filenames[number],
        "score": measurements.pictures[number],
        "objects": len(truth),
        "difficult": int(truth.difficult.sum()),
        "detected": len(found),
        "missed": some_of([matches.names[i] for i in matches.object_name[missed]], 8),
        "wrong": some_of([f"{matches.names[i]} ({100 * score:.0f} %)" for i, score in wrong_names], 8),
        "marked_picture": draw_boxes(picture, truth.boxes, truth.names),
        "detected_picture": draw_detections(picture, found),
    }


def in_short(measurements: Measurements) -> list[str]:
    """The result in a few plain sentences."""
    counts = measurements.confusion.counts
    return sentences(
        "evaluation_in_short.txt",
        measurements=measurements,
        rated=[one for one in measurements.worst_first if one.ap_voc07 is not None],
        mix_ups=most_mixed_up(measurements, 1),
        missed=int(counts[:-1, -1].sum()),
        nothing=int(counts[-1].sum()),
        wrong_names=int(_mix_ups(measurements).sum()),
    )


def most_mixed_up(measurements: Measurements, count: int) -> list[tuple[str, str, int, int]]:
    """The most frequent mix-ups: (marked name, detected name, how often, of how many marked)."""
    names, mistakes = measurements.confusion.names, _mix_ups(measurements)
    marked = measurements.confusion.counts.sum(axis=1)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:count]
    rows, columns = np.unravel_index(order[mistakes.flat[order] > 0], mistakes.shape)
    found = zip(rows, columns, mistakes[rows, columns].tolist(), marked[rows].tolist(), strict=True)
    return [(names[row], names[column], *counts) for row, column, *counts in found]


def _mix_ups(measurements: Measurements) -> np.ndarray:
    """How often each name was taken for each other: [K, K], rows = marked."""
    counts = measurements.confusion.counts[:-1, :-1]
    return counts - np.diag(np.diag(counts))
