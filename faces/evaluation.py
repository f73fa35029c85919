"""Measures a trained face classifier on a folder of faces, and on strangers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.look_alikes import near_duplicates
from datasets.problems import some_of
from engine.measures.trained_on import read_trained_on
from faces.cache import FeatureCache
from faces.classifier import FaceClassifier
from faces.extraction import face_rows
from faces.folder import Face, FaceOptions, read_faces, read_strangers
from faces.measures import FaceMeasures, measure_faces
from faces.report import doubtful_sheet, write_face_report
from faces.training_files import read_splits
from files.writing import write_table
from nets.checkpoint import versions

Progressed = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class FaceEvaluation:
    """What was measured.

    Attributes:
        faces: N of known characters.
        strangers: M others.
        logits: float32 [N, K].
        stranger_logits: float32 [M, K].
        measures: of both.
        notes: what a reader must know, each a sentence.
        ran: what a reader needs to repeat it.
    """

    faces: list[Face]
    strangers: list[Face]
    logits: np.ndarray
    stranger_logits: np.ndarray
    measures: FaceMeasures
    notes: list[str]
    ran: dict[str, dict[str, Any]]


def evaluate_faces(
    classifier: FaceClassifier,
    faces_dir: Path,
    options: FaceOptions,
    *,
    cache_dir: Path,
    split: str | None = None,
    strangers_dir: Path | None = None,
    progress: Progressed = lambda what, done, total: None,
) -> FaceEvaluation:
    """Names every face of a folder.

    Args:
        classifier: read from a folder, or fresh.
        faces_dir: see `read_faces`; names that the classifier does not know are strangers'.
        options: how faces are found.
        cache_dir: see `FeatureCache`.
        split: only faces that the training put into it; None: all.
        strangers_dir: more strangers.
        progress: called with what is done, how much, and of how much.

    Raises:
        ValueError: there is no face of a known name.
    """
    reading = read_faces(
        faces_dir,
        options,
        margin=classifier.margin,
        progress=lambda done, total: progress("reading", done, total),
    )
    found, problems = list(reading.faces), list(reading.problems)
    if split is not None:
        if classifier.folder is None:
            raise ValueError(f"--split {split}: the classifier has no folder that says which faces those are")
        splits = read_splits(classifier.folder)
        found = [face for face in found if splits.get(face.digest) == split]
        if not found:
            raise ValueError(
                f"--split {split}: no face in {faces_dir} was in this split of the training; leave it out, "
                "or give the folder that was trained on"
            )
    if strangers_dir is not None:
        others = read_strangers(strangers_dir, options, margin=classifier.margin)
        found += others.faces
        problems += others.problems
    cache = FeatureCache(cache_dir, classifier.encoder.way(), classifier.encoder.size)
    rows = face_rows(
        found,
        classifier.encoder,
        cache,
        views=(0, 1) if classifier.mirrored else (0,),
        seed=0,
        margin=classifier.margin,
        max_pixels=options.max_pixels,
        progress=lambda done, total: progress("looking", done, total),
    )
    problems += rows.problems
    logits = classifier.head.of_views(rows.rows)
    own = np.array([face.name in classifier.names for face in rows.faces], bool)
    if not own.any():
        raise ValueError(
            f"--faces_dir {faces_dir} has none of the classifier's names, so there is nothing to measure: it "
            f"knows {some_of(classifier.names)}; the folder has {some_of(reading.names)}. Names are compared "
            "letter by letter"
        )
    known = [face for face, mine in zip(rows.faces, own.tolist(), strict=True) if mine]
    strangers = [face for face, mine in zip(rows.faces, own.tolist(), strict=True) if not mine]
    judgement = classifier.judgement
    measures = measure_faces(
        classifier.names,
        logits[own],
        np.array([classifier.names.index(face.name) for face in known]),
        [face.source or face.shown for face in known],
        temperature=judgement.temperature,
        rule=judgement.rule,
        limit=float("-inf") if judgement.limit is None else judgement.limit,
        strangers=logits[~own] if strangers else None,
    )
    notes = _notes(classifier, known, rows.hashes[own], split)
    if strangers:
        names = sorted({face.name for face in strangers if face.name})
        notes.append(
            f"{len(strangers)} faces count as strangers'" + (f": {some_of(names)}." if names else ".")
        )
    if problems:
        notes.append(
            f"{len(problems)} faces or files were left out; the first: {problems[0].file}: "
            f"{problems[0].reason}."
        )
    ran = {
        "data": {"faces_dir": str(faces_dir), "split": split or "all", **asdict(options)},
        "classifier": {"names": list(classifier.names), **classifier.encoder.way(), **asdict(judgement)},
        "versions": versions(),
    }
    return FaceEvaluation(known, strangers, logits[own], logits[~own], measures, notes, ran)


def write_evaluation(
    folder: Path,
    evaluation: FaceEvaluation,
    classifier: FaceClassifier,
    faces_dir: Path,
    options: FaceOptions,
) -> None:
    """Writes report.html, report.json, names.csv and answers.csv; the rest is what `evaluate_faces` took."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for faces, logits in (
        (evaluation.faces, evaluation.logits),
        (evaluation.strangers, evaluation.stranger_logits),
    ):
        for face, answer in zip(faces, classifier.judge(logits), strict=True):
            likeliest = [
                value
                for name, share in zip(answer.names[:2], answer.probabilities[:2], strict=True)
                for value in (name, f"{share:.4f}")
            ]
            rows.append([face.shown, face.name, *likeliest, "yes" if answer.known else "no"])
    headings = ("face", "name", "answer", "probability", "second", "its_probability", "known")
    write_table(folder / "answers.csv", headings, rows)
    measures = evaluation.measures
    wrong = doubtful_sheet(evaluation.faces, measures, classifier.margin, options.max_pixels)
    write_face_report(
        folder,
        measures,
        title=f"Faces of {faces_dir.name or faces_dir}",
        lead=f"{len(measures.truth)} faces of {sum(one.faces > 0 for one in measures.per_name)} names.",
        judgement=classifier.judgement,
        ran=evaluation.ran,
        unknown=measures.unknown,
        unknown_text="Faces of characters that the classifier does not know.",
        sheets=[] if wrong is None else [wrong],
        notes=evaluation.notes,
    )


def _notes(classifier: FaceClassifier, faces: list[Face], hashes: np.ndarray, split: str | None) -> list[str]:
    """Warnings when measured faces, or others like them, are among those that were learnt from."""
    trained = None if classifier.folder is None else read_trained_on(classifier.folder)
    if trained is None:
        return [
            "Which faces the classifier learnt from is not known: if some are among these, results flatter."
        ]
    same = sum(face.digest in set(trained.names) for face in faces)
    alike = len({int(mine) for mine, _ in near_duplicates(hashes, trained.hashes)})
    notes = []
    if same:
        cure = "" if split else " --split=test measures those that it never saw."
        notes.append(f"{same} of the {len(faces)} faces were learnt from: results flatter.{cure}")
    elif alike:
        notes.append(
            f"{alike} of the {len(faces)} faces look like faces that were learnt from: results flatter."
        )
    return notes
