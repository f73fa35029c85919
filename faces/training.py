"""Trains a face classifier: rows of every view from the cache, a head on them, honest probabilities.

What is chosen (temperature, the limit of "unknown") is chosen on the validation faces; the test faces have
the last word and are looked at once.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets.problems import Problem
from faces.backbone import open_backbone
from faces.cache import FeatureCache
from faces.classifier import FaceClassifier, Head, Judgement
from faces.encoder import FaceEncoder, Pooling
from faces.extraction import Rows, face_rows
from faces.fine_tuning import fine_tune
from faces.folder import Face, read_faces
from faces.head import train_head
from faces.left_out import RULE, measure_left_out
from faces.measures import (
    FaceMeasures,
    UnknownMeasures,
    choose_limit,
    choose_temperature,
    measure_faces,
)
from faces.options import FaceTrainingOptions
from faces.splits import FaceSplit, split_faces
from nets.checkpoint import versions

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


class _Laps:
    """Seconds of the stages, each since the one before."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def done(self, stage: str) -> None:
        now = time.monotonic()
        self.seconds[stage], self._last = now - self._last, now


@dataclass(frozen=True, eq=False)
class _Seen:
    """What the head is taught and judged by.

    Attributes:
        plain: rows of all N faces as they are, V of each.
        taught: rows of every view of the training faces.
        names: K.
        classes: int [N].
        split: of the N faces.
    """

    plain: Rows
    taught: Rows
    names: list[str]
    classes: np.ndarray
    split: FaceSplit


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
    laps = _Laps()
    reading = read_faces(
        options.faces_dir, options.reading, margin=options.margin, progress=partial(progress, "reading")
    )
    encoder = _open_encoder(options)
    spec, source = encoder.backbone.spec, encoder.backbone.source
    say(f"{len(reading.faces)} faces of {len(reading.names)} names, labelled by {reading.labelled_by}")
    say(f"{spec.name} at {spec.image_size} pixels ({source}), {encoder.size} numbers a face")
    laps.done("reading")
    seen = _look(reading.faces, encoder, options, progress)
    computed = seen.plain.computed + seen.taught.computed
    laps.done("features")
    found = f"found in {_cache(options, encoder).folder}"
    say(f"{computed} views looked at, the others {found}" if computed else f"everything {found}")
    head = _teach(seen, options, on_epoch)
    logits = head.of_views(seen.plain.rows)  # [N, K]
    laps.done("head")
    if options.tuning.fine_tune_epochs:
        encoder, head, logits = _fine_tuned(encoder, head, logits, seen, options, progress)
        laps.done("fine-tuning")
    left_out = None
    if options.left_out:
        left_out = _left_out(seen, options, partial(progress, "strangers"))
        laps.done("left out")
    judged = seen.split.indices("validation")
    judgement = choose_judgement(logits[judged], seen.classes[judged])
    classifier = _classifier(encoder, head, judgement, seen, options)
    return Trained(
        classifier=classifier,
        faces=seen.plain.faces,
        split=seen.split,
        logits=logits,
        validation=measure_split(classifier, logits, seen.classes, seen.split, "validation"),
        test=measure_split(classifier, logits, seen.classes, seen.split, "test"),
        left_out=left_out,
        problems=[*reading.problems, *seen.plain.problems, *seen.taught.problems],
        hashes=seen.plain.hashes,
        seconds=laps.seconds,
        computed=computed,
    )


def _open_encoder(options: FaceTrainingOptions) -> FaceEncoder:
    backbone = open_backbone(
        options.backbone,
        options.backbone_weights,
        image_size=options.image_size,
        strides=options.strides,
    )
    return FaceEncoder(backbone, Pooling(options.cells, options.statistics))


def _cache(options: FaceTrainingOptions, encoder: FaceEncoder) -> FeatureCache:
    return FeatureCache(options.cache_dir, encoder.way(), encoder.size)


def _rows(
    faces: Sequence[Face],
    encoder: FaceEncoder,
    views: Sequence[int],
    options: FaceTrainingOptions,
    progress: Callable[[int, int], None],
) -> Rows:
    """Rows of some views, from the cache where they are there."""
    return face_rows(
        faces,
        encoder,
        _cache(options, encoder),
        views=views,
        seed=VIEW_SEED,
        margin=options.margin,
        max_pixels=options.reading.max_pixels,
        progress=progress,
    )


def _answered(options: FaceTrainingOptions) -> tuple[int, ...]:
    """Views of a face that have their say in its answer."""
    return (0, 1) if options.mirrored else (0,)


def _look(
    faces: Sequence[Face], encoder: FaceEncoder, options: FaceTrainingOptions, progress: Progressed
) -> _Seen:
    """Splits the faces that can be read, and looks at all of them, at those of the training in every view."""
    plain = _rows(faces, encoder, _answered(options), options, partial(progress, "looking"))
    names = names_of(plain.faces, options.faces_dir)
    classes = np.array([names.index(face.name) for face in plain.faces])
    split = split_faces(plain.faces, plain.hashes, options.splitting)
    own = [plain.faces[i] for i in split.indices("train")]
    taught = _rows(own, encoder, range(options.views), options, partial(progress, "views"))
    return _Seen(plain, taught, names, classes, split)


def _teach(
    seen: _Seen, options: FaceTrainingOptions, on_epoch: Callable[[int, float, float | None], None]
) -> Head:
    """A head on the rows of the training faces."""
    judged = seen.split.indices("validation")

    def validate(epoch: int, loss: float, head: Head) -> None:
        right = None
        if len(judged):
            said = head.of_views(seen.plain.rows[judged]).argmax(axis=1)
            right = float((said == seen.classes[judged]).mean())
        on_epoch(epoch, loss, right)

    return train_head(
        seen.taught.rows,
        seen.classes[seen.split.indices("train")],
        len(seen.names),
        options.head,
        seed=options.splitting.seed,
        on_epoch=validate,
    )


def _fine_tuned(
    encoder: FaceEncoder,
    head: Head,
    logits: np.ndarray,
    seen: _Seen,
    options: FaceTrainingOptions,
    progress: Progressed,
) -> tuple[FaceEncoder, Head, np.ndarray]:
    """Encoder and head after fine-tuning, which changes the backbone, and the logits of all faces anew."""
    own, judged = seen.split.indices("train"), seen.split.indices("validation")
    # Probabilities must mean something before their loss can teach.
    temperature = choose_temperature(logits[judged], seen.classes[judged])
    encoder, head = fine_tune(
        encoder.backbone,
        encoder.pooling,
        Head(head.kernel / temperature, head.bias / temperature),
        [seen.plain.faces[i] for i in own],
        seen.classes[own],
        options,
        view_seed=VIEW_SEED,
        progress=partial(progress, "tuning"),
    )
    anew = _rows(seen.plain.faces, encoder, _answered(options), options, partial(progress, "looking"))
    return encoder, head, head.of_views(anew.rows)


def _left_out(
    seen: _Seen, options: FaceTrainingOptions, progress: Callable[[int, int], None]
) -> UnknownMeasures | None:
    return measure_left_out(
        seen.plain.rows, seen.taught.rows, seen.classes, seen.split, options, progress=progress
    )


def _classifier(
    encoder: FaceEncoder, head: Head, judgement: Judgement, seen: _Seen, options: FaceTrainingOptions
) -> FaceClassifier:
    """The classifier, which says itself what it learnt from."""
    splits_of = {name: Counter() for name in seen.names}
    for split, face in zip(seen.split.splits, seen.plain.faces, strict=True):
        splits_of[face.name][split] += 1
    return FaceClassifier(
        names=tuple(seen.names),
        encoder=encoder,
        head=head,
        judgement=judgement,
        margin=options.margin,
        mirrored=options.mirrored,
        config={
            "options": plain_values(asdict(options)),
            "rows": encoder.way(),
            "faces": {name: dict(counts) for name, counts in splits_of.items()},
            "versions": versions(),
        },
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


def plain_values(values: Any) -> Any:
    """Nested options as values for JSON."""
    if isinstance(values, dict):
        return {str(key): plain_values(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [plain_values(value) for value in values]
    return str(values) if isinstance(values, Path) else values
