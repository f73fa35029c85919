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
from preprocessing.resize import resize_picture


class DetectionModel(keras.Model):
    """A network with its post-processing in the same graph.

    [B, S, S, 3] -> what `select_detections` returns.
    """

    def __init__(self, model: keras.Model, network: Network, **selection):
        super().__init__(name=f"{network.name}_detections")
        self.model = model
        self.anchors = network.anchors
        self.selection = selection
        # Eager without it under JAX. Under TensorFlow a graph is as fast (benchmarks/networks.py) and
        # XLA's compiling need not be waited for before the first picture.
        self.compile(jit_compile=keras.backend.backend() == "jax")

    def call(self, images):
        outputs = self.model(images, training=False)
        return select_detections(outputs["codes"], outputs["logits"], self.anchors, **self.selection)


def named_detections(selected: dict, labels: Sequence[str]) -> list[Detections]:
    """What `select_detections` returned for a batch, with names for class ids: one `Detections` a picture."""
    boxes, scores, classes = (
        np.asarray(ops.convert_to_numpy(selected[k])) for k in ("boxes", "scores", "classes")
    )
    batch = []
    for row, count in enumerate((classes > 0).sum(axis=1)):
        names = tuple(labels[int(c) - 1] for c in classes[row, :count])
        batch.append(Detections(boxes[row, :count], scores[row, :count], names))
    return batch


class Detector:
    """Finds and names characters in pictures.

    Attributes:
        labels: the names it knows.
        network: what it looks with.
    """

    def __init__(self, model: keras.Model, network: Network, labels: Sequence[str]):
        self.labels = tuple(labels)
        self.network = network
        self._model = DetectionModel(model, network)

    @classmethod
    def load(cls, folder: Path | str) -> Detector:
        """From a checkpoint folder, and nothing else.

        Raises:
            ValueError: not a checkpoint folder, or damaged.
        """
        checkpoint = read_checkpoint(Path(folder))
        return cls(build_model(checkpoint), checkpoint.network, checkpoint.labels)

    def detect(self, image: np.ndarray, *, score_threshold: float = 0.5) -> Detections:
        """Named boxes in one picture, best first: uint8 [H, W, 3] RGB of any size."""
        return self.detect_batch([image], score_threshold=score_threshold)[0]

    def detect_batch(self, images: Sequence[np.ndarray], *, score_threshold: float = 0.5) -> list[Detections]:
        """`detect` for several pictures at once, which may differ in size."""
        if not images:
            return []
        for image in images:
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
                raise ValueError(f"A picture is uint8 [H, W, 3] RGB; got {image.dtype} {image.shape}.")
        size = self.network.image_size
        batch = np.stack([ops.convert_to_numpy(resize_picture(image, size)) for image in images])
        selected = self._model.predict_on_batch(batch)
        return [found.above(score_threshold) for found in named_detections(selected, self.labels)]
