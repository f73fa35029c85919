"""What a training of a face classifier leaves in its folder, beside the classifier."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets.look_alikes import Traces
from datasets.pictures import PictureError, save_picture
from datasets.problems import write_problems
from engine.measures.trained_on import write_trained_on
from faces.extraction import crop_face
from faces.options import FaceTrainingOptions
from faces.report import Sheet, doubtful_sheet, write_face_report
from faces.training import VIEW_SEED, Trained
from faces.views import face_view, look_at
from files.writing import write_table
from nets.checkpoint import is_checkpoint
from preprocessing.resize import resize_picture
from visualization.drawing import contact_sheet

VIEWS, FACES = "views.jpg", "faces.csv"
_SHOWN_FACES = 6
_SHOWN_VIEWS = 10


def check_train_dir(folder: Path) -> None:
    """Nothing of somebody else's is overwritten.

    Raises:
        ValueError: the folder holds a detector, or is a file.
    """
    if is_checkpoint(folder):
        raise ValueError(f"--train_dir {folder}: there is a detector in it; give a folder of its own")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--train_dir {folder}: this is a file; give a folder")


def write_training(
    options: FaceTrainingOptions, trained: Trained, epochs: Sequence[tuple[float, float | None]]
) -> list[str]:
    """Writes the classifier and everything about it.

    Args:
        options: of the training.
        trained: the result.
        epochs: loss and share of right answers on the validation faces of each.

    Returns:
        Notes that a person should see.
    """
    folder = options.train_dir
    folder.mkdir(parents=True, exist_ok=True)
    trained.classifier.save(folder)
    own = trained.split.indices("train")
    traces = [(trained.faces[i].digest, trained.faces[i].source) for i in own]
    digests, sources = zip(*traces, strict=True)
    write_trained_on(folder, Traces(digests, sources, trained.hashes[own]))
    write_faces(folder / FACES, trained)
    write_problems(folder / "problems.csv", trained.problems)
    views = views_sheet(options, trained)
    save_picture(folder / VIEWS, views)
    notes = list(trained.split.notes)
    if trained.problems:
        notes.append(f"{len(trained.problems)} faces or files were left out: see problems.csv.")
    measured = [
        (part, one)
        for part, one in (("test", trained.test), ("validation", trained.validation))
        if one is not None
    ]
    if not measured:
        notes.append("Nothing was measured: all faces were trained on (--split_fractions).")
        return notes
    part, measures = measured[0]
    if part == "validation":
        notes.append("There is no test split: these are the faces by which probabilities were adjusted.")
    faces = [trained.faces[i] for i in trained.split.indices(part)]
    wrong = doubtful_sheet(faces, measures, options.margin, options.reading.max_pixels)
    spec = trained.classifier.encoder.backbone.spec
    sheets: list[Sheet] = [
        *([] if wrong is None else [wrong]),
        (
            "What the network saw",
            "Some training faces, each in a row with its views. Would you recognise everybody?",
            views,
        ),
    ]
    write_face_report(
        folder,
        measures,
        title=f"Faces: {spec.name} on {part} of {options.faces_dir.name or options.faces_dir}",
        lead=f"{len(measures.truth)} faces of the {part} split, from sources that the training never saw; "
        f"{len(own)} faces to learn from, {len(trained.classifier.names)} names.",
        judgement=trained.classifier.judgement,
        ran=what_ran(trained),
        unknown=trained.left_out,
        unknown_text="Each character was left out of one training: then its faces are a stranger's. The "
        "limit was chosen on the validation faces, the figures are of the test faces.",
        trained_on=trained.classifier.config["faces"],
        epochs=epochs,
        sheets=sheets,
        notes=notes,
    )
    return notes


def read_splits(folder: Path) -> dict[str, str]:
    """Split of each face of a training, by digest, as `write_faces` wrote it.

    Raises:
        ValueError: the file is not there or not what was written.
    """
    path = folder / FACES
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["digest"]: row["split"] for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise ValueError(
            f"{path} does not say which face was in which split ({type(error).__name__}); measure without "
            "--split, or train again"
        ) from None


def what_ran(trained: Trained) -> dict[str, dict[str, Any]]:
    """What a reader of the numbers needs to repeat them."""
    classifier = trained.classifier
    return {
        "options": dict(classifier.config["options"]),
        "backbone": {**classifier.encoder.way(), "source": classifier.encoder.backbone.source},
        "splits": {part: len(trained.split.indices(part)) for part in ("train", "validation", "test")},
        "versions": dict(classifier.config["versions"]),
    }


def write_faces(path: Path, trained: Trained) -> None:
    """Every face, its split and its answer."""
    rows = []
    answers = trained.classifier.judge(trained.logits)
    for face, split, answer in zip(trained.faces, trained.split.splits, answers, strict=True):
        probability = f"{answer.probabilities[0]:.4f}"
        known = "yes" if answer.known else "no"
        rows.append(
            [face.shown, face.name, face.source, split, answer.names[0], probability, known, face.digest]
        )
    headings = ("face", "name", "source", "split", "answer", "probability", "known", "digest")
    write_table(path, headings, rows)


def views_sheet(options: FaceTrainingOptions, trained: Trained) -> np.ndarray:
    """Some training faces with their views, as the backbone takes them: uint8 [h, w, 3]."""
    own = trained.split.indices("train")
    size = trained.classifier.encoder.backbone.spec.image_size
    views = min(options.views, _SHOWN_VIEWS)
    tiles = []
    for i in own[:: max(1, len(own) // _SHOWN_FACES)][:_SHOWN_FACES]:
        face = trained.faces[i]
        try:
            image = crop_face(face, options.margin, options.reading.max_pixels)
        except PictureError:  # gone since
            continue
        for number in range(views):
            seen = look_at(image, face_view(number, seed=VIEW_SEED, face=face.digest))
            tiles.append(np.clip(np.asarray(resize_picture(seen, size)), 0, 255).astype(np.uint8))
    if not tiles:
        return np.zeros((8, 8, 3), np.uint8)
    return contact_sheet(tiles, columns=views, cell=112, gap=4)
