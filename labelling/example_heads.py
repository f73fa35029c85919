"""Heads that stand for names: which boxes can be ones, what is like them, and from where on nobody is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from datasets.annotations import Annotation
from datasets.problems import some_of

if TYPE_CHECKING:  # importing it would start Keras before its remarks can be held back
    from nets.likeness import Likeness, Names

MOST = 20  # of a name; so many are promised to be looked at
_LEAST = 12  # pixels of a head; below, a person who labelled heads enlarged called them hard (docs/heads.md)
_LOST = 0.05  # of right heads that may be called unknown, as far as examples tell
_STRANGERS = 0.75  # of drawn strangers that shall be called unknown, where examples cannot tell


def examples_of(annotations: list[Annotation]) -> dict[str, list[tuple[Annotation, np.ndarray]]]:
    """The pictures and boxes, [4] corners as fractions, by name; the largest MOST of each.

    Raises:
        ValueError: a face has two names, or a name no box that shows a head.
    """
    from boxes.geometry import iou  # it starts Keras
    from nets.postprocess import ONE_HEAD

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
        raise ValueError(
            f"no box of {some_of(unseen)} can be used: an example is at least {_LEAST} pixels wide and high, "
            "and not difficult; draw one around a head that can be seen, or delete the name"
        )

    def size(example: tuple[Annotation, np.ndarray]) -> float:
        one, (top, left, bottom, right) = example
        return -(bottom - top) * one.height * (right - left) * one.width

    return {name: sorted(some, key=size)[:MOST] for name, some in sorted(found.items())}


def likeness_within(vectors: np.ndarray) -> np.ndarray:
    """How like each of some examples [N, E] is to the mean of the others: float [N], none for one example."""
    if len(vectors) < 2:
        return np.zeros(0)
    others = vectors.sum(0) - vectors
    return (vectors * others).sum(1) / np.linalg.norm(others, axis=1)


def limit_of(vectors: np.ndarray, owners: np.ndarray, strangers: np.ndarray) -> float:
    """The cosine below which a head is nobody's.

    Conformal where there are enough examples to be left out in turn (Vovk et al. 2005): of heads that are
    named right at most _LOST fall below it. Where there are fewer, most of the drawn strangers do.
    """
    groups = [vectors[owners == number] for number in range(owners.max() + 1)]
    means = np.stack([group.mean(0) / np.linalg.norm(group.mean(0)) for group in groups])
    right = [np.zeros(0)]
    for number, group in enumerate(groups):
        others = np.delete(group @ means.T, number, 1).max(1, initial=-1)
        own = likeness_within(group)
        right.append(own[own > others] if len(own) else own)
    left_out = np.sort(np.concatenate(right))
    if rank := int(_LOST * (len(left_out) + 1)):
        return float(left_out[rank - 1])
    return float(np.quantile((strangers @ means.T).max(1), _STRANGERS))


def names_with(old: Names | None, new: Mapping[str, np.ndarray], likeness: Likeness) -> Names:
    """Names with the examples, vectors [N, E], of some more; they replace those of their name.

    Raises:
        ValueError: that is one name only.
    """
    from nets.likeness import Names

    known = {} if old is None else {name: old.vectors[old.owners == i] for i, name in enumerate(old.names)}
    both = {**known, **new}
    if len(both) < 2:
        raise ValueError(
            f"there are examples of {some_of(list(both)) or 'nobody'} only: names are told apart by "
            "comparing; label at least one head of somebody else, too"
        )
    owners = np.repeat(np.arange(len(both)), [len(one) for one in both.values()])
    vectors = np.concatenate(list(both.values()))
    limit = limit_of(vectors, owners, likeness.strangers)
    return Names(tuple(both), vectors, owners, limit, likeness.digest)


def mistaken(names: Names) -> Iterator[tuple[str, int, int, str]]:
    """Of each name: how many examples, how many are more like somebody else, and who that is most often."""
    for number, name in enumerate(names.names):
        own = names.vectors[names.owners == number]
        cosines = names.cosines(own)
        if len(own) > 1:
            cosines[:, number] = likeness_within(own)
        others = [names.names[best] for best in cosines.argmax(1) if best != number]
        yield name, len(own), len(others), Counter(others).most_common(1)[0][0] if others else ""
