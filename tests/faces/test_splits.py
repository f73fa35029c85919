from pathlib import Path

import numpy as np
import pytest

from datasets.splits import SplitOptions
from faces.folder import Face
from faces.splits import group_faces, split_faces


def face(name: str, source: str, number: int) -> Face:
    return Face(Path("x"), f"{name}/{source}{number}", name, source, f"{number:032x}")


def far_apart(count: int, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 2**63, count, dtype=np.uint64)


def splits_of_sources(faces, split) -> list[set[str]]:
    pairs = list(zip((one.source for one in faces), split.splits, strict=True))
    return [{where for source, where in pairs if source == one} for one in {source for source, _ in pairs}]


@pytest.mark.parametrize("split_seed", range(4))
def test_no_source_and_no_look_alike_is_on_both_sides(split_seed, rng):
    faces = [face(f"n{i % 4}", f"show{i % 23}", i) for i in range(200)]
    hashes = far_apart(200, rng)
    hashes[7], hashes[60] = hashes[31], hashes[133] ^ np.uint64(0b1011)
    split = split_faces(faces, hashes, SplitOptions(split_fractions=(0.6, 0.2, 0.2), seed=split_seed))
    assert set(split.splits) == {"train", "validation", "test"}
    assert all(len(where) == 1 for where in splits_of_sources(faces, split))
    assert split.splits[7] == split.splits[31]
    assert split.splits[60] == split.splits[133]


def test_groups_do_not_depend_on_the_order_of_faces(rng):
    faces = [face("a", f"s{i % 9}", i) for i in range(40)]
    hashes = far_apart(40, rng)
    hashes[3], hashes[17] = hashes[11], hashes[4]
    there = dict(zip((one.shown for one in faces), group_faces(faces, hashes), strict=True))
    order = rng.permutation(40)
    back = group_faces([faces[i] for i in order], hashes[order])
    assert {faces[i].shown: group for i, group in zip(order, back, strict=True)} == there


def test_every_name_has_something_to_learn_from(rng):
    faces = [*(face("common", f"s{i}", i) for i in range(60)), face("rare", "z", 100)]
    for seed in range(8):
        split = split_faces(faces, far_apart(61, rng), SplitOptions(seed=seed))
        assert split.splits[-1] == "train"
        assert any("rare" in note for note in split.notes)


def test_few_sources_are_told(rng):
    faces = [face("ab"[i % 2], "one", i) for i in range(40)]
    split = split_faces(faces, far_apart(40, rng), SplitOptions())
    assert "fewer sources than there are splits" in split.notes[0]
    assert len(set(split.groups)) == 40


def test_where_look_alikes_tie_all_sources_together_those_of_the_training_go(rng):
    faces = [face(f"n{i % 3}", f"show{i % 6}", i) for i in range(120)]
    hashes = far_apart(120, rng)
    hashes[:6] = hashes[0]  # one face that is in every source
    split = split_faces(faces, hashes, SplitOptions(split_fractions=(0.6, 0.2, 0.2)))
    assert all(len(where - {"left out"}) == 1 for where in splits_of_sources(faces, split))
    gone = split.indices("left out")
    assert 0 < len(gone) <= gone[-1] + 1 <= 6
    assert not any(split.splits[i] == "train" for i in range(6))
    assert f"{len(gone)} faces look like faces of other sources" in " ".join(split.notes)
