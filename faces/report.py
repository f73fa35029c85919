"""What training and measuring a face classifier leave behind, and the measuring.

report.json for programs, report.html and names.csv of both; a training's folder also has faces.csv (split and
answer of each face), problems.csv and what later evaluations recognise its faces by.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets.look_alikes import near_duplicates, traces_of
from datasets.pictures import PictureError
from datasets.problems import some_of, write_problems
from datasets.splits import SPLITS
from engine.measures.trained_on import read_trained_on, write_trained_on
from engine.reports.page import render_page, sentences, themed
from faces.classifier import FaceAnswer, FaceClassifier
from faces.features import FeatureCache, face_rows
from faces.folder import Face, read_faces
from faces.measures import LIKELIEST, FaceMeasures, measure_faces
from faces.options import FaceEvaluationOptions, FaceTrainingOptions
from faces.training import Trained
from files.telling import write_table
from files.writing import write_json, write_text
from nets.saving import versions
from terminal.bars import Progress
from visualization.drawing import contact_sheet, scale_to
from visualization.plots import plot_confusion, plot_reliability

_TILE = 112
_MOST_TILES = 60
_CONFUSED = {"no_answer": "unknown", "nobody": "strangers", "corner": "is ↓   called →"}


def write_face_report(
    folder: Path,
    measures: FaceMeasures,
    faces: Sequence[Face],
    *,
    title: str,
    lead: str,
    ran: Mapping[str, Any],
    strangers: str,
    learnt: Mapping[str, int] | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Writes report.json, report.html and names.csv; of the measured faces the surest mistakes are shown.

    `ran` says what ran, in nested mappings of plain values, `strangers` who they are, in words, `learnt` how
    many faces of each name were trained on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers, learnt = {**_numbers(measures), **ran}, learnt or {}
    write_json(folder / "report.json", numbers)
    headings = ("name", "faces", "right", "right_of_five", "called", "taken_for", "learnt_from")
    table = [
        [one.name, one.faces, one.right, one.right_of_five, one.called, (one.taken_for or ("",))[0]]
        for one in measures.per_name
    ]
    write_table(folder / "names.csv", headings, ([*row, learnt.get(row[0], "")] for row in table))
    worst_first = sorted(
        measures.per_name, key=lambda one: (one.recall is None, one.recall or 0.0, one.precision or 0.0)
    )
    calibration = measures.calibration
    bars = partial(plot_reliability, calibration.edges, calibration.shares_right, calibration.counts)
    html = render_page(
        "faces.html",
        says=[title, lead, notes, numbers],
        title=title,
        lead=lead,
        notes=notes,
        measures=measures,
        judgement=numbers["judgement"],
        strangers=strangers,
        sentences=sentences("faces_in_short.txt", measures=measures, likeliest=LIKELIEST),
        learnt=learnt,
        rows=worst_first,
        confusion=themed(partial(plot_confusion, measures.names, measures.confusion, **_CONFUSED)),
        reliability=themed(bars),
        wrong_names=_wrong_names(measures, faces),
        ran=ran,
    )
    write_text(folder / "report.html", html)


def _numbers(measures: FaceMeasures) -> dict[str, Any]:
    """For report.json; shares are 0...1, null where something is undefined."""
    columns = [*measures.names, "unknown or stranger"]
    return {
        "faces": len(measures.truth),
        "top1": measures.top1,
        "top1_interval": list(measures.top1_interval),
        "top5": measures.top5,
        "mean_recall": measures.mean_recall,
        "calibration": measures.calibration.as_json(),
        "calibration_without_temperature": measures.uncalibrated.as_json(),
        "judgement": measures.judgement.as_json(),
        "unknown": measures.unknown and asdict(measures.unknown),
        "names": {
            one.name: {**asdict(one), "recall": one.recall, "precision": one.precision}
            for one in measures.per_name
        },
        "confusion": {"names": columns, "counts": measures.confusion.tolist()},
    }


def _wrong_names(measures: FaceMeasures, faces: Sequence[Face]) -> np.ndarray | None:
    """A sheet of faces with a wrong name, the surest first; None where there is no such face."""
    answers, best = measures.probabilities.argmax(axis=1), measures.probabilities.max(axis=1)
    wrong = [i for i in np.argsort(-best, kind="stable") if answers[i] != measures.truth[i]][:_MOST_TILES]
    tiles, captions = [], []
    for i in wrong:
        with suppress(PictureError):  # gone or changed since
            tiles.append(scale_to(faces[i].picture(), _TILE))
            captions.append(f"{best[i]:.0%} {measures.names[answers[i]]}")
    return contact_sheet(tiles, columns=10, cell=_TILE, captions=captions) if tiles else None


def write_training(options: FaceTrainingOptions, trained: Trained) -> list[str]:
    """Writes the classifier and everything about it; what a person should know, each a sentence."""
    folder, seen, classifier = options.train_dir, trained.seen, trained.classifier
    classifier.save(folder)
    faces, hashes, own = seen.rows.faces, seen.rows.hashes, seen.split.indices("train")
    learnt = traces_of((faces[i].digest, faces[i].source, np.uint64(hashes[i])) for i in own)
    write_trained_on(folder, learnt)
    _write_answers(folder / "faces.csv", faces, seen.split.splits, classifier.judge(trained.logits))
    write_problems(folder / "problems.csv", seen.problems)
    said = sentences("faces_training_notes.txt", problems=seen.problems, measured=trained.measured)
    notes = [*seen.split.notes, *said]
    if not trained.measured:
        return notes
    part = "test" if "test" in trained.measured else "validation"
    measures, config = trained.measured[part], classifier.config
    write_face_report(
        folder,
        measures,
        [faces[i] for i in seen.split.indices(part)],
        title=f"Faces: {part} of {options.faces_dir.name or options.faces_dir}",
        lead=f"{len(measures.truth)} faces of the {part} split, from sources that the training never saw; "
        f"{len(own)} faces to learn from, {len(seen.names)} names.",
        ran={
            "options": config["options"],
            "way": seen.encoder.way,
            "splits": {one: len(seen.split.indices(one)) for one in SPLITS},
            "versions": config["versions"],
        },
        strangers="Each character was left out of one training: then its faces are a stranger's. The "
        "limit was chosen on the validation faces, the figures are of the test faces.",
        learnt={name: parts["train"] for name, parts in config["faces"].items()},
        notes=notes,
    )
    return notes


def _write_answers(
    path: Path, faces: Sequence[Face], splits: Sequence[str], answers: Sequence[FaceAnswer]
) -> None:
    """Every face, its split and its answer."""
    rows = []
    for face, split, answer in zip(faces, splits, answers, strict=True):
        said = [answer.names[0], f"{answer.probabilities[0]:.4f}", "yes" if answer.known else "no"]
        rows.append([face.shown, face.name, face.source, split, *said, face.digest])
    headings = ("face", "name", "source", "split", "answer", "probability", "known", "digest")
    write_table(path, headings, rows)


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
    reading = read_faces(options.faces_dir, options.reading, margin=classifier.margin, progress=progress)
    if options.strangers_dir is not None:
        others = read_faces(options.strangers_dir, options.reading, margin=classifier.margin, strangers=True)
        reading.faces.extend(others.faces)
        reading.problems.extend(others.problems)
    cache = FeatureCache(options.cache_dir, classifier.encoder)
    rows = face_rows(reading.faces, cache, progress=progress)
    logits = classifier.head.of_faces(rows.rows)
    own = np.array([face.name in classifier.names for face in rows.faces], bool)
    if not own.any():
        names = sorted({face.name for face in reading.faces if face.name})
        both = f"it knows {some_of(classifier.names)}; the folder has {some_of(names)}"
        what = "none of the classifier's names, so there is nothing to measure"
        how = "Names are compared letter by letter"
        raise ValueError(f"--faces_dir {options.faces_dir} has {what}: {both}. {how}")
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
        strangers=strangers,
        names=sorted({face.name for face in strangers if face.name}),
        problems=[*reading.problems, *rows.problems],
    )
    for line in sentences("faces_in_short.txt", measures=measures, likeliest=LIKELIEST):
        say(line)  # before the report is drawn, which takes a while
    data = {"faces_dir": str(options.faces_dir), **asdict(options.reading)}
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
    splits = ["all" if one else "strangers" for one in own]
    _write_answers(options.eval_dir / "answers.csv", rows.faces, splits, classifier.judge(logits))
    return notes


def _learnt_from(checkpoint: Path, faces: list[Face], hashes: np.ndarray) -> tuple[int, int] | None:
    """How many of the faces were learnt from, and how many look like such; None where it is not known."""
    trained = read_trained_on(checkpoint)
    if trained is None:
        return None
    digests = set(trained.names)
    alike = {int(mine) for mine, _ in near_duplicates(hashes, trained.hashes)}
    return sum(face.digest in digests for face in faces), len(alike)
