"""Measures a trained face classifier on a folder of faces, and on strangers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from datasets.look_alikes import near_duplicates
from datasets.problems import Problem, some_of
from engine.measures.trained_on import read_trained_on
from faces.classifier import FaceAnswer, FaceClassifier
from faces.features import FeatureCache, face_rows
from faces.folder import Face, read_faces
from faces.measures import FaceMeasures, measure_faces
from faces.options import FaceEvaluationOptions
from faces.report import doubtful_sheet, read_splits, write_face_report
from files.writing import write_table
from nets.checkpoint import versions
from terminal.bars import Progress, silent


@dataclass(frozen=True, eq=False)
class FaceEvaluation:
    """What was measured.

    Attributes:
        measures: of the faces of known characters, and of strangers.
        notes: what a reader must know, each a sentence.
    """

    measures: FaceMeasures
    notes: list[str]


def evaluate_faces(
    classifier: FaceClassifier, options: FaceEvaluationOptions, *, progress: Progress = silent
) -> FaceEvaluation:
    """Names every face of a folder; writes report.html, report.json, names.csv and answers.csv.

    Faces of names that the classifier does not know are strangers'.

    Raises:
        ValueError: there is no face of a known name.
    """
    found, problems = _read(classifier, options, progress)
    encoder, max_pixels = classifier.encoder, options.reading.max_pixels
    rows = face_rows(
        found,
        encoder,
        FeatureCache(options.cache_dir, encoder.way(), encoder.size),
        views=classifier.views,
        margin=classifier.margin,
        max_pixels=max_pixels,
        progress=partial(progress, "looking"),
    )
    problems += rows.problems
    logits = classifier.head.of_views(rows.rows)
    own = np.array([face.name in classifier.names for face in rows.faces], bool)
    if not own.any():
        names = sorted({face.name for face in found if face.name})
        raise ValueError(
            f"--faces_dir {options.faces_dir} has none of the classifier's names, so there is nothing to "
            f"measure: it knows {some_of(classifier.names)}; the folder has {some_of(names)}. Names are "
            "compared letter by letter"
        )
    known = [rows.faces[i] for i in np.flatnonzero(own)]
    strangers = [rows.faces[i] for i in np.flatnonzero(~own)]
    measures = measure_faces(
        classifier.names,
        logits[own],
        np.array([classifier.names.index(face.name) for face in known]),
        [face.source or face.shown for face in known],
        classifier.judgement,
        strangers=logits[~own] if strangers else None,
    )
    notes = [*_traces(classifier, known, rows.hashes[own], options.split), *_left_out(strangers, problems)]
    answers = classifier.judge(np.concatenate([logits[own], logits[~own]]))
    _write_answers(options.eval_dir / "answers.csv", [*known, *strangers], answers)
    wrong = doubtful_sheet(known, measures, classifier.margin, max_pixels)
    reading, judgement = asdict(options.reading), classifier.judgement.as_json()
    write_face_report(
        options.eval_dir,
        measures,
        title=f"Faces of {options.faces_dir.name or options.faces_dir}",
        lead=f"{len(known)} faces of {sum(one.faces > 0 for one in measures.per_name)} names.",
        judgement=classifier.judgement,
        ran={
            "data": {"faces_dir": str(options.faces_dir), "split": options.split, **reading},
            "classifier": {"names": list(classifier.names), **encoder.way(), **judgement},
            "versions": versions(),
        },
        unknown=measures.unknown,
        unknown_text="Faces of characters that the classifier does not know.",
        sheets=wrong,
        notes=notes,
    )
    return FaceEvaluation(measures, notes)


def _write_answers(path: Path, faces: Sequence[Face], answers: Sequence[FaceAnswer]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for face, answer in zip(faces, answers, strict=True):
        (first, second), (share, rest) = answer.names[:2], answer.probabilities[:2]
        known = "yes" if answer.known else "no"
        rows.append([face.shown, face.name, first, f"{share:.4f}", second, f"{rest:.4f}", known])
    headings = ("face", "name", "answer", "probability", "second", "its_probability", "known")
    write_table(path, headings, rows)


def _read(
    classifier: FaceClassifier, options: FaceEvaluationOptions, progress: Progress
) -> tuple[list[Face], list[Problem]]:
    """The faces to be measured, and what was left out."""
    reading = read_faces(options.faces_dir, options.reading, margin=classifier.margin, progress=progress)
    found, problems = list(reading.faces), list(reading.problems)
    if options.split != "all":
        if classifier.folder is None:
            raise ValueError(
                f"--split {options.split}: the classifier has no folder that says which faces those are"
            )
        splits = read_splits(classifier.folder)
        found = [face for face in found if splits.get(face.digest) == options.split]
        if not found:
            raise ValueError(
                f"--split {options.split}: no face in {options.faces_dir} was in this split of the training; "
                "leave it out, or give the folder that was trained on"
            )
    if options.strangers_dir is not None:
        others = read_faces(options.strangers_dir, options.reading, margin=classifier.margin, strangers=True)
        found += others.faces
        problems += others.problems
    return found, problems


def _left_out(strangers: Sequence[Face], problems: Sequence[Problem]) -> list[str]:
    notes = []
    if strangers:
        names = sorted({face.name for face in strangers if face.name})
        notes.append(
            f"{len(strangers)} faces count as strangers'" + (f": {some_of(names)}." if names else ".")
        )
    if problems:
        first = f"{problems[0].file}: {problems[0].reason}"
        notes.append(f"{len(problems)} faces or files were left out; the first: {first}.")
    return notes


def _traces(classifier: FaceClassifier, faces: list[Face], hashes: np.ndarray, split: str) -> list[str]:
    """Warnings when measured faces, or others like them, are among those that were learnt from."""
    trained = None if classifier.folder is None else read_trained_on(classifier.folder)
    if trained is None:
        return [
            "Which faces the classifier learnt from is not known: if some are among these, results flatter."
        ]
    digests = set(trained.names)
    if same := sum(face.digest in digests for face in faces):
        cure = " --split=test measures those that it never saw." if split == "all" else ""
        return [f"{same} of the {len(faces)} faces were learnt from: results flatter.{cure}"]
    if alike := len({int(mine) for mine, _ in near_duplicates(hashes, trained.hashes)}):
        return [f"{alike} of the {len(faces)} faces look like faces that were learnt from: results flatter."]
    return []
