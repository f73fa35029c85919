"""Trains a face classifier: rows of every view from the cache, a head on them, honest probabilities.

What is chosen (temperature, the limit of "unknown") is chosen on the validation faces; the test faces have
the last word and are looked at once.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.face_folder import Face, read_faces
from datasets.face_splits import FaceSplit, split_faces
from datasets.problems import Problem
from datasets.splits import SPLITS
from engine.face_cache import FeatureCache
from engine.face_extraction import Rows, face_rows
from engine.face_fine_tuning import fine_tune
from engine.face_head import train_head
from engine.face_measures import (
    FaceMeasures,
    UnknownMeasures,
    choose_limit,
    choose_temperature,
    measure_faces,
    measure_unknown,
)
from engine.face_options import FaceTrainingOptions
from nets.face_backbone import open_backbone
from nets.face_classifier import FaceClassifier, Head, Judgement
from nets.face_encoder import FaceEncoder, Pooling
from nets.unknown import BEST_RULE
from nets.versions import versions

# Measured on faces that are no test faces, each fifth of ten characters left out once: AUROC 0.92 as with
# max_logit, energy 0.87.
RULE = BEST_RULE
# Views are drawn by a seed of their own: another --seed splits anew and finds the same views in the cache.
VIEW_SEED = 0

Progressed = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Trained:
    """A finished training.

    Attributes:
        classifier: ready to be used, with its judgement.
        faces: N, of all splits.
        split: of these.
        logits: float32 [N, K] of all faces.
        validation: measures; None where that split is empty.
        test: measures; None where that split is empty.
        left_out: how well characters that were left out are told apart; None where that was not measured.
        problems: faces that were left out.
        hashes: uint64 [N], perceptual.
        seconds: of the stages.
        computed: rows that were not in the cache.
    """

    classifier: FaceClassifier
    faces: list[Face]
    split: FaceSplit
    logits: np.ndarray
    validation: FaceMeasures | None
    test: FaceMeasures | None
    left_out: UnknownMeasures | None
    problems: list[Problem]
    hashes: np.ndarray
    seconds: dict[str, float]
    computed: int


def train_faces(
    options: FaceTrainingOptions,
    *,
    progress: Progressed = lambda what, done, total: None,
    say: Callable[[str], None] = lambda line: None,
    on_epoch: Callable[[int, float, float | None], None] = lambda epoch, loss, top1: None,
) -> Trained:
    """Trains on a folder of faces, without writing the classifier.

    Args:
        options: of the command line.
        progress: called with what is done, how much, and of how much.
        say: told in a sentence what is going on.
        on_epoch: called with epoch, loss and share of right answers on the validation faces (None without).

    Raises:
        ValueError: faces or backbone cannot be used.
    """
    seconds: dict[str, float] = {}
    clock = time.monotonic()

    def lap(what: str) -> None:
        nonlocal clock
        seconds[what] = time.monotonic() - clock
        clock = time.monotonic()

    reading = read_faces(
        options.faces_dir,
        options.reading,
        margin=options.margin,
        progress=lambda done, total: progress("reading", done, total),
    )
    backbone = open_backbone(
        options.backbone,
        options.backbone_weights,
        image_size=options.image_size,
        strides=options.strides,
    )
    encoder = FaceEncoder(backbone, Pooling(options.cells, options.statistics))
    cache = FeatureCache(options.cache_dir, encoder.way(), encoder.size)
    say(f"{len(reading.faces)} faces of {len(reading.names)} names, labelled by {reading.labelled_by}")
    spec = backbone.spec
    say(f"{spec.name} at {spec.image_size} pixels ({backbone.source}), {encoder.size} numbers a face")
    lap("reading")

    def rows_of(faces: Sequence[Face], views: Sequence[int], what: str) -> Rows:
        return face_rows(
            faces,
            encoder,
            cache,
            views=views,
            seed=VIEW_SEED,
            margin=options.margin,
            max_pixels=options.reading.max_pixels,
            progress=lambda done, total: progress(what, done, total),
        )

    answered = (0, 1) if options.mirrored else (0,)
    plain = rows_of(reading.faces, answered, "looking")
    names = names_of(plain.faces, options.faces_dir)
    classes = np.array([names.index(face.name) for face in plain.faces])
    split = split_faces(plain.faces, plain.hashes, options.splitting)
    trained = split.indices("train")
    every = range(max(options.views, 1))
    taught = rows_of([plain.faces[i] for i in trained], every, "views")
    computed = plain.computed + taught.computed
    lap("features")
    say(
        f"{computed} views looked at, the others found in {cache.folder}"
        if computed
        else f"everything found in {cache.folder}"
    )

    def logits_of(head: Head) -> np.ndarray:
        return head.logits(plain.rows).mean(axis=1)

    judged = split.indices("validation")

    def validate(epoch: int, loss: float, head: Head) -> None:
        right = None
        if len(judged):
            said = head.logits(plain.rows[judged]).mean(axis=1).argmax(axis=1)
            right = float((said == classes[judged]).mean())
        on_epoch(epoch, loss, right)

    head = train_head(
        taught.rows,
        classes[trained],
        len(names),
        options.head,
        seed=options.splitting.seed,
        on_epoch=validate,
    )
    lap("head")
    logits = logits_of(head)
    if options.tuning.fine_tune_epochs:
        # Probabilities must mean something before their loss can teach.
        temperature = choose_temperature(logits[judged], classes[judged])
        encoder, head = fine_tune(
            backbone,
            encoder.pooling,
            Head(head.kernel / temperature, head.bias / temperature),
            [plain.faces[i] for i in trained],
            classes[trained],
            options,
            view_seed=VIEW_SEED,
            progress=lambda done, total: progress("tuning", done, total),
        )
        tuned = FeatureCache(options.cache_dir, encoder.way(), encoder.size)
        anew = face_rows(
            plain.faces,
            encoder,
            tuned,
            views=answered,
            seed=VIEW_SEED,
            margin=options.margin,
            max_pixels=options.reading.max_pixels,
            progress=lambda done, total: progress("looking", done, total),
        )
        logits = head.logits(anew.rows).mean(axis=1)
        lap("fine-tuning")
    judgement = choose_judgement(logits[judged], classes[judged])
    left_out = None
    if options.left_out:
        left_out = measure_left_out(
            plain.rows,
            taught.rows,
            classes,
            split,
            options,
            progress=lambda d, t: progress("strangers", d, t),
        )
        lap("left out")
    classifier = FaceClassifier(
        names=tuple(names),
        encoder=encoder,
        head=head,
        judgement=judgement,
        margin=options.margin,
        mirrored=options.mirrored,
        config={
            "options": plain_values(asdict(options)),
            "rows": encoder.way(),
            "faces": {
                name: dict(
                    Counter(s for s, face in zip(split.splits, plain.faces, strict=True) if face.name == name)
                )
                for name in names
            },
            "versions": versions(),
        },
    )
    measures = {
        part: measure_split(classifier, logits, classes, split, part) for part in ("validation", "test")
    }
    return Trained(
        classifier,
        plain.faces,
        split,
        logits,
        measures["validation"],
        measures["test"],
        left_out,
        [*reading.problems, *plain.problems, *taught.problems],
        plain.hashes,
        seconds,
        computed,
    )


def names_of(faces: Sequence[Face], faces_dir: Path) -> list[str]:
    """The names of readable faces, in text order.

    Raises:
        ValueError: fewer than two.
    """
    names = sorted({face.name for face in faces})
    if len(names) < 2:
        raise ValueError(
            f"--faces_dir {faces_dir}: faces of {names[0] if names else 'nobody'} only; a classifier "
            "tells at least two characters apart, each in a folder of its name"
        )
    return names


def choose_judgement(logits: np.ndarray, truth: np.ndarray) -> Judgement:
    """Temperature and limit of "unknown" by the validation faces."""
    limit = choose_limit(logits, truth, RULE)
    return Judgement(
        round(choose_temperature(logits, truth), 4), RULE, round(limit, 4) if np.isfinite(limit) else None
    )


def measure_split(
    classifier: FaceClassifier, logits: np.ndarray, classes: np.ndarray, split: FaceSplit, part: str
) -> FaceMeasures | None:
    """Measures of one split; None where it is empty."""
    own = split.indices(part)
    if not len(own):
        return None
    judgement = classifier.judgement
    return measure_faces(
        classifier.names,
        logits[own],
        classes[own],
        [split.groups[i] for i in own],
        temperature=judgement.temperature,
        rule=judgement.rule,
        limit=float("-inf") if judgement.limit is None else judgement.limit,
    )


def measure_left_out(
    plain: np.ndarray,
    taught: np.ndarray,
    classes: np.ndarray,
    split: FaceSplit,
    options: FaceTrainingOptions,
    *,
    rule: str = RULE,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> UnknownMeasures | None:
    """How well characters are told apart that a head was not taught: each is left out of one training.

    The limit is chosen on the validation faces of those that were taught; known faces and strangers are those
    of the test split, of the validation split where there is no test.

    Args:
        plain: float16 [N, V, D] of all faces, as they are.
        taught: float16 [T, V, D] of the training faces.
        classes: int [N].
        split: of the N faces.
        options: of the training.
        rule: by which "unknown" is answered.
        progress: called with parts done and all.

    Returns:
        Of all parts together; None where there are too few names or faces.
    """
    count = int(classes.max()) + 1
    parts = [part for part in np.array_split(np.arange(count), min(options.left_out, count)) if len(part)]
    trained, judged, tested = (split.indices(part) for part in SPLITS)
    tested = tested if len(tested) else judged
    if not len(judged) or count - max(map(len, parts)) < 2:
        return None
    own, others, right = [], [], []
    rejected = kept = strangers = 0
    for done, part in enumerate(parts, start=1):
        known = np.setdiff1d(np.arange(count), part)
        new = np.full(count, -1)
        new[known] = np.arange(len(known))
        mine = np.isin(classes[trained], known)
        head = train_head(
            taught[mine], new[classes[trained[mine]]], len(known), options.head, seed=options.splitting.seed
        )

        def said(which: np.ndarray, names: np.ndarray, head: Head = head) -> tuple[np.ndarray, np.ndarray]:
            chosen = which[np.isin(classes[which], names)]
            return head.logits(plain[chosen]).mean(axis=1), classes[chosen]

        logits, truth = said(judged, known)
        limit = choose_limit(logits, new[truth], rule)
        logits, truth = said(tested, known)
        measured = measure_unknown(logits, new[truth], said(tested, part)[0], rule=rule, limit=limit)
        rejected, strangers = rejected + measured.rejected, strangers + measured.strangers
        kept, own = kept + measured.known_kept, [*own, measured.known]
        if measured.right_kept is not None:
            right.append(measured.right_kept)
        if measured.auroc is not None:
            others.append((measured.auroc, measured.strangers))
        progress(done, len(parts))
    weights = [weight for _, weight in others]
    return UnknownMeasures(
        strangers=strangers,
        rejected=rejected,
        known=sum(own),
        known_kept=kept,
        right_kept=float(np.mean(right)) if right else None,
        auroc=float(np.average([one for one, _ in others], weights=weights)) if others else None,
    )


def plain_values(values: Any) -> Any:
    """Nested options as values for JSON."""
    if isinstance(values, dict):
        return {str(key): plain_values(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [plain_values(value) for value in values]
    return str(values) if isinstance(values, Path) else values
