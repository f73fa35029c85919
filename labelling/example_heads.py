"""Heads that stand for names: which boxes can be ones, what is like them, and from where on nobody is."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from boxes.geometry import encode, iou
from datasets.annotations import Annotation
from datasets.pictures import read_picture
from datasets.problems import some_of
from files.writing import write_arrays

if TYPE_CHECKING:  # importing it would start Keras before its remarks can be held back
    from nets.detector import Detector
    from nets.likeness import Likeness, Names

MOST = 40  # of a name; so many are promised to be looked at
_LEAST = 12  # pixels of a head; below, a person who labelled heads enlarged called them hard (docs/heads.md)
_LOST = 0.05  # of right heads that may be called unknown, as far as examples tell
_USUAL = 0.15  # the limit where examples are too few to tell: what five names of five have on faces10
# Overlap with its head from which on a box is one around a head: 0, 0.2, 0.3, 0.4 gave 0.340, 0.381, 0.385,
# 0.380.
_MOSTLY = 0.3


def examples_of(annotations: list[Annotation]) -> dict[str, list[tuple[Annotation, np.ndarray]]]:
    """The pictures and boxes, [4] corners as fractions, by name; the largest MOST of each.

    ValueError where a face has two names, or a name no box that shows a head.
    """
    from nets.postprocess import ONE_HEAD  # it starts Keras

    found: dict[str, list[tuple[Annotation, np.ndarray]]] = {}
    for one in annotations:
        same = np.argwhere(np.triu(np.asarray(iou(one.boxes, one.boxes)) > ONE_HEAD, 1))
        for first, second in ((one.names[i], one.names[j]) for i, j in same):
            if first != second:
                raise ValueError(
                    f"{one.xml}: one face is called {first} and {second}; delete one of the boxes"
                )
        sides = (one.boxes[:, 2:] - one.boxes[:, :2]) * (one.height, one.width)
        usable = (sides.min(1) >= _LEAST) & ~np.array(one.difficult, bool)
        for name, box, good in zip(one.names, one.boxes, usable, strict=True):
            found.setdefault(name, []).extend([(one, box)] if good else [])
    if unseen := sorted(name for name, some in found.items() if not some):
        rule = f"an example is at least {_LEAST} pixels wide and high, and not difficult"
        cure = "draw one around a head that can be seen, or delete the name"
        raise ValueError(f"no box of {some_of(unseen)} can be used: {rule}; {cure}")

    def size(example: tuple[Annotation, np.ndarray]) -> float:
        one, (top, left, bottom, right) = example
        return -(bottom - top) * one.height * (right - left) * one.width

    return {name: sorted(some, key=size)[:MOST] for name, some in sorted(found.items())}


def around(box: np.ndarray, head: np.ndarray) -> np.ndarray:
    """The code of a box relative to the head in it, both [4] corners; 0 where it shows mostly else."""
    same = np.asarray(iou(head[None], box[None]))[0, 0] > _MOSTLY
    return np.asarray(encode(np.float32(box), np.float32(head))) if same else np.zeros(4)


def looked_at(
    some: Sequence[tuple[Annotation, np.ndarray]], finder: "Detector", likeness: "Likeness"
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors, [N, E], of the heads in boxes of pictures, and how the boxes lie around them, [N, 4]."""
    from nets.likeness import head_in, head_of

    heads, codes = [], []
    for one, box in some:
        image = read_picture(one.path, turn=one.turned)
        head = head_in(box, finder.detect(image, score_threshold=0))
        heads.append(head_of(image, head))
        codes.append(around(box, head))
    return likeness.vectors(heads), np.stack(codes)


def likeness_within(vectors: np.ndarray) -> np.ndarray:
    """How like each of some examples [N, E] is to the mean of the others: float [N], none for one example."""
    from nets.likeness import NUMBERS

    if len(vectors) < 2:
        return np.zeros(0)
    vectors = vectors[:, :NUMBERS]
    others = vectors.sum(0) - vectors
    return (vectors * others).sum(1) / np.linalg.norm(others, axis=1)


def left_out(
    vectors: np.ndarray, owners: np.ndarray, anybody: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray]:
    """The `clearness` of examples [N, E] left out in turn: by name of those named right; of all as strangers.

    A stranger is what an example is to the names that are not its own, where there are two.
    """
    from nets.likeness import NUMBERS, clearness

    groups = [vectors[owners == number, :NUMBERS] for number in range(owners.max() + 1)]
    means = np.stack([group.mean(0) / np.linalg.norm(group.mean(0)) for group in groups])
    right, strangers = [np.zeros(0) for _ in groups], [np.zeros(0)]
    for number, group in enumerate(groups):
        others, around = np.delete(group @ means.T, number, 1), anybody[owners == number]
        if others.shape[1] > 1:
            strangers.append(clearness(others, around))
        if len(own := likeness_within(group)):
            clear = clearness(np.column_stack([others, own]), around)
            right[number] = clear[own > others.max(1, initial=-1)]
    return right, np.concatenate(strangers)


def limit_of(right: np.ndarray) -> float:
    """The clearness below which a head is nobody's, from that of examples named right.

    Conformal where there are enough of them (Vovk et al. 2005): of heads that are named right at most _LOST
    fall below it.
    """
    rank = int(_LOST * (len(right) + 1))
    return float(np.sort(right)[rank - 1]) if rank else _USUAL


def names_with(
    old: "Names | None", new: Mapping[str, tuple[np.ndarray, np.ndarray]], likeness: "Likeness"
) -> "Names":
    """Names with the examples of some more, vectors [N, E] and `around` [N, 4]; they replace their name's.

    ValueError where that is one name only.
    """
    from nets.likeness import Names

    both = {} if old is None else {name: old.examples(number) for number, name in enumerate(old.names)}
    both |= new
    if len(both) < 2:
        why = "names are told apart by comparing; label at least one head of somebody else, too"
        raise ValueError(f"there are examples of {some_of(list(both)) or 'nobody'} only: {why}")
    vectors, around = (np.concatenate(some) for some in zip(*both.values(), strict=True))
    owners = np.repeat(np.arange(len(both)), [len(some) for some, _ in both.values()])
    right, _ = left_out(vectors, owners, likeness.of_anybody(vectors))
    return Names(tuple(both), vectors, owners, around, limit_of(np.concatenate(right)), likeness.digest)


def promised(names: "Names", likeness: "Likeness") -> str:
    """What to expect of "unknown", as far as the examples can tell; nothing where they cannot."""
    from engine.measures.calibration import conformal_share  # scikit-learn, which takes its time

    right, strangers = left_out(names.vectors, names.owners, likeness.of_anybody(names.vectors))
    said = []
    if len(strangers):
        named = conformal_share(strangers >= names.limit)
        said.append(f"of 100 heads of others about {100 * named:.0f} get a name")
    if len(clear := np.concatenate(right)):
        lost = conformal_share(clear < names.limit)
        said.append(f"of 100 named right {100 * lost:.0f} lose their name")
    return "; ".join(said)


def mistaken(names: "Names") -> Iterator[tuple[str, int, int, str]]:
    """Of each name: how many examples, how many are more like somebody else, and who that is most often."""
    for number, name in enumerate(names.names):
        own, _ = names.examples(number)
        cosines = names.cosines(own)
        if len(own) > 1:
            cosines[:, number] = likeness_within(own)
        others = [names.names[best] for best in cosines.argmax(1) if best != number]
        yield name, len(own), len(others), Counter(others).most_common(1)[0][0] if others else ""


def write_names(folder: Path, names: "Names") -> None:
    """Writes names.npz, which `nets.likeness.read_names` reads, into a folder, which is made."""
    from nets.likeness import NAMES

    folder.mkdir(parents=True, exist_ok=True)
    arrays = {key: np.asarray(value) for key, value in asdict(names).items()}
    write_arrays(folder / NAMES, arrays)
