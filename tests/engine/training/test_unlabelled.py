import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from datasets.pictures import read_picture, save_picture
from datasets.records import open_dataset, with_more
from engine.training.options import TrainingOptions, recipe_defaults
from engine.training.unlabelled import hide, label_surely
from tests.conftest import ROOT
from tests.engine.training_run import planned


def labelled(train_dir: Path, pictures: Path, **more) -> TrainingOptions:
    more = {"checkpoint_path": str(ROOT / "checkpoints" / "drawn_lite"), "model_name": "ssd_300_lite", **more}
    options = TrainingOptions(train_dir=train_dir, unlabelled_dir=pictures, **more)
    label_surely(options, Console(file=io.StringIO()))
    return options


def test_what_a_detector_is_sure_of_is_learnt_from_alone_and_beside_labels(tmp_path):
    (pictures := tmp_path / "pictures").mkdir()
    for path in (shown := sorted((ROOT / "demo").glob("*.jpg"))[:3]):
        shutil.copy(path, pictures)
    (pictures / "broken.jpg").write_bytes(b"no picture")
    options = labelled(tmp_path / "run", pictures)
    alone = open_dataset(options.dataset_dir).split("train")
    assert alone.boxes >= alone.pictures == 3
    assert planned(**vars(options)).pictures.split == "train"
    save_picture(pictures / "new.jpg", read_picture(pictures / shown[0].name))
    (tmp_path / "more" / "unlabelled").mkdir(parents=True)  # of a start that was cut off
    more = labelled(tmp_path / "more", pictures, dataset_dir=options.dataset_dir)
    there = open_dataset(more.train_dir / "unlabelled")
    assert there.split("train").pictures == 1, "those that the records have are passed over"
    both = with_more(open_dataset(options.dataset_dir), "train", there).split("train")
    assert (both.pictures, both.boxes, both.picture.max()) == (4, alone.boxes + there.split("train").boxes, 3)
    named = shutil.copytree(ROOT / "checkpoints" / "drawn_lite", tmp_path / "named")
    (named / "names.npz").write_bytes(b"of somebody")
    with pytest.raises(ValueError, match=r"names\.npz cannot be read"):  # names of examples count, too
        labelled(tmp_path / "none", pictures, dataset_dir=options.dataset_dir, checkpoint_path=str(named))
    with pytest.raises(ValueError, match="no picture in it that is not in the records"):
        labelled(tmp_path / "none", tmp_path / "run")
    with pytest.raises(ValueError, match="give its checkpoint folder as --checkpoint_path, not nothing"):
        labelled(tmp_path / "none", pictures, checkpoint_path="")


def test_what_is_unsure_is_hidden_but_not_what_is_sure():
    image = np.random.default_rng(0).integers(0, 256, (80, 80, 3)).astype(np.uint8)
    hidden = hide(image, np.array([[0, 0, 0.5, 0.5]]), np.array([[0.25, 0.25, 0.5, 0.5]]))
    assert hidden[5:12, 5:12].std() < 10 < image[5:12, 5:12].std()
    np.testing.assert_array_equal(hidden[28:34, 28:34], image[28:34, 28:34])
    np.testing.assert_array_equal(hidden[60:], image[60:])


def test_pictures_without_labels_alone_have_a_recipe():
    for given, start in (([], "anime_heads"), (["--checkpoint_path=mine"], "mine")):
        alone = recipe_defaults(["--unlabelled_dir=frames", "--train_dir=run", *given])
        assert (Path(alone.checkpoint_path).name, alone.passes) == (start, 24)
    assert Path(recipe_defaults(["--train_dir=run"]).checkpoint_path).name == "anime_heads_lite"
    with pytest.raises(ValueError, match="give --dataset_dir, or pictures without labels"):
        TrainingOptions(train_dir=Path("run"))
