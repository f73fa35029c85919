"""Detector: a checkpoint folder and a picture in, named boxes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

from boxes.detections import Detections
from nets.checkpoint import build_model, read_checkpoint
from nets.network import Network
from nets.postprocess import select_detections
from nets.thresholds import Thresholds
from nets.unknown import BEST_RULE, RULES, name_unknowns
from preprocessing.resize import resize_picture


class DetectionModel(keras.Model):
    """A network with its post-processing in the same graph.

    [B, S, S, 3] -> what `select_detections` returns.
    """

    def __init__(self, model: keras.Model, network: Network, **selection):
        super().__init__(name=f"{network.name}_detections")
        self.model = model
        self.anchors = network.anchors
        self.selection = {"score_activation": network.scores, **selection}
        # Eager without it under JAX. Under TensorFlow a graph is as fast (benchmarks/networks.py) and
        # XLA's compiling need not be waited for before the first picture.
        self.compile(jit_compile=keras.backend.backend() == "jax")

    def call(self, images):
        outputs = self.model(images, training=False)
        return select_detections(outputs["codes"], outputs["logits"], self.anchors, **self.selection)


def named_detections(selected: dict, labels: Sequence[str]) -> list[Detections]:
    """What `select_detections` returned for a batch, with names for class ids: one `Detections` a picture."""
    arrays = {key: np.asarray(ops.convert_to_numpy(value)) for key, value in selected.items()}
    boxes, scores, classes = arrays["boxes"], arrays["scores"], arrays["classes"]
    batch = []
    for row, count in enumerate((classes > 0).sum(axis=1)):
        names = tuple(labels[int(c) - 1] for c in classes[row, :count])
        evidence = {rule: arrays[rule][row, :count] for rule in RULES if rule in arrays}
        batch.append(Detections(boxes[row, :count], scores[row, :count], names, evidence))
    return batch


class Detector:
    """Finds and names characters in pictures.

    Attributes:
        labels: the names it knows.
        network: what it looks with.
        thresholds: from which score on it reports each name, as chosen at the end of its training.
        unknown: value of the rule `nets.unknown.BEST_RULE` below which it answers "unknown"; None: never.
    """

    def __init__(
        self,
        model: keras.Model,
        network: Network,
        labels: Sequence[str],
        *,
        thresholds: Thresholds | None = None,
        unknown: float | None = None,
    ):
        self.labels = tuple(labels)
        self.network = network
        self.thresholds = thresholds or Thresholds()
        self.unknown = unknown
        self._model = DetectionModel(model, network, with_evidence=unknown is not None)

    @classmethod
    def load(cls, folder: Path | str, *, unknown: bool = False) -> Detector:
        """From a checkpoint folder, and nothing else.

        Args:
            folder: the folder of a training.
            unknown: answer "unknown" for a character that it was not taught, instead of the name that the
                character resembles most.

        Raises:
            ValueError: not a checkpoint folder, damaged, or never calibrated for "unknown".
        """
        checkpoint = read_checkpoint(Path(folder))
        limit = checkpoint.thresholds.unknown.get(BEST_RULE) if unknown else None
        if unknown and limit is None:
            raise ValueError(
                f"{folder} cannot tell unknown characters: its thresholds.json has no limit for {BEST_RULE}, "
                f"which is chosen on the validation set. Run `python -m tools.training_report "
                f"--train_dir={folder}`."
            )
        return cls(
            build_model(checkpoint),
            checkpoint.network,
            checkpoint.labels,
            thresholds=checkpoint.thresholds,
            unknown=limit,
        )

    def detect(self, image: np.ndarray, *, score_threshold: float | None = None) -> Detections:
        """Named boxes in one picture, best first.

        Args:
            image: uint8 [H, W, 3] RGB of any size.
            score_threshold: lowest score; None takes each name's own (0.5 where none was chosen).
        """
        return self.detect_batch([image], score_threshold=score_threshold)[0]

    def detect_batch(
        self, images: Sequence[np.ndarray], *, score_threshold: float | None = None
    ) -> list[Detections]:
        """`detect` for several pictures at once, which may differ in size."""
        if not images:
            return []
        for image in images:
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
                raise ValueError(f"A picture is uint8 [H, W, 3] RGB; got {image.dtype} {image.shape}.")
        size = self.network.image_size
        batch = np.stack([ops.convert_to_numpy(resize_picture(image, size)) for image in images])
        selected = self._model.predict_on_batch(batch)
        return [self._answer(found, score_threshold) for found in named_detections(selected, self.labels)]

    def _answer(self, found: Detections, score_threshold: float | None) -> Detections:
        """What of the detections is reported, and under which names."""
        found = found.above(self.thresholds.of(found.names) if score_threshold is None else score_threshold)
        return found if self.unknown is None else name_unknowns(found, self.unknown)
