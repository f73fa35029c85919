"""Which faces are for training, for choosing, for the last word: never two of one source on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from datasets.look_alikes import near_duplicates
from datasets.problems import some_of
from datasets.splits import SPLITS, SplitOptions, make_splits
from faces.folder import Face

LEFT_OUT = "left out"


@dataclass(frozen=True)
class FaceSplit:
    """Where every face went."""

    splits: tuple[str, ...]  # of each face: train, validation, test, or LEFT_OUT
    groups: tuple[str, ...]  # of each face: what stays together
    notes: tuple[str, ...] = ()  # what a person should know about it, each a sentence

    def indices(self, split: str) -> np.ndarray:
        """Numbers of the faces of a split: int64 [N]."""
        return np.flatnonzero(np.array(self.splits) == split)


def group_faces(faces: Sequence[Face], hashes: np.ndarray, *, by_source: bool = True) -> tuple[str, ...]:
    """A name for the group of each face that must stay together; it depends on the members only.

    Those of one source, if so wanted and known, and those that look alike by their hashes, uint64 [N].
    """
    keys = [f"source {face.source}" if face.source and by_source else f"face {face.shown}" for face in faces]
    together = DisjointSet(keys)
    for a, b in near_duplicates(np.asarray(hashes, np.uint64)).tolist():
        together.merge(keys[a], keys[b])
    names = {key: min(members) for members in together.subsets() for key in members}
    return tuple(names[key] for key in keys)


def split_faces(faces: Sequence[Face], hashes: np.ndarray, options: SplitOptions) -> FaceSplit:
    """Distributes groups by the hash of their name, as `datasets.splits` does with sources.

    A name that would have no face to learn from gets one group of its own back.
    """
    by_source = options.split_by != "picture"
    groups, notes = group_faces(faces, hashes, by_source=by_source), []
    wanted = sum(part > 0 for part in options.split_fractions)
    sources = {face.source for face in faces if face.source}
    chained = by_source and len(set(groups)) < wanted
    if chained and len(sources) >= wanted:
        # Look-alikes tie all sources together: those of the training have to go instead.
        groups = tuple(f"source {one.source}" if one.source else f"face {one.shown}" for one in faces)
    elif chained:
        groups = group_faces(faces, hashes, by_source=False)
        how = "faces were distributed one by one, only those that look alike together"
        why = "If many come from one video, results flatter; --source_pattern says what names a source."
        notes.append(f"The file names tell of fewer sources than there are splits, so {how}. {why}")
    one_each = SplitOptions("picture", options.split_fractions, options.seed)
    of_group = dict(make_splits(sorted(set(groups)), one_each).splits)
    names = np.array([face.name for face in faces])
    for name in sorted(set(names)):
        own = sorted({group for group, face in zip(groups, faces, strict=True) if face.name == name})
        if all(of_group[group] != "train" for group in own):
            of_group[own[0]] = "train"
    splits = [of_group[group] for group in groups]
    if chained and len(sources) >= wanted:
        notes += _leave_out_look_alikes(splits, names, hashes)
    for split, part in zip(SPLITS, options.split_fractions, strict=True):
        missing = sorted(set(names) - set(names[np.array(splits) == split]))
        if part and missing and split != "train":
            notes.append(f"{split} has no face of {some_of(missing)}: nothing is measured of them there.")
    return FaceSplit(tuple(splits), groups, tuple(notes))


def _leave_out_look_alikes(splits: list[str], names: np.ndarray, hashes: np.ndarray) -> list[str]:
    """Takes faces out of the training that look like measured ones; a name keeps at least one face there."""
    train = np.flatnonzero(np.array(splits) == "train")
    measured = np.flatnonzero(np.array(splits) != "train")
    alike = near_duplicates(hashes[train], hashes[measured])[:, 0]
    left = {name: int((names[train] == name).sum()) for name in set(names[train])}
    count = 0
    for place in sorted(set(alike.tolist())):
        face = int(train[place])
        if left[names[face]] > 1:
            left[names[face]] -= 1
            splits[face] = LEFT_OUT
            count += 1
    return [f"{count} faces look like faces of other sources that are measured: they were not trained on."]
