"""What an evaluation leaves behind: report.json for programs, report.html for people, detections.json.

All three say the same for the same command: no dates, no times, no temporary names.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from PIL import Image

from boxes.detections import Detections
from engine.average_precision import GroundTruth, NameResult, OperatingPoint
from engine.coco_metric import CocoResult, coco_average_precision
from engine.confusion import Confusion, confusion_matrix
from engine.detections_file import detections_entry, write_detections
from engine.evaluation import Evaluation
from engine.picture_ranking import PictureScore, score_picture, worst_and_best
from nets.checkpoint import write_json
from visualization.colours import hex_colour
from visualization.drawing import draw_boxes
from visualization.figures import DARK, LIGHT, Theme, picture_of
from visualization.plots import Curve, plot_confusion, plot_precision_recall
from visualization.web_font import web_font

TEMPLATE = Path(__file__).with_name("evaluation_report.html")


@dataclass(frozen=True, eq=False)
class Measurements:
    """An evaluation with everything that is derived from it at one score threshold.

    Attributes:
        evaluation: of a model on a split.
        score_threshold: from which detections are reported, as `Detector.detect` does.
        coco: COCO's figures.
        confusion: at the threshold.
        pictures: score of each picture at the threshold.
    """

    evaluation: Evaluation
    score_threshold: float
    coco: CocoResult
    confusion: Confusion
    pictures: tuple[PictureScore, ...]

    @property
    def names(self) -> dict[str, NameResult]:
        """Name -> everything measured for it."""
        return self.evaluation.result.names

    @property
    def overall(self) -> OperatingPoint:
        """Counts over all names at the threshold."""
        points = [result.at(self.score_threshold) for result in self.names.values()]
        return OperatingPoint(
            self.score_threshold,
            right=sum(point.right for point in points),
            wrong=sum(point.wrong for point in points),
            missed=sum(point.missed for point in points),
        )


def measure(evaluation: Evaluation, *, score_threshold: float) -> Measurements:
    """Everything that the reports say about an evaluation."""
    detections, truths = evaluation.detections, evaluation.ground_truths
    judgements = evaluation.result.judgements
    return Measurements(
        evaluation=evaluation,
        score_threshold=score_threshold,
        coco=coco_average_precision(detections, truths, evaluation.sizes),
        confusion=confusion_matrix(
            detections,
            truths,
            tuple(evaluation.result.names),
            score_threshold=score_threshold,
            iou_threshold=evaluation.result.iou_threshold,
        ),
        pictures=tuple(
            score_picture(*one, score_threshold) for one in zip(detections, truths, judgements, strict=True)
        ),
    )


def report_numbers(measurements: Measurements, ran: Mapping[str, Any]) -> dict[str, Any]:
    """The content of report.json; shares are 0...1, null where something is undefined.

    Args:
        measurements: of the evaluation.
        ran: what ran: options, data, checkpoint, versions; taken over as it is.
    """
    evaluation, coco = measurements.evaluation, measurements.coco
    return {
        "images": evaluation.images,
        "objects": sum(result.objects for result in measurements.names.values()),
        "map_voc07": evaluation.map_voc07,
        "map_voc12": evaluation.map_voc12,
        "coco_ap": coco.ap,
        "coco_ap50": coco.ap50,
        "coco_ap75": coco.ap75,
        "coco_ap_small": coco.ap_small,
        "coco_ap_medium": coco.ap_medium,
        "coco_ap_large": coco.ap_large,
        "ap_voc07": evaluation.result.ap_voc07,
        "ap_voc12": evaluation.result.ap_voc12,
        "iou_threshold": evaluation.result.iou_threshold,
        "score_threshold": measurements.score_threshold,
        "at_score_threshold": _point_numbers(measurements.overall),
        "names": {
            name: {
                "objects": result.objects,
                "difficult": result.difficult,
                "ap_voc07": result.ap_voc07,
                "ap_voc12": result.ap_voc12,
                "at_score_threshold": _point_numbers(result.at(measurements.score_threshold)),
                "at_best_f1": None if (best := result.best()) is None else _point_numbers(best),
            }
            for name, result in measurements.names.items()
        },
        "confusion": {
            "names": list(measurements.confusion.names),
            "counts": measurements.confusion.counts.tolist(),
        },
        "pictures": [
            {"image": filename, "f1": score.f1, "margin": score.margin, **_counts(score.counts)}
            for filename, score in zip(evaluation.filenames, measurements.pictures, strict=True)
        ],
        **ran,
    }


def gallery(measurements: Measurements, count: int) -> tuple[list[int], list[int]]:
    """The pictures to show: (the worst, the best), `count` of either."""
    return worst_and_best(measurements.pictures, measurements.evaluation.filenames, count)


def write_reports(
    folder: Path,
    measurements: Measurements,
    *,
    title: str,
    ran: Mapping[str, Any],
    pictures: Mapping[int, np.ndarray],
    gallery_pictures: int,
    notes: Sequence[str] = (),
) -> None:
    """Write report.json, report.html and detections.json.

    Args:
        folder: where to; made if it does not exist.
        measurements: of the evaluation.
        title: of the HTML page.
        ran: what ran, as nested mappings of plain values.
        pictures: number -> uint8 [H, W, 3] for the pictures that `gallery` chose.
        gallery_pictures: `count` of `gallery`.
        notes: warnings that a reader of the numbers must know.
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
    write_json(folder / "report.json", report_numbers(measurements, ran))
    html = render_html(
        measurements, title=title, ran=ran, pictures=pictures, gallery_pictures=gallery_pictures, notes=notes
    )
    temporary = folder / ".report.html.tmp"
    temporary.write_text(html, encoding="utf-8")
    temporary.replace(folder / "report.html")


def render_html(
    measurements: Measurements,
    *,
    title: str,
    ran: Mapping[str, Any],
    pictures: Mapping[int, np.ndarray],
    gallery_pictures: int,
    notes: Sequence[str] = (),
) -> str:
    """The page as text, with all pictures inside; arguments as for `write_reports`."""
    worst, best = gallery(measurements, gallery_pictures)
    # Names and file names come from other people's files: autoescape keeps them text.
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = percent
    curves = _curves(measurements)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=title,
        font=web_font(json.dumps([title, *notes, report_numbers(measurements, ran)], ensure_ascii=False)),
        notes=notes,
        measurements=measurements,
        evaluation=measurements.evaluation,
        coco=measurements.coco,
        overall=measurements.overall,
        threshold=measurements.score_threshold,
        sentences=in_short(measurements),
        rows=name_rows(measurements),
        without_objects=[name for name, result in measurements.names.items() if not result.objects],
        curves={
            shape: {
                key: _png(plot_precision_recall(curves, columns=columns, theme=theme))
                for key, theme in THEMES.items()
            }
            for shape, columns in (("wide", 4), ("narrow", 2))
        },
        curve_columns=min(4, len(curves)),
        confusion={
            key: _png(
                plot_confusion(measurements.confusion.names, measurements.confusion.counts, theme=theme)
            )
            for key, theme in THEMES.items()
        },
        galleries=[
            ("Worst pictures", [_card(measurements, i, pictures[i]) for i in worst]),
            ("Best pictures", [_card(measurements, i, pictures[i]) for i in best]),
        ],
        ran=[(section, _lines(values)) for section, values in ran.items()],
    )


THEMES: dict[str, Theme] = {"light": LIGHT, "dark": DARK}


def percent(value: float | None, digits: int = 1) -> str:
    """0...1 as per cent; n/a for None."""
    return "n/a" if value is None else f"{100 * value:.{digits}f} %"


def name_rows(measurements: Measurements) -> list[dict[str, Any]]:
    """The per-name table, lowest average precision first, names without objects last."""
    rows = [
        {
            "name": name,
            "colour": hex_colour(name),
            "result": result,
            "point": result.at(measurements.score_threshold),
            "best": result.best(),
        }
        for name, result in measurements.names.items()
    ]
    return sorted(rows, key=lambda row: (row["result"].ap_voc07 is None, row["result"].ap_voc07 or 0.0))


def in_short(measurements: Measurements) -> list[str]:
    """The result in a few plain sentences."""
    overall, confusion = measurements.overall, measurements.confusion
    sentences = [
        f"Of {overall.right + overall.missed} marked objects {overall.right} were found "
        f"({percent(overall.recall)}); of {overall.detections} detections with a score of at least "
        f"{measurements.score_threshold:g}, {overall.wrong} were wrong."
    ]
    rated = [
        (result.ap_voc07, result) for result in measurements.names.values() if result.ap_voc07 is not None
    ]
    ap, weakest = min(rated, key=lambda pair: pair[0])
    if len(rated) > 1 and ap < 1:
        sentences.append(
            f"The weakest name is {weakest.name}: average precision {percent(ap)}, {weakest.objects} "
            f"object{'s' if weakest.objects != 1 else ''}."
        )
    mistakes = confusion.counts[:-1, :-1] * (1 - np.eye(len(confusion.names), dtype=int))
    if mistakes.any():
        row, column = np.unravel_index(np.argmax(mistakes), mistakes.shape)
        sentences.append(
            f"The most frequent mix-up is {confusion.names[row]} taken for {confusion.names[column]}: "
            f"{mistakes[row, column]} of {confusion.counts[row].sum()}."
        )
    missed, nothing = int(confusion.counts[:-1, -1].sum()), int(confusion.counts[-1].sum())
    wrong_names = int(mistakes.sum())
    if missed or nothing or wrong_names:
        sentences.append(
            f"Mistakes by kind: {missed} missed, {wrong_names} under another name, "
            f"{nothing} where nothing is marked or something found already."
        )
    else:
        sentences.append("Nothing was missed, mixed up or invented.")
    return sentences


def _curves(measurements: Measurements) -> list[Curve]:
    curves = []
    for result in measurements.names.values():
        if result.ap_voc12 is not None:
            point = result.at(measurements.score_threshold)
            place = (point.recall or 0.0, point.precision) if point.precision is not None else None
            curves.append(Curve(result.name, result.recall, result.precision, result.ap_voc12, place))
    return curves


def _card(measurements: Measurements, number: int, picture: np.ndarray) -> dict[str, Any]:
    """One picture of the gallery: what was marked beside what was detected."""
    evaluation, score = measurements.evaluation, measurements.pictures[number]
    truth: GroundTruth = evaluation.ground_truths[number]
    found: Detections = evaluation.detections[number].above(measurements.score_threshold)
    wrong = [i for i in range(len(found)) if not (score.right[i] or score.ignored[i])]
    return {
        "filename": evaluation.filenames[number],
        "score": score,
        "objects": len(truth),
        "difficult": int(truth.difficult.sum()),
        "detected": len(found),
        "missed": _some([truth.names[i] for i in score.missed]),
        "wrong": _some([f"{found.names[i]} ({100 * found.scores[i]:.0f} %)" for i in wrong]),
        "marked_picture": _jpeg(draw_boxes(picture, truth.boxes, truth.names)),
        "detected_picture": _jpeg(draw_boxes(picture, found.boxes, found.names, found.scores)),
        "width": picture.shape[1],
        "height": picture.shape[0],
    }


def _some(texts: list[str], count: int = 8) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(texts) - count} more" if len(texts) > count else ""
    return ", ".join(texts[:count]) + more


def _lines(values: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Nested mappings as lines of (dotted name, value)."""
    if isinstance(values, Mapping):
        return [
            line
            for key, value in values.items()
            for line in _lines(value, f"{prefix}.{key}" if prefix else key)
        ]
    if isinstance(values, (list, tuple)):
        return [(prefix, ", ".join(map(str, values)))]
    return [(prefix, "not given" if values is None else str(values))]


def _counts(point: OperatingPoint) -> dict[str, int]:
    return {"right": point.right, "wrong": point.wrong, "missed": point.missed}


def _point_numbers(point: OperatingPoint) -> dict[str, Any]:
    return {**asdict(point), "precision": point.precision, "recall": point.recall, "f1": point.f1}


def _png(figure) -> str:
    return _data_uri("image/png", picture_of(figure))


def _jpeg(picture: np.ndarray) -> str:
    file = io.BytesIO()
    # Full colour resolution, as coloured lines and text need it.
    Image.fromarray(picture).save(file, "jpeg", quality=85, subsampling=0)
    return _data_uri("image/jpeg", file.getvalue())


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
