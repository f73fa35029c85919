"""FaceClassifier: whose face a picture shows, with probabilities, and "unknown" for everybody else.

A classifier is a folder: config.json (names, how faces are prepared, temperature, limit of "unknown", what it
learnt from) and weights.npz (plain arrays of its head). Nothing in it is run. What sees faces is
checkpoints/anime_heads/likeness.npz.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from boxes.geometry import crop_around
from datasets.labels import clean_name
from files.reading import read_arrays, read_json
from files.writing import write_arrays, write_json
from nets.checkpoint import CONFIG, WEIGHTS
from nets.detector import HEADS
from nets.likeness import Likeness
from nets.thresholds import EVIDENCE, UNKNOWN, evidence, number_in

KIND = "face_classifier"
FORMAT = 2  # 1 brought the network along that sees faces
_MOST_NAMES = 100_000
SIDE = 96  # pixels of a face: 95.1 % right, with the 64 of `nets.likeness` 94.5 (docs/face_classifier.md)
# Goes up whenever the same picture gives other rows: rows kept on disk, and classifiers, then count no more.
_VERSION = 2


class FaceEncoder:
    """Pictures of faces -> rows of numbers: what `nets.likeness` sees in each and in its mirror image."""

    def __init__(self):
        self._likeness = Likeness.load(HEADS, SIDE)
        # Everything that rows depend on, in one word.
        self.way = f"{_VERSION}_{SIDE}_{self._likeness.rows_digest}"
        self.size = self._likeness.rows([]).shape[1]  # of a row, D

    def encode(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Rows of each face and of its mirror image, uint8 [H, W, 3] RGB of any size: float16 [N, 2, D].

        They are kept like that, and what was kept must be what is computed anew.
        """
        looks = [look for face in faces for look in (face, np.ascontiguousarray(face[:, ::-1]))]
        return self._likeness.rows(looks).astype(np.float16).reshape(len(faces), 2, self.size)


def softmax(logits: np.ndarray) -> np.ndarray:
    """[..., K] -> float64 [..., K], rows sum to 1."""
    return special.softmax(np.asarray(logits, np.float64), axis=-1)


@dataclass(frozen=True, eq=False)
class Head:
    """What makes names of rows."""

    kernel: np.ndarray  # float32 [D, K]
    bias: np.ndarray  # float32 [K]

    def logits(self, rows: np.ndarray) -> np.ndarray:
        """[..., D] -> float32 [..., K]."""
        return np.asarray(rows, np.float32) @ self.kernel + self.bias

    def of_faces(self, rows: np.ndarray) -> np.ndarray:
        """Of faces and their mirror images, which count alike: [N, 2, D] -> float32 [N, K]."""
        return self.logits(rows).mean(axis=1)


@dataclass(frozen=True)
class Judgement:
    """How logits become answers."""

    temperature: float = 1.0  # divides them before the softmax
    # of the evidence (`nets.thresholds`); below it a face is called unknown; None: never
    limit: float | None = None

    def as_json(self) -> dict[str, Any]:
        """For config.json and reports."""
        return {**asdict(self), "rule": EVIDENCE}

    def evidence(self, logits: np.ndarray) -> np.ndarray:
        """How clearly each face speaks for its name: [N, K] -> float64 [N]."""
        if not len(logits):
            return np.zeros(0)
        with_background = np.pad(np.asarray(logits, np.float32), ((0, 0), (1, 0)))
        return np.asarray(evidence(with_background), np.float64)

    def known(self, logits: np.ndarray) -> np.ndarray:
        """Which faces are not called unknown: [N, K] -> bool [N]."""
        return self.evidence(logits) >= (-math.inf if self.limit is None else self.limit)


@dataclass(frozen=True, eq=False)
class FaceAnswer:
    """Who a face could be."""

    names: tuple[str, ...]  # all, the likeliest first
    probabilities: np.ndarray  # float [K], in that order; they sum to 1
    known: bool  # False: most likely it is none of them

    @property
    def name(self) -> str:
        """The likeliest name, or `unknown`."""
        return self.names[0] if self.known else UNKNOWN


@dataclass(frozen=True, eq=False)
class FaceClassifier:
    """Names faces."""

    names: tuple[str, ...]  # K names
    encoder: FaceEncoder  # pictures -> rows
    head: Head  # rows -> logits
    judgement: Judgement  # logits -> answers
    margin: float = 0.15  # around a box, as a share of its longer side
    config: Mapping[str, Any] = field(default_factory=dict)  # everything else that config.json says

    @classmethod
    def load(cls, folder: Path | str) -> "FaceClassifier":
        """From a folder that `train_face_classifier.py` wrote; ValueError where it is none, or damaged."""
        folder = Path(folder)
        whole = (folder / CONFIG).is_file() and (folder / WEIGHTS).is_file()
        cure = "Train it again, or take a copy that is whole."
        config = read_json(folder / CONFIG, cure) if whole else {}
        if config.get("kind") != KIND:
            what = f"no folder of a face classifier: {CONFIG} and {WEIGHTS} of one are expected"
            raise ValueError(f"{folder} is {what}. Give the --train_dir of train_face_classifier.py")
        arrays = read_arrays(folder / WEIGHTS)
        try:
            return _from(config, arrays)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            wrong = f"{type(error).__name__}: {error}"
            what = f"does not hold a face classifier that can be used ({wrong})"
            raise ValueError(f"{folder} {what}. {cure}") from None

    def save(self, folder: Path) -> None:
        """Writes the folder; the configuration comes last and says which weights it belongs to."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"head/kernel": self.head.kernel, "head/bias": self.head.bias}
        write_arrays(folder / WEIGHTS, arrays)
        said = {**self.config, "kind": KIND, "format": FORMAT, "names": list(self.names)}
        said |= {"way": self.encoder.way, "margin": self.margin, "judgement": self.judgement.as_json()}
        write_json(folder / CONFIG, {**said, "weights": _digest(arrays)})

    def crop(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        """What of a picture is looked at to name the face in a box ([4] corners, fractions)."""
        return crop_around(image, np.asarray(box), self.margin)[0]

    def logits(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Of pictures with one face each, uint8 [H, W, 3] RGB: float32 [N, K]."""
        return self.head.of_faces(self.encoder.encode(faces))

    def answers(self, faces: Sequence[np.ndarray]) -> list[FaceAnswer]:
        """Who is in pictures with one face each."""
        return self.judge(self.logits(faces))

    def judge(self, logits: np.ndarray) -> list[FaceAnswer]:
        """Answers from logits [N, K]."""
        known = self.judgement.known(logits).tolist()
        answers = []
        for row, sure in zip(softmax(logits / self.judgement.temperature), known, strict=True):
            order = np.argsort(-row, kind="stable")
            answers.append(FaceAnswer(tuple(self.names[i] for i in order), row[order], sure))
        return answers


def _from(config: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> FaceClassifier:
    if config["format"] != FORMAT:
        raise ValueError(f"its format is {config['format']!r}, this program reads {FORMAT}")
    if _digest(arrays) != config["weights"]:
        raise ValueError(f"{WEIGHTS} is not the one that {CONFIG} was written for")
    names = [clean_name(name) if isinstance(name, str) else "" for name in config["names"]]
    if not all(names):
        raise ValueError("a name is empty or no text")
    if len(set(names)) != len(names) or not 2 <= len(names) <= _MOST_NAMES:
        raise ValueError(f"{len(names)} names, {len(set(names))} different; 2 or more are needed")
    encoder = FaceEncoder()
    if encoder.way != config["way"]:
        raise ValueError("it was trained with another likeness.npz")
    head = Head(*(np.asarray(arrays[f"head/{part}"], np.float32) for part in ("kernel", "bias")))
    if head.kernel.shape != (encoder.size, len(names)) or head.bias.shape != (len(names),):
        wanted = f"{encoder.size} numbers and {len(names)} names"
        raise ValueError(f"the head {head.kernel.shape} does not fit {wanted}")
    said = config["judgement"]
    temperature, limit = number_in(said["temperature"]), said["limit"]
    if temperature <= 0:
        raise ValueError(f"the temperature {temperature} is not above 0")
    if said["rule"] != EVIDENCE:
        raise ValueError(f"there is no rule {said['rule']!r}")
    judgement = Judgement(temperature, None if limit is None else number_in(limit))
    margin = number_in(config["margin"])
    return FaceClassifier(tuple(names), encoder, head, judgement, margin, config=config)


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    """16 hexadecimal digits that change when any value or shape does."""
    digest = hashlib.blake2b(digest_size=8)
    for key in sorted(arrays):
        digest.update(str(arrays[key].shape).encode() + arrays[key].tobytes())
    return digest.hexdigest()
