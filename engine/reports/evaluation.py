"""What an evaluation leaves behind: report.json for programs, report.html for people, detections.json.

All three say the same for the same command: no dates, no times, no temporary names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from boxes.detections import Detections
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
from nets.unknown import BEST_RULE
from visualization.colours import hex_colour
from visualization.drawing import draw_boxes
from visualization.plots import (
    Curve,
    plot_confusion,
    plot_errors,
    plot_precision_recall,
    plot_reliability,
)


def report_numbers(measurements: Measurements, ran: Mapping[str, Any]) -> dict[str, Any]:
    """The content of report.json; shares are 0...1, null where something is undefined.

    Args:
        measurements: of the evaluation.
        ran: what ran: options, data, checkpoint, versions; taken over as it is.
    """
    evaluation, coco, intervals = measurements.evaluation, measurements.coco, measurements.intervals
    return {
        "images": evaluation.images,
        "objects": sum(result.objects for result in measurements.names.values()),
        "map_voc07": evaluation.map_voc07,
        "map_voc07_interval": list(intervals.map_voc07),
        "map_voc12": evaluation.map_voc12,
        "map_voc12_interval": list(intervals.map_voc12),
        "coco_ap": coco.ap,
        "coco_ap50": coco.ap50,
        "coco_ap75": coco.ap75,
        "coco_ap_small": coco.ap_small,
        "coco_ap_medium": coco.ap_medium,
        "coco_ap_large": coco.ap_large,
        "ap_voc07": evaluation.result.ap_voc07,
        "ap_voc07_interval": {
            name: None if one is None else list(one) for name, one in intervals.ap_voc07.items()
        },
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
            "names": list(measurements.confusion.names),
            "counts": measurements.confusion.counts.tolist(),
        },
        "errors": {
            kind: {"count": measurements.errors.counts[kind], "cost": measurements.errors.costs[kind]}
            for kind in KINDS
        },
        "calibration": _calibration_numbers(measurements.calibration),
        "without_objects": _stranger_numbers(measurements.without_objects),
        "strangers": _stranger_numbers(measurements.strangers),
        "pictures": [
            {"image": filename, "f1": score.f1, "margin": score.margin, **_counts(score.counts)}
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
    notes: Sequence[str] = (),
    stranger_cards: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write report.json, report.html and detections.json.

    Args:
        folder: where to; made if it does not exist.
        measurements: of the evaluation.
        title: of the HTML page.
        ran: what ran, as nested mappings of plain values.
        pictures: number -> uint8 [H, W, 3] for the pictures that `Measurements.gallery` chose.
        gallery_pictures: `count` of the gallery.
        notes: warnings that a reader of the numbers must know.
        stranger_cards: of `stranger_card`, pictures of strangers to show.
    """
    folder.mkdir(parents=True, exist_ok=True)
    evaluation = measurements.evaluation
    write_detections(
        folder / "detections.json",
        [
            detections_entry(filename, *size, found)
            for filename, size, found in zip(
                evaluation.filenames, evaluation.sizes, evaluation.detections, strict=True
            )
        ],
    )
    numbers = report_numbers(measurements, ran)
    write_json(folder / "report.json", numbers)
    html = render_page(
        "evaluation.html",
        says=[title, notes, numbers, [card["filename"] for card in stranger_cards]],
        title=title,
        notes=notes,
        sentences=in_short(measurements),
        ran=[(section, lines(values)) for section, values in ran.items()],
        **evaluation_content(measurements, pictures, gallery_pictures, stranger_cards),
    )
    write_text(folder / "report.html", html)


def evaluation_content(
    measurements: Measurements,
    pictures: Mapping[int, np.ndarray],
    gallery_pictures: int,
    stranger_cards: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """What `evaluation_parts.html` and `tiles.html` show; arguments as for `write_reports`."""
    worst, best = measurements.gallery(gallery_pictures)
    curves = _curves(measurements)
    names, counts = measurements.confusion.names, measurements.confusion.counts
    errors, calibration = measurements.errors, measurements.calibration
    return {
        "measurements": measurements,
        "evaluation": measurements.evaluation,
        "coco": measurements.coco,
        "overall": measurements.overall,
        "rows": name_rows(measurements),
        "without_objects": [name for name, result in measurements.names.items() if not result.objects],
        "curves": {
            shape: themed(
                lambda theme, columns=columns: plot_precision_recall(curves, columns=columns, theme=theme)
            )
            for shape, columns in (("wide", 4), ("narrow", 2))
        },
        "curve_columns": min(4, len(curves)),
        "confusion": themed(lambda theme: plot_confusion(names, counts, theme=theme)),
        "errors": themed(
            lambda theme: plot_errors(
                list(KINDS), [errors.costs[k] for k in KINDS], [errors.counts[k] for k in KINDS], theme=theme
            )
        ),
        "reliability": themed(
            lambda theme: plot_reliability(
                calibration.edges, calibration.shares_right, calibration.counts, theme=theme
            )
        ),
        "best_rule": BEST_RULE,
        "strangers": [
            (heading, explain, result, cards)
            for heading, explain, result, cards in (
                (
                    "Strangers",
                    "Pictures that show none of the characters.",
                    measurements.strangers,
                    stranger_cards,
                ),
                (
                    "Pictures without anyone marked",
                    "Those of this set: empty scenes, and people whom nobody named.",
                    measurements.without_objects,
                    (),
                ),
            )
            if result is not None
        ],
        "galleries": [
            ("Worst pictures", [_card(measurements, i, pictures[i]) for i in worst]),
            ("Best pictures", [_card(measurements, i, pictures[i]) for i in best]),
        ],
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


def stranger_card(filename: str, picture: np.ndarray, found: Detections) -> dict[str, Any]:
    """One picture of strangers with what was falsely found on it.

    Args:
        filename: of the picture.
        picture: uint8 [H, W, 3].
        found: at the thresholds.
    """
    drawn = draw_boxes(picture, found.boxes, found.names, found.scores)
    return {
        "filename": filename,
        "picture": jpeg_uri(drawn),
        "height": picture.shape[0],
        "width": picture.shape[1],
    }


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
        "detected_picture": jpeg_uri(draw_boxes(picture, found.boxes, found.names, found.scores)),
        "width": picture.shape[1],
        "height": picture.shape[0],
    }


def _counts(point: OperatingPoint) -> dict[str, int]:
    return {"right": point.right, "wrong": point.wrong, "missed": point.missed}


def _point_numbers(point: OperatingPoint) -> dict[str, Any]:
    return {**asdict(point), "precision": point.precision, "recall": point.recall, "f1": point.f1}


def _calibration_numbers(calibration: Reliability) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return None if np.isnan(value) else float(value)

    return {
        "expected_calibration_error": calibration.error,
        "mean_score_minus_share_right": calibration.excess,
        "lowest_score": calibration.lowest_score,
        "bins": [
            {"from": float(low), "to": float(high), "detections": int(count), "mean_score": number(score),
             "share_right": number(share)}
            for low, high, count, score, share in zip(
                calibration.edges[:-1], calibration.edges[1:], calibration.counts, calibration.mean_scores,
                calibration.shares_right, strict=True,
            )
        ],
    }  # fmt: skip


def _stranger_numbers(result: StrangerResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {
        "pictures": result.pictures,
        "false_detections": result.false_detections,
        "false_detections_per_picture": result.per_picture,
        "pictures_with_any": result.pictures_with_any,
        "share_of_pictures_with_any": result.share_with_any,
        "by_name": dict(result.by_name),
        "auroc": {"right_detections": result.right_detections, **result.auroc},
        "with_unknown": {}
        if result.unknown is None
        else {
            BEST_RULE: {
                **asdict(result.unknown),
                "false_detections_per_picture": result.unknown.false_detections / result.pictures,
            }
        },
    }
