"""What measuring a face classifier leaves behind: report.json for programs, report.html, names.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from datasets.pictures import PictureError, decode_picture
from engine.measures.calibration import Reliability
from engine.reports.page import jpeg_uri, lines, percent, render_page, themed
from faces.classifier import Judgement
from faces.extraction import crop_face
from faces.folder import Face
from faces.measures import LIKELIEST, FaceMeasures, UnknownMeasures
from faces.plots import plot_epochs
from files.writing import write_json, write_table, write_text
from visualization.colours import hex_colour
from visualization.drawing import contact_sheet, scale_to
from visualization.figures import LIGHT, Theme, picture_of
from visualization.plots import plot_confusion, plot_reliability

_TILE = 112
_MOST_TILES = 60

Sheet = tuple[str, str, np.ndarray]
"""Heading, explanation, uint8 [H, W, 3]."""


def report_numbers(
    measures: FaceMeasures, unknown: UnknownMeasures | None, judgement: Judgement, ran: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of report.json; shares are 0...1, null where something is undefined."""
    return {
        "faces": len(measures.truth),
        "top1": measures.top1,
        "top1_interval": list(measures.top1_interval),
        "top5": measures.top5,
        "mean_recall": measures.mean_recall,
        "calibration": _calibration(measures.calibration),
        "calibration_without_temperature": _calibration(measures.uncalibrated),
        "judgement": asdict(judgement),
        "unknown": None if unknown is None else asdict(unknown),
        "names": {
            one.name: {**asdict(one), "recall": one.recall, "precision": one.precision}
            for one in measures.per_name
        },
        "confusion": {
            "names": [*measures.names, "unknown or stranger"],
            "counts": measures.confusion.tolist(),
        },
        **ran,
    }


def write_face_report(
    folder: Path,
    measures: FaceMeasures,
    *,
    title: str,
    lead: str,
    judgement: Judgement,
    ran: Mapping[str, Any],
    unknown: UnknownMeasures | None = None,
    unknown_text: str = "",
    trained_on: Mapping[str, Mapping[str, int]] | None = None,
    epochs: Sequence[tuple[float, float | None]] = (),
    sheets: Sequence[Sheet] = (),
    notes: Sequence[str] = (),
) -> None:
    """Writes report.json, report.html and names.csv.

    Args:
        folder: where to; made if it does not exist.
        measures: of the faces.
        title: of the page.
        lead: one sentence below it.
        judgement: of the classifier.
        ran: what ran, as nested mappings of plain values.
        unknown: how strangers are told apart.
        unknown_text: who these strangers are.
        trained_on: name -> split -> faces.
        epochs: loss and share of right answers on the validation faces of each.
        sheets: pictures to show.
        notes: warnings that a reader must know.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = report_numbers(measures, unknown, judgement, ran)
    write_json(folder / "report.json", numbers)
    _write_names(folder / "names.csv", measures, trained_on or {})
    strangers = bool(measures.confusion[-1].any())
    losses, top1 = [loss for loss, _ in epochs], [share for _, share in epochs]
    html = render_page(
        "faces.html",
        says=[title, lead, notes, numbers, [sheet[:2] for sheet in sheets]],
        title=title,
        lead=lead,
        notes=notes,
        measures=measures,
        judgement=judgement,
        unknown=unknown,
        unknown_text=unknown_text,
        unknown_row=strangers,
        sentences=in_short(measures, unknown),
        faces=trained_on or {},
        rows=_rows(measures),
        progress={
            shape: themed(
                lambda theme, columns=columns: plot_epochs(losses, top1, columns=columns, theme=theme)
            )
            for shape, columns in (("wide", 2), ("narrow", 1))
        }
        if len(epochs) > 1  # the discriminant has no way to show
        else None,
        confusion=themed(lambda theme: _confusion(measures, theme)),
        reliability=themed(
            lambda theme: plot_reliability(
                measures.calibration.edges,
                measures.calibration.shares_right,
                measures.calibration.counts,
                theme=theme,
            )
        ),
        sheets=[
            (heading, explain, jpeg_uri(picture), picture.shape[1], picture.shape[0])
            for heading, explain, picture in sheets
        ],
        ran=[(section, lines(values)) for section, values in ran.items()],
    )
    write_text(folder / "report.html", html)


def confusion_picture(measures: FaceMeasures) -> np.ndarray:
    """Who is taken for whom: uint8 [h, w, 3]."""
    return decode_picture(picture_of(_confusion(measures, LIGHT), dots_per_inch=110))


def _confusion(measures: FaceMeasures, theme: Theme) -> Figure:
    return plot_confusion(
        measures.names,
        measures.confusion,
        theme=theme,
        no_answer="unknown",
        nobody="strangers",
        corner="is ↓   called →",
    )


def in_short(measures: FaceMeasures, unknown: UnknownMeasures | None) -> list[str]:
    """The result in a few plain sentences."""
    right = int(measures.right.sum())
    low, high = measures.top1_interval
    sentences = [
        f"Of {len(measures.truth)} faces {right} got the right name ({percent(measures.top1)}); with faces "
        f"from other sources of the same kind it could as well be {percent(low)} to {percent(high)}. "
        f"For {percent(measures.top5)} the right name is among the {min(LIKELIEST, len(measures.names))} "
        "likeliest."
    ]
    rated = [one for one in measures.per_name if one.faces]
    worst = min(rated, key=lambda one: one.right / one.faces)
    if worst.right < worst.faces:
        sentences.append(
            f"The weakest name is {worst.name}: {worst.right} of {worst.faces} faces"
            + (f", most often taken for {worst.taken_for[0]}." if worst.taken_for else ".")
        )
    never = [one.name for one in measures.per_name if not one.faces]
    if never:
        sentences.append(f"There was no face of {', '.join(never)}: nothing is known of them.")
    if unknown is not None and unknown.strangers:
        sentences.append(
            f"Of {unknown.strangers} faces of strangers {unknown.rejected} "
            f"({percent(unknown.rejected_share)}) were called unknown, while {percent(unknown.right_kept)} "
            "of the right answers kept their name."
        )
    return sentences


def doubtful_sheet(
    faces: Sequence[Face], measures: FaceMeasures, margin: float, max_pixels: int
) -> tuple[str, str, np.ndarray] | None:
    """Faces with a wrong name, the surest first; None where there is none."""
    answers, best = measures.probabilities.argmax(axis=1), measures.probabilities.max(axis=1)
    wrong = [i for i in np.argsort(-best, kind="stable") if answers[i] != measures.truth[i]][:_MOST_TILES]
    tiles, captions = [], []
    for i in wrong:
        try:
            tiles.append(scale_to(crop_face(faces[i], margin, max_pixels), _TILE))
        except PictureError:  # gone or changed since
            continue
        captions.append(f"{best[i]:.0%} {measures.names[answers[i]]}")
    if not tiles:
        return None
    return (
        "Wrong names",
        "Below each face the name that it got, and how probable that was thought to be; the surest mistakes "
        "first. Wrong labels show up here, too.",
        contact_sheet(tiles, columns=10, cell=_TILE, captions=captions),
    )


def _rows(measures: FaceMeasures) -> list[dict[str, Any]]:
    ordered = sorted(
        measures.per_name, key=lambda one: (one.recall is None, one.recall or 0.0, one.precision or 0.0)
    )
    return [{"one": one, "colour": hex_colour(one.name)} for one in ordered]


def _write_names(path: Path, measures: FaceMeasures, trained_on: Mapping[str, Mapping[str, int]]) -> None:
    rows = []
    for one in measures.per_name:
        taken = one.taken_for[0] if one.taken_for else ""
        learnt = trained_on.get(one.name, {}).get("train", "")
        rows.append([one.name, one.faces, one.right, one.right_of_five, one.called, taken, learnt])
    headings = ("name", "faces", "right", "right_of_five", "called", "taken_for", "learnt_from")
    write_table(path, headings, rows)


def _calibration(calibration: Reliability) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return None if np.isnan(value) else float(value)

    return {
        "expected_calibration_error": calibration.error,
        "mean_probability_minus_share_right": calibration.excess,
        "counts": calibration.counts.tolist(),
        "shares_right": [number(value) for value in calibration.shares_right],
        "edges": calibration.edges.tolist(),
    }
