"""Detector: a checkpoint folder and a picture in, named boxes out."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import keras
import numpy as np
from keras import ops

from boxes.detections import Detections
from nets.checkpoint import FILES, build_model, is_checkpoint, read_checkpoint
from nets.exported import Exported
from nets.likeness import ANEW, NAMES, Likeness, Names, head_in, head_of, read_names
from nets.network import Network
from nets.postprocess import DetectionModel, Look, look_at
from nets.thresholds import EVIDENCE, UNKNOWN, Thresholds
from preprocessing.resize import resize_picture

_NAMED = 0.1  # score of a head from which on it is asked who it is: below, one in twenty is a head
_DOUBT = 0.003  # of likeness beside what a trained detector says: lest one mistake decide
# The finder of heads that needs no names, and knows how like two heads are.
HEADS = Path(__file__).parents[1] / "checkpoints" / "anime_heads"


def digest_of(path: Path) -> str:
    """Of the files that decide what the detector of a path says, whichever of `Detector.load`'s it is."""
    files = [path, path.with_suffix(".bin"), *(path / name for name in (*FILES, NAMES))]
    there = (file.read_bytes() for file in files if file.is_file())
    return " ".join(hashlib.blake2b(content, digest_size=8).hexdigest() for content in there)


class Detector:
    """Finds and names characters in pictures.

    Attributes:
        labels: the names it knows.
        network: what it looks with.
        thresholds: from which score on it reports each name, as chosen at the end of its training.
        unknown: evidence (`nets.thresholds.evidence`) below which it answers "unknown"; None: never.
        model: the network with its weights.
    """

    def __init__(
        self,
        model: keras.Model | Exported,
        network: Network,
        labels: Sequence[str],
        *,
        thresholds: Thresholds | None = None,
        unknown: float | None = None,
    ):
        self.labels, self.network, self.model = tuple(labels), network, model
        self.thresholds, self.unknown = thresholds or Thresholds(), unknown
        self._model = model if isinstance(model, Exported) else DetectionModel(model, network)
        self._side = network.image_size

    @classmethod
    def load(cls, folder: Path | str, *, unknown: bool = False) -> "Detector":
        """From a checkpoint folder, one of `tools.name_from_examples`, or a file of export_model.py.

        With `unknown` it answers so for characters it was not taught, and not whom they resemble most.

        Raises:
            ValueError: none of these, damaged, or never calibrated for "unknown", as no exported file is.
        """
        path = Path(folder)
        if path.is_file():
            if unknown:
                raise ValueError(f'{path} cannot tell unknown characters ("unknown"); give the checkpoint')
            return cls.of_file(Exported(path))
        if not (path / NAMES).is_file():
            return cls.trained(path, unknown=unknown)
        likeness, names = Likeness.load(HEADS), read_names(path)
        if (names.digest, names.vectors.shape[1]) != (likeness.digest, likeness.width):
            raise ValueError(f"{path / NAMES} is of another {HEADS.name}; {ANEW}")
        finder = cls.trained(path if is_checkpoint(path) else HEADS)
        if not {*names.names} <= {*finder.labels}:
            return NamingDetector(finder, likeness, names)
        return SurerDetector(cls.trained(path, unknown=True) if unknown else finder, likeness, names)

    @classmethod
    def of_file(cls, model: Exported) -> "Detector":
        """What looks with an exported file."""
        return cls(model, model.network, model.labels, thresholds=model.thresholds)

    @classmethod
    def trained(cls, folder: Path, *, unknown: bool = False) -> "Detector":
        """`load`, whatever names of examples lie beside the weights."""
        checkpoint = read_checkpoint(folder)
        limit = checkpoint.thresholds.unknown.get(EVIDENCE) if unknown else None
        if unknown and limit is None:
            raise ValueError(
                f"{folder} cannot tell unknown characters: its thresholds.json has no limit for {EVIDENCE}. "
                f"`python -m tools.training_report --train_dir={folder}` chooses one on the training's "
                "validation set; where it has none, convert with one and train again."
            )
        model, network, labels = build_model(checkpoint), checkpoint.network, checkpoint.labels
        return cls(model, network, labels, thresholds=checkpoint.thresholds, unknown=limit)

    def detect(self, image: np.ndarray, *, score_threshold: float | None = None) -> Detections:
        """Named boxes in one picture, uint8 [H, W, 3] RGB of any size, one for each head, best first.

        The lowest score None takes each name's own (0.5 where none was chosen).
        """
        return self.detect_batch([image], score_threshold=score_threshold)[0]

    def detect_batch(
        self, images: Sequence[np.ndarray], *, score_threshold: float | None = None, all_names: bool = False
    ) -> list[Detections]:
        """`detect` for several pictures of any sizes; `all_names`: also the less likely ones of a head."""
        found = []
        for look in self.look([self.prepare(image) for image in images]):
            one = look.detections if all_names else look.detections.where(look.best_of_head)
            one = one.above(self.thresholds.of(one.names) if score_threshold is None else score_threshold)
            if self.unknown is not None:
                clear = np.asarray(one.evidence) >= self.unknown
                one = one.renamed(np.where(clear, one.names, UNKNOWN).tolist())
            found.append(one)
        return found

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """uint8 [H, W, 3] RGB of any size -> float32 [side, side, 3], what `look` takes."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"A picture is uint8 [H, W, 3] RGB; got {image.dtype} {image.shape}.")
        return np.asarray(ops.convert_to_numpy(resize_picture(image, self._side)))

    def look(self, images: Sequence[np.ndarray]) -> list[Look]:
        """Everything that is to be known about each of several prepared pictures, in one pass."""
        return self._model.look(images, self.labels) if images else []


class NamingDetector(Detector):
    """Boxes of a finder of heads, names by likeness to examples, "unknown" where nobody is like enough."""

    def __init__(self, finder: Detector, likeness: Likeness, names: Names):
        self._finder, self._likeness, self._names = finder, likeness, names
        self.labels, self.network, self.model = names.names, finder.network, finder.model
        self.thresholds, self.unknown = Thresholds(0.5 * finder.thresholds.of(finder.labels).min()), 0.0
        self._side = 2 * finder.network.image_size  # heads are looked at more closely than whole pictures

    def look(self, images: Sequence[np.ndarray]) -> list[Look]:
        size = self.network.image_size
        small = [image.reshape(size, 2, size, 2, 3).mean((1, 3)) for image in images]
        pixels = (np.rint(image).astype(np.uint8) for image in images)
        return list(map(self._named, self._finder.look(small), pixels))

    def _named(self, look: Look, pixels: np.ndarray) -> Look:
        heads = look.detections.where(look.best_of_head).above(_NAMED)
        crops = [head_of(pixels, box) for box in heads.boxes]
        vectors, rows = self._likeness.look(crops)
        sure, shares = self._likeness.surer(heads, rows), self._shares(vectors)  # [N], [N, 1 + K]
        best = shares[:, 1:].argmax(1)
        # A head is reported by how sure it is a head and how sure the answer, "unknown" too; each less likely
        # name by its own share.
        scores = sure[:, None] * shares[:, 1:]
        scores[np.arange(len(heads)), best] = sure * shares.max(1)
        order = np.argsort(-scores, axis=None, kind="stable")
        head, name = np.unravel_index(order, scores.shape)
        evidence = (shares[:, 1:] - shares[:, :1])[head, name]
        named = tuple(self.labels[i] for i in name)
        boxes = self._names.boxes_of(heads.boxes)
        detections = Detections(boxes[head], scores[head, name], named, evidence)
        return Look(
            detections, best[head] == name, head, boxes, shares, np.log(shares), partial(self._who, pixels)
        )

    def _who(self, pixels: np.ndarray, boxes: Iterable[np.ndarray]) -> np.ndarray:
        return self._shares(self._likeness.vectors([head_of(pixels, box) for box in boxes]))

    def _shares(self, vectors: np.ndarray) -> np.ndarray:
        return self._names.probabilities(vectors, self._likeness.of_anybody(vectors))


class SurerDetector(NamingDetector):
    """Boxes of a detector trained on names, and these by what it says and by likeness to examples of them."""

    def __init__(self, trained: Detector, likeness: Likeness, names: Names):
        super().__init__(trained, likeness, names)
        self.labels, self.thresholds, self.unknown = trained.labels, trained.thresholds, trained.unknown
        self._heads = Detector.trained(HEADS)
        at = {name: number for number, name in enumerate(names.names, start=1)}
        self._columns = [at.get(name, 0) for name in self.labels]  # without examples: as like as nobody

    def _named(self, look: Look, pixels: np.ndarray) -> Look:
        # Only a head's best anchor: another would keep the name that likeness speaks against.
        kept = np.unique(look.anchors[look.best_of_head])
        boxes, shares = look.anchor_boxes[kept], look.probabilities[kept]
        heads = self._heads.detect(pixels, score_threshold=0)
        asked = shares[:, 1:].max(1, initial=0) >= _NAMED
        alike = self._who(pixels, (head_in(box, heads) for box in boxes[asked]))[:, self._columns]
        both = shares[asked, 1:] * (alike / alike.sum(1, keepdims=True) + _DOUBT)
        shares[asked, 1:] = (1 - shares[asked, :1]) * both / both.sum(1, keepdims=True)
        one = look_at(boxes, shares, look.logits[kept], self.labels)
        rest = look.anchor_boxes, look.probabilities, look.logits  # what the network alone says
        return Look(one.detections, one.best_of_head, kept[one.anchors], *rest)
