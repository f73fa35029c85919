"""Trains a face classifier: rows of faces from the cache, a head on them, honest probabilities.

What is chosen (temperature, the limit of "unknown") is chosen on the validation faces; the test faces have
the last word and are looked at once.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from datasets.problems import Problem
from datasets.splits import SPLITS
from engine.training.run_folder import STATE
from faces import measures
from faces.classifier import KIND, FaceClassifier, FaceEncoder, Head, Judgement
from faces.features import FeatureCache, Rows, face_rows
from faces.folder import read_faces
from faces.options import FaceTrainingOptions
from faces.splits import FaceSplit, split_faces
from files.reading import read_json
from nets.checkpoint import CONFIG, WEIGHTS
from nets.saving import versions
from terminal.bars import Progress, silent

# From 0.1 to 1 the answers differed for two faces of 629: docs/face_classifier.md.
_SHRINKAGE = 0.3


@dataclass(frozen=True, eq=False)
class Seen:
    """What the head is taught and judged by."""

    encoder: FaceEncoder  # saw it
    rows: Rows  # of all N faces
    names: list[str]  # K
    classes: np.ndarray  # int [N]
    split: FaceSplit  # of the N faces
    problems: list[Problem]  # faces that were left out


@dataclass(frozen=True, eq=False)
class Trained:
    """A finished training."""

    classifier: FaceClassifier  # ready to be used, with its judgement
    seen: Seen  # what it learnt from and was measured on
    logits: np.ndarray  # float32 [N, K] of all faces
    # "validation" and "test", where they have faces; strangers are characters left out
    measured: Mapping[str, measures.FaceMeasures]
    seconds: Mapping[str, float]  # of the stages


def train_faces(
    options: FaceTrainingOptions,
    *,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda line: None,
) -> Trained:
    """Trains on a folder of faces, without writing the classifier; says what is going on.

    ValueError where faces cannot be used, or the folder for the classifier is somebody else's.
    """
    seconds: dict[str, float] = {}
    started = time.monotonic()

    def done(stage: str) -> None:
        seconds[stage] = time.monotonic() - started - sum(seconds.values())

    seen = _look(options, done, progress, say)
    names, classes, split = seen.names, seen.classes, seen.split
    trained = split.indices("train")
    head = train_head(seen.rows.rows[trained], classes[trained], len(names))
    logits = head.of_faces(seen.rows.rows)  # [N, K]
    done("head")
    left_out = None
    if options.left_out:
        left_out = measure_left_out(seen, options.left_out, progress)
        done("left out")
    judged = split.indices("validation")
    limit = measures.choose_limit(logits[judged], classes[judged])
    temperature = measures.choose_temperature(logits[judged], classes[judged])
    judgement = Judgement(round(temperature, 4), limit and round(limit, 4))
    measured = {}
    for part in SPLITS[1:]:
        own = split.indices(part)
        if len(own):
            groups = [split.groups[i] for i in own]
            found = measures.measure_faces(names, logits[own], classes[own], groups, judgement)
            measured[part] = replace(found, unknown=left_out)
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    for part, face in zip(split.splits, seen.rows.faces, strict=True):
        counts[face.name][part] += 1
    config = {
        "options": json.loads(json.dumps(asdict(options), default=str)),
        "faces": {name: dict(parts) for name, parts in counts.items()},
        "versions": versions(),
    }
    classifier = FaceClassifier(tuple(names), seen.encoder, head, judgement, options.margin, config=config)
    return Trained(classifier, seen, logits, measured, seconds)


def _look(
    options: FaceTrainingOptions, done: Callable[[str], None], progress: Progress, say: Callable[[str], None]
) -> Seen:
    """Reads the faces, looks at them and splits them."""
    reading = read_faces(options.faces_dir, options.reading, margin=options.margin, progress=progress)
    _demand_own_folder(options.train_dir, {face.name for face in reading.faces})
    encoder = FaceEncoder()
    cache = FeatureCache(options.cache_dir, encoder)
    named = len({face.name for face in reading.faces})
    say(f"{len(reading.faces)} faces of {named} names, labelled by {reading.labelled_by}")
    done("reading")
    rows = face_rows(reading.faces, cache, progress=progress)
    names = sorted({face.name for face in rows.faces})
    if len(names) < 2:
        rule = "a classifier tells at least two characters apart, each in a folder of its name"
        only = f"faces of {names[0] if names else 'nobody'} only"
        raise ValueError(f"--faces_dir {options.faces_dir}: {only}; {rule}")
    split = split_faces(rows.faces, rows.hashes, options.splitting)
    classes, found = np.array([names.index(face.name) for face in rows.faces]), f"found in {cache.folder}"
    say(f"{rows.computed} faces looked at, the others {found}" if rows.computed else f"everything {found}")
    done("features")
    return Seen(encoder, rows, names, classes, split, [*reading.problems, *rows.problems])


def _demand_own_folder(folder: Path, names: set[str]) -> None:
    """ValueError: the folder holds anything but an earlier classifier of these names, which is replaced."""
    cure = "give a folder of its own"
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--train_dir {folder}: this is a file; {cure}")
    if not any((folder / name).is_file() for name in (CONFIG, WEIGHTS, STATE)):
        return
    path = folder / CONFIG
    former = read_json(path, f"For --train_dir {cure}.") if path.is_file() else {}
    if former.get("kind") != KIND:
        raise ValueError(f"--train_dir {folder}: there is a detector in it, or something else; {cure}")
    if former.get("names") != sorted(names):
        raise ValueError(f"--train_dir {folder}: there is a classifier of other names in it; {cure}")


def train_head(rows: np.ndarray, classes: np.ndarray, names: int) -> Head:
    """Fisher's linear discriminant with a shrunk covariance, scaled so that logits vary by about 1.

    Rows, float16 [N, V, D], of each face and its mirror image; classes, int [N], has each of K names.

    What differs between pictures of one character counts little, what differs between characters counts much.
    One layer by gradient descent was measured worse (docs/face_classifier.md).
    """
    count, views, size = rows.shape
    flat = rows.reshape(-1, size).astype(np.float32)
    of_row = np.repeat(classes, views)
    centre = flat.mean(axis=0)
    flat -= centre
    means = np.stack([flat[of_row == name].mean(axis=0) for name in range(names)])  # [K, D]
    flat -= means[of_row]
    # Added to each direction's variance within characters: a share of its mean over as many directions as
    # there are faces.
    variance = float(np.einsum("nd,nd->", flat, flat)) / len(flat)
    ridge = max(_SHRINKAGE * variance / min(size, count), 1e-12)
    if len(flat) < size:  # through the rows' products with each other (Woodbury's identity)
        products = (flat @ flat.T).astype(np.float64)
        products[np.diag_indices_from(products)] += ridge * len(flat)
        kernel = (means.T - flat.T @ np.linalg.solve(products, flat @ means.T)) / ridge
    else:
        covariance = (flat.T @ flat).astype(np.float64) / len(flat)
        covariance[np.diag_indices_from(covariance)] += ridge
        kernel = np.linalg.solve(covariance, means.T)
    kernel = kernel.astype(np.float32)  # [D, K]
    bias = -0.5 * np.einsum("kd,dk->k", means, kernel)
    flat += means[of_row]
    spread = max(float((flat @ kernel + bias).std()), 1e-12)
    kernel /= spread
    return Head(kernel, bias / spread - centre @ kernel)


def measure_left_out(seen: Seen, parts: int, progress: Progress) -> measures.UnknownMeasures | None:
    """How well characters are told apart that a head was not taught: each is left out of one training.

    The limit is chosen on the validation faces of those that were taught; known faces and strangers are those
    of the test split, of the validation split where there is no test.

    Returns:
        Of all `parts` of the characters: counts are added, shares averaged, the AUROC weighted by its
        strangers. None where there are too few names or faces.
    """
    count = len(seen.names)
    left_out = [part for part in np.array_split(np.arange(count), min(parts, count)) if len(part)]
    if not len(seen.split.indices("validation")) or count - max(map(len, left_out)) < 2:
        return None
    measured = []
    for done, part in enumerate(left_out, start=1):
        measured.append(_without(part, seen))
        progress("strangers", done, len(left_out))
    right = [one.right_kept for one in measured if one.right_kept is not None]
    told = [(one.auroc, one.strangers) for one in measured if one.auroc is not None]
    return measures.UnknownMeasures(
        strangers=sum(one.strangers for one in measured),
        rejected=sum(one.rejected for one in measured),
        known=sum(one.known for one in measured),
        known_kept=sum(one.known_kept for one in measured),
        right_kept=float(np.mean(right)) if right else None,
        auroc=float(np.average([auroc for auroc, _ in told], weights=[n for _, n in told])) if told else None,
    )


def _without(part: np.ndarray, seen: Seen) -> measures.UnknownMeasures:
    """Measures of a head that was not taught the characters of `part`, int [P]."""
    rows, classes = seen.rows.rows, seen.classes
    known = np.setdiff1d(np.unique(classes), part)
    new = np.searchsorted(known, classes)  # class -> class among those that are known, where it is one
    trained, judged, tested = (seen.split.indices(one) for one in SPLITS)
    tested = tested if len(tested) else judged
    mine = trained[np.isin(classes[trained], known)]
    head = train_head(rows[mine], new[mine], len(known))
    judged, strangers = judged[np.isin(classes[judged], known)], tested[np.isin(classes[tested], part)]
    tested = np.setdiff1d(tested, strangers)
    limit = measures.choose_limit(head.of_faces(rows[judged]), new[judged])
    of_tested, of_strangers = head.of_faces(rows[tested]), head.of_faces(rows[strangers])
    return measures.measure_unknown(of_tested, new[tested], of_strangers, Judgement(limit=limit))
