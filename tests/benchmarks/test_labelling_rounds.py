"""Which pictures a round of labelling takes, and which of the others count."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.labelling_rounds import choose, unlike
from datasets.annotations import ReadOptions, read_folder
from datasets.voc import write_annotation
from tests.video.small_videos import scene


def test_a_larger_choice_has_the_smaller_one_in_it() -> None:
    stems = [f"p{number}" for number in range(40)]
    small, large = (choose(stems, count, seed=3) for count in (10, 30))
    assert large[:10] == small
    assert len(set(large)) == 30
    assert choose(stems[::-1], 10, seed=3) == small
    assert choose(stems, 10, seed=4) != small
    with pytest.raises(ValueError, match="--pictures 40: there are only 40, and some must be left to draft"):
        choose(stems, 40, seed=0)


def test_pictures_that_equal_one_trained_on_do_not_count(tmp_path: Path) -> None:
    brighter = np.clip(scene(1).astype(int) + 4, 0, 255).astype(np.uint8)
    for name, picture in {"a": scene(1), "b": brighter, "c": scene(2)}.items():
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
        write_annotation(tmp_path / f"{name}.xml", tmp_path / f"{name}.png", 96, 72, [])
    a, b, c = read_folder(tmp_path, ReadOptions()).annotations
    assert [one.stem for one in unlike([b, c], [a])] == ["c"]
    assert unlike([], [a]) == []
