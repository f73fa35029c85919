"""What an evaluation leaves behind: report.json for programs, report.html for people, detections.json.

All three say the same for the same command: no dates, no times, no temporary names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets.problems import some_of
from engine.average_precision import OperatingPoint
from engine.measures.calibration import Reliability
from engine.measures.intervals import LEVEL
from engine.measures.measure import Measurements
from engine.measures.mistakes import KINDS
from engine.measures.strangers import StrangerResult
from engine.reports.detections_file import detections_entry, write_detections
from engine.reports.page import jpeg_uri, lines, render_page, themed
from engine.reports.words import in_short
from files.writing import write_json, write_text
from nets.thresholds import EVIDENCE
from visualization.colours import hex_colour
from visualization.drawing import draw_boxes, draw_detections
from visualization.plots import Curve, plot_confusion, plot_errors, plot_precision_recall, plot_reliability


def report_numbers(measurements: Measurements, ran: Mapping[str, Any]) -> dict[str, Any]:
    """The content of report.json; shares are 0...1, null where something is undefined.

    Args:
        measurements: of the evaluation.
        ran: what ran: options, data, checkpoint, versions; taken over as it is.
    """
    evaluation, errors, intervals = measurements.evaluation, measurements.errors, measurements.intervals
    return {
        "images": evaluation.images,
        "objects": sum(result.objects for result in measurements.names.values()),
        "map_voc07": evaluation.map_voc07,
        "map_voc07_interval": intervals.map_voc07,
        "map_voc12": evaluation.map_voc12,
        "map_voc12_interval": intervals.map_voc12,
        **{f"coco_{figure}": value for figure, value in asdict(measurements.coco).items()},
        "ap_voc07": evaluation.result.ap_voc07,
        "ap_voc07_interval": intervals.ap_voc07,
        "ap_voc12": evaluation.result.ap_voc12,
        "intervals": {"level": LEVEL, "replicates": intervals.replicates, "drawn": "pictures"},
        "iou_threshold": evaluation.result.matches.iou_threshold,
        "score_threshold": measurements.score_threshold,
        "thresholds": {name: measurements.threshold(name) for name in measurements.names},
        "at_score_threshold": _point_numbers(measurements.overall),
        "names": {
            name: {
                "objects": result.objects,
                "difficult": result.difficult,
                "ap_voc07": result.ap_voc07,
                "ap_voc12": result.ap_voc12,
                "at_score_threshold": _point_numbers(measurements.point(name)),
                "at_best_f1": None if (best := result.best()) is None else _point_numbers(best),
            }
            for name, result in measurements.names.items()
        },
        "confusion": {
            "names": measurements.confusion.names,
            "counts": measurements.confusion.counts.tolist(),
        },
        "errors": {kind: {"count": errors.counts[kind], "cost": errors.costs[kind]} for kind in KINDS},
        "calibration": _calibration_numbers(measurements.calibration),
        "without_objects": _stranger_numbers(measurements.without_objects),
        "strangers": _stranger_numbers(measurements.strangers),
        "pictures": [
            {
                "image": filename,
                "f1": score.f1,
                "margin": score.margin,
                "right": score.counts.right,
                "wrong": score.counts.wrong,
                "missed": score.counts.missed,
            }
            for filename, score in zip(evaluation.filenames, measurements.pictures, strict=True)
        ],
        **ran,
    }


def write_reports(
    folder: Path,
    measurements: Measurements,
    *,
    title: str,
    ran: Mapping[str, Any],
    pictures: Mapping[int, np.ndarray],
    gallery_pictures: int,
    stranger_pictures: Mapping[str, np.ndarray],
    notes: Sequence[str],
) -> None:
    """Write report.json, report.html and detections.json.

    Args:
        folder: where to; made if it does not exist.
        measurements: of the evaluation.
        title: of the HTML page.
        ran: what ran, as nested mappings of plain values.
        pictures: number -> uint8 [H, W, 3] for the pictures that `Measurements.gallery` chose.
        gallery_pictures: `count` of the gallery.
        stranger_pictures: file name -> uint8 [H, W, 3] for those of `StrangerResult.worst` to show.
        notes: warnings that a reader of the numbers must know.
    """
    folder.mkdir(parents=True, exist_ok=True)
    evaluation = measurements.evaluation
    found = zip(evaluation.filenames, evaluation.sizes, evaluation.detections, strict=True)
    entries = [detections_entry(filename, *size, detections) for filename, size, detections in found]
    write_detections(folder / "detections.json", entries)
    numbers = report_numbers(measurements, ran)
    write_json(folder / "report.json", numbers)
    html = render_page(
        "evaluation.html",
        says=[title, notes, numbers, list(stranger_pictures)],
        title=title,
        notes=notes,
        sentences=in_short(measurements),
        ran=[(section, lines(values)) for section, values in ran.items()],
        **evaluation_content(measurements, pictures, gallery_pictures, stranger_pictures),
    )
    write_text(folder / "report.html", html)


def evaluation_content(
    measurements: Measurements,
    pictures: Mapping[int, np.ndarray],
    gallery_pictures: int,
    stranger_pictures: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """What `evaluation_parts.html` and `tiles.html` show; arguments as for `write_reports`."""
    confusion, errors, calibration = measurements.confusion, measurements.errors, measurements.calibration
    curves = _curves(measurements)
    strangers, nobody = measurements.strangers, measurements.without_objects
    worst, best = (
        [_card(measurements, number, pictures[number]) for number in numbers]
        for numbers in measurements.gallery(gallery_pictures)
    )
    return {
        "measurements": measurements,
        "evaluation": measurements.evaluation,
        "coco": measurements.coco,
        "overall": measurements.overall,
        "rows": name_rows(measurements),
        "without_objects": [name for name, result in measurements.names.items() if not result.objects],
        "curves": {
            shape: themed(partial(plot_precision_recall, curves, columns=columns))
            for shape, columns in (("wide", 4), ("narrow", 2))
        },
        "curve_columns": min(4, len(curves)),
        "confusion": themed(partial(plot_confusion, confusion.names, confusion.counts)),
        # Both are in the order of KINDS.
        "errors": themed(partial(plot_errors, KINDS, [*errors.costs.values()], [*errors.counts.values()])),
        "reliability": themed(
            partial(plot_reliability, calibration.edges, calibration.shares_right, calibration.counts)
        ),
        "best_rule": EVIDENCE,
        "strangers": [
            (heading, explain, result, _stranger_cards(result, shown))
            for heading, explain, result, shown in (
                ("Strangers", "Pictures that show none of the characters.", strangers, stranger_pictures),
                (
                    "Pictures without anyone marked",
                    "Those of this set: empty scenes, and people whom nobody named.",
                    nobody,
                    {},
                ),
            )
            if result is not None
        ],
        "galleries": [("Worst pictures", worst), ("Best pictures", best)],
    }


def name_rows(measurements: Measurements) -> list[dict[str, Any]]:
    """The per-name table, lowest average precision first, names without objects last."""
    rows = [
        {
            "name": name,
            "colour": hex_colour(name),
            "result": result,
            "interval": measurements.intervals.ap_voc07[name],
            "threshold": measurements.threshold(name),
            "point": measurements.point(name),
            "best": result.best(),
        }
        for name, result in measurements.names.items()
    ]
    return sorted(rows, key=lambda row: (row["result"].ap_voc07 is None, row["result"].ap_voc07 or 0.0))


def _curves(measurements: Measurements) -> list[Curve]:
    curves = []
    for result in measurements.names.values():
        if result.ap_voc12 is not None:
            point = measurements.point(result.name)
            place = (point.recall or 0.0, point.precision) if point.precision is not None else None
            curves.append(Curve(result.name, result.recall, result.precision, result.ap_voc12, place))
    return curves


def _card(measurements: Measurements, number: int, picture: np.ndarray) -> dict[str, Any]:
    """One picture of the gallery: what was marked beside what was detected."""
    evaluation, matches = measurements.evaluation, measurements.evaluation.result.matches
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
        "marked_picture": jpeg_uri(draw_boxes(picture, truth.boxes, truth.names)),
        "detected_picture": jpeg_uri(draw_detections(picture, found)),
        "width": picture.shape[1],
        "height": picture.shape[0],
    }


def _stranger_cards(result: StrangerResult, pictures: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """The pictures of strangers that are there, with what was falsely found on them."""
    return [
        {
            "filename": filename,
            "picture": jpeg_uri(draw_detections(pictures[filename], found)),
            "height": pictures[filename].shape[0],
            "width": pictures[filename].shape[1],
        }
        for filename, found in result.worst
        if filename in pictures
    ]


def _point_numbers(point: OperatingPoint) -> dict[str, Any]:
    return {**asdict(point), "precision": point.precision, "recall": point.recall, "f1": point.f1}


def _calibration_numbers(calibration: Reliability) -> dict[str, Any]:
    columns = {
        "from": calibration.edges[:-1],
        "to": calibration.edges[1:],
        "detections": calibration.counts,
        "mean_score": calibration.mean_scores,
        "share_right": calibration.shares_right,
    }
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    return {
        "expected_calibration_error": calibration.error,
        "mean_score_minus_share_right": calibration.excess,
        "lowest_score": calibration.lowest_score,
        "bins": [
            {key: None if np.isnan(value) else value for key, value in zip(columns, row, strict=True)}
            for row in rows
        ],
    }


def _stranger_numbers(result: StrangerResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    answer = result.unknown
    share = None if answer is None else answer.false_detections / result.pictures
    return {
        "pictures": result.pictures,
        "false_detections": result.false_detections,
        "false_detections_per_picture": result.per_picture,
        "pictures_with_any": result.pictures_with_any,
        "share_of_pictures_with_any": result.share_with_any,
        "by_name": dict(result.by_name),
        "auroc": {"right_detections": result.right_detections, **result.auroc},
        "with_unknown": {}
        if answer is None
        else {EVIDENCE: {**asdict(answer), "false_detections_per_picture": share}},
    }
