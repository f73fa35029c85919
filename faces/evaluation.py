"""Measures a trained face classifier on a folder of faces, and on strangers."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from datasets.look_alikes import near_duplicates
from datasets.problems import some_of
from engine.measures.trained_on import read_trained_on
from engine.reports.page import sentences
from faces.classifier import FaceAnswer, FaceClassifier
from faces.features import FeatureCache, face_rows
from faces.folder import Face, FaceReading, read_faces
from faces.measures import LIKELIEST, measure_faces
from faces.options import FaceEvaluationOptions
from faces.report import read_splits, write_face_report
from files.writing import write_table
from nets.saving import versions
from terminal.bars import Progress


def evaluate_faces(
    classifier: FaceClassifier,
    options: FaceEvaluationOptions,
    *,
    progress: Progress,
    say: Callable[[str], object],
) -> list[str]:
    """Names every face of a folder, says the result, and writes report.html and .json, names and answers.csv.

    Faces of names that the classifier does not know are strangers'.

    Returns:
        What a reader must know, each a sentence.

    Raises:
        ValueError: there is no face of a known name.
    """
    reading = _read(classifier, options, progress)
    cache = FeatureCache(options.cache_dir, classifier.encoder)
    rows = face_rows(reading.faces, cache, progress=progress)
    logits = classifier.head.of_faces(rows.rows)
    own = np.array([face.name in classifier.names for face in rows.faces], bool)
    if not own.any():
        names = sorted({face.name for face in reading.faces if face.name})
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
    notes = sentences(
        "faces_notes.txt",
        learnt=_learnt_from(options.checkpoint_path, known, rows.hashes[own]),
        faces=len(known),
        split=options.split,
        strangers=strangers,
        names=sorted({face.name for face in strangers if face.name}),
        problems=[*reading.problems, *rows.problems],
    )
    answers = classifier.judge(np.concatenate([logits[own], logits[~own]]))
    _write_answers(options.eval_dir / "answers.csv", [*known, *strangers], answers)
    for line in sentences("faces_in_short.txt", measures=measures, likeliest=LIKELIEST):
        say(line)  # before the report is drawn, which takes a while
    data = {"faces_dir": str(options.faces_dir), "split": options.split, **asdict(options.reading)}
    said = {"names": list(classifier.names), "way": classifier.encoder.way, **classifier.judgement.as_json()}
    write_face_report(
        options.eval_dir,
        measures,
        known,
        title=f"Faces of {options.faces_dir.name or options.faces_dir}",
        lead=f"{len(known)} faces of {sum(one.faces > 0 for one in measures.per_name)} names.",
        ran={"data": data, "classifier": said, "versions": versions()},
        strangers="Faces of characters that the classifier does not know.",
        notes=notes,
    )
    return notes


def _write_answers(path: Path, faces: Sequence[Face], answers: Sequence[FaceAnswer]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for face, answer in zip(faces, answers, strict=True):
        (first, second), (share, rest) = answer.names[:2], answer.probabilities[:2]
        known = "yes" if answer.known else "no"
        rows.append([face.shown, face.name, first, f"{share:.4f}", second, f"{rest:.4f}", known])
    headings = ("face", "name", "answer", "probability", "second", "its_probability", "known")
    write_table(path, headings, rows)


def _read(classifier: FaceClassifier, options: FaceEvaluationOptions, progress: Progress) -> FaceReading:
    """The faces to be measured, strangers' too."""
    reading = read_faces(options.faces_dir, options.reading, margin=classifier.margin, progress=progress)
    if options.split != "all":
        splits = read_splits(options.checkpoint_path)
        reading.faces[:] = [face for face in reading.faces if splits.get(face.digest) == options.split]
        if not reading.faces:
            raise ValueError(
                f"--split {options.split}: no face in {options.faces_dir} was in this split of the training; "
                "leave it out, or give the folder that was trained on"
            )
    if options.strangers_dir is not None:
        others = read_faces(options.strangers_dir, options.reading, margin=classifier.margin, strangers=True)
        reading.faces.extend(others.faces)
        reading.problems.extend(others.problems)
    return reading


def _learnt_from(checkpoint: Path, faces: list[Face], hashes: np.ndarray) -> tuple[int, int] | None:
    """How many of the faces were learnt from, and how many look like such; None where it is not known."""
    trained = read_trained_on(checkpoint)
    if trained is None:
        return None
    digests = set(trained.names)
    alike = {int(mine) for mine, _ in near_duplicates(hashes, trained.hashes)}
    return sum(face.digest in digests for face in faces), len(alike)
