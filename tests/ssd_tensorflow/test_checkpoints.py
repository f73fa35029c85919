from dataclasses import replace

import numpy as np
import pytest

import nets
from boxes.anchors import shapes_of
from datasets.examples import VOC_NAMES
from datasets.labels import read_labels
from datasets.new_labels import write_labels
from nets import get_network
from nets.checkpoint import read_checkpoint
from nets.detector import Detector
from nets.saving import model_weights, write_checkpoint
from nets.slim_files import read_slim_variables, write_slim_checkpoint
from nets.slim_names import slim_variables
from ssd_tensorflow.checkpoints import (
    as_checkpoint_folder,
    export_checkpoint,
    import_checkpoint,
    is_tensorflow_checkpoint,
)
from ssd_tensorflow.witness import PUBLISHED, Difference, run_witness
from tests.conftest import tables, tree
from tests.ssd_tensorflow.conftest import NAMES, small_other
from tools.slim_checkpoint import DEMO

# The witness is TensorFlow's, whatever the backend.
pytestmark = pytest.mark.tensorflow_only

PICTURE = min(DEMO.glob("*.jpg"))
SMALL = "small_vgg"


def write_npz(tmp_path, variables):
    np.savez(tmp_path / "changed.npz", **variables)
    return tmp_path / "changed.npz"


def test_a_checkpoint_becomes_a_folder_that_knows_its_names(variables, source, tmp_path):
    done = import_checkpoint(source, NAMES, tmp_path / "new" / "folder")
    checkpoint = read_checkpoint(tmp_path / "new" / "folder")
    assert checkpoint.network.name == done.checkpoint.network.name == "small_vgg"
    assert checkpoint.labels == NAMES
    assert done.global_step == 1234
    assert len(done.report.restored) == 8
    assert done.report.missing == []
    assert set(done.report.reasons.values()) == {
        "Adam slot of the training that wrote it",
        "counter of the training that wrote it",
    }
    np.testing.assert_array_equal(checkpoint.weights["conv6/kernel"], variables["small_vgg/conv6/weights"])
    assert checkpoint.config["start"]["source"] == "import of model.ckpt-1234"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["folder"]
    detector = Detector.load(tmp_path / "new" / "folder")
    found = detector.detect(np.full((40, 60, 3), 200, np.uint8), score_threshold=0.0)
    assert set(found.names) <= set(NAMES)
    assert len(found) > 0


def test_moving_averages_are_used_on_request_only(variables, tmp_path):
    name = "small_vgg/conv6/biases"
    path = write_npz(tmp_path, {**variables, f"{name}/ExponentialMovingAverage": variables[name] + 1})
    import_checkpoint(path, NAMES, tmp_path / "plain")
    done = import_checkpoint(path, NAMES, tmp_path / "averaged", use_ema=True)
    plain, averaged = (read_checkpoint(tmp_path / kind).weights for kind in ("plain", "averaged"))
    np.testing.assert_array_equal(plain["conv6/bias"], variables[name])
    np.testing.assert_array_equal(averaged["conv6/bias"], variables[name] + 1)
    np.testing.assert_array_equal(averaged["conv6/kernel"], plain["conv6/kernel"])
    assert not any(name.endswith("ExponentialMovingAverage") for name in done.report.skipped)


@pytest.mark.parametrize(("changes", "options", "message"), tables(__file__, "commands")["not_imported"])
def test_what_is_not_imported_says_why_and_leaves_nothing(variables, tmp_path, changes, options, message):
    for name, shape_value_type in changes.items():
        del variables[f"small_vgg/{name}"]
        variables |= {f"small_vgg/{name}": np.full(*shape_value_type)} if shape_value_type else {}
    path = write_npz(tmp_path, variables)
    options = {**options, **({"picture": PICTURE} if "picture" in options else {})}
    with pytest.raises(ValueError, match=message):
        import_checkpoint(path, **{"labels": NAMES, "output_dir": tmp_path / "out", **options})
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_network_that_is_there_is_proposed_instead_of_one_of_which_a_part_is_there(
    variables, tmp_path, monkeypatch
):
    other = replace(get_network(SMALL), name="small_other", architecture=small_other)
    monkeypatch.setitem(nets.NETWORKS, "small_other", other)
    with pytest.raises(ValueError, match=r"holds 2 of the 4 .* all of a small_vgg: .*--model_name=small_vgg"):
        import_checkpoint(write_npz(tmp_path, variables), NAMES, tmp_path / "out", model_name="small_other")


def test_nothing_is_overwritten(source, tmp_path):
    tree(tmp_path, {"mine/note.txt": "keep"})
    with pytest.raises(ValueError, match=r"mine is there already and stays as it is\. Give the name of"):
        import_checkpoint(source, NAMES, tmp_path / "mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "source"]
    assert (tmp_path / "mine" / "note.txt").read_text() == "keep"


def test_a_folder_of_this_project_is_not_imported_and_only_published_networks_are_exported(source, tmp_path):
    import_checkpoint(source, NAMES, tmp_path / "ours")
    with pytest.raises(ValueError, match="ours is a checkpoint folder of this project already: use it"):
        import_checkpoint(tmp_path / "ours", NAMES, tmp_path / "again")
    with pytest.raises(ValueError, match=r"SSD-Tensorflow has no small_vgg; it has"):
        export_checkpoint(tmp_path / "ours", tmp_path / "out")
    with pytest.raises(ValueError, match=r"nowhere does not exist"):
        export_checkpoint(tmp_path / "nowhere", tmp_path / "out")


def test_fitted_anchors_are_not_exported_to_a_program_with_its_own(tmp_path):
    shapes = shapes_of(get_network("ssd_300_vgg").anchor_layers)
    config = {"model_name": "ssd_300_vgg", "anchor_shapes": [[0.3, 0.2], *shapes[1:]]}
    write_checkpoint(tmp_path / "ours", labels=("one",), config=config, weights={"any": np.zeros(1)})
    with pytest.raises(ValueError, match=r"trained with --anchors=fitted.*Train with --anchors=network"):
        export_checkpoint(tmp_path / "ours", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def full_size_source(name: str, folder, rng):
    """What SSD-Tensorflow's training leaves: written by tf.train.Saver, with slots of Adam."""
    import tensorflow as tf

    v1 = tf.compat.v1
    weights = {}
    for key, value in slim_variables(get_network(name).build(21), name).items():
        # So that what passes neither dies nor explodes; the first layer sees pixels of some hundred.
        scale = np.sqrt(2 / np.prod(value.shape[:-1])) if key.endswith("weights") else 0.05
        scale = scale / 64 if key.endswith("conv1_1/weights") else scale
        weights[key] = (scale * rng.standard_normal(value.shape, np.float32)).astype(np.float32)
        if key.endswith("gamma"):
            weights[key] += 20
    with tf.Graph().as_default(), v1.Session() as session:
        for key, value in weights.items():
            slots = ("", "/Adam", "/Adam_1") if key.endswith("biases") else ("",)
            for variable in (v1.get_variable(key + slot, value.shape) for slot in slots):
                session.run(variable.initializer, {variable.initializer.inputs[1]: value})
        step = v1.train.get_or_create_global_step()
        session.run(step.assign(100_000))
        v1.train.Saver().save(session, str(folder / "model.ckpt"), global_step=step)
    return weights


VOC = tuple(f"name {number}" for number in range(1, 21))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ssd_300_vgg", "ssd_512_vgg"])
def test_a_full_size_checkpoint_goes_in_and_out_bit_by_bit(name, tmp_path, rng):
    """From tf.train.Saver through a checkpoint folder to tf.train.Saver, each time proven on a picture."""
    weights = full_size_source(name, tmp_path, rng)
    imported = import_checkpoint(tmp_path, VOC, tmp_path / "ours", model_name=name, picture=PICTURE)
    exported = export_checkpoint(tmp_path / "ours", tmp_path / "theirs", picture=PICTURE)
    assert exported.written == tmp_path / "theirs" / "model.ckpt-100000"
    for done in (imported, exported):
        assert [difference.output for difference in done.differences] == ["codes", "logits"]
        for difference in done.differences:
            assert difference.largest_value > 1  # the network says something
            assert difference.largest_difference <= 1e-4
    again = read_slim_variables(tmp_path / "theirs")
    assert (again["global_step"].dtype, int(again.pop("global_step"))) == (np.int64, 100_000)
    assert again.keys() == weights.keys()
    for key, value in weights.items():
        assert again[key].dtype == np.float32
        assert again[key].tobytes() == value.tobytes()
    assert (tmp_path / "theirs" / "labels.txt").read_text() == "".join(f"{label}\n" for label in VOC)


@pytest.mark.parametrize("difference", [1.1e-4, np.inf, np.nan])
def test_a_network_that_does_not_agree_is_not_written(source, tmp_path, monkeypatch, difference):
    monkeypatch.setitem(PUBLISHED, "small_vgg", ([], ()))
    found = [Difference("codes", 8, 1.0, difference), Difference("logits", 8, 1.0, 1e-4)]
    monkeypatch.setattr("ssd_tensorflow.checkpoints.compare_with_witness", lambda *_: found)
    expected = rf"differ on {PICTURE.name}: codes by up to .*, where 0\.0001 is allowed\. Nothing was written"
    with pytest.raises(ValueError, match=expected):
        import_checkpoint(source, NAMES, tmp_path / "ours", picture=PICTURE)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.slow
def test_the_proof_sees_that_red_and_blue_have_changed_places(tmp_path, monkeypatch):
    weights = model_weights(get_network("ssd_300_vgg").build(2))
    config = {"model_name": "ssd_300_vgg"}
    write_checkpoint(tmp_path / "ours", labels=("one",), config=config, weights=weights)
    export_checkpoint(tmp_path / "ours", tmp_path / "right", picture=PICTURE)
    monkeypatch.setattr("ssd_tensorflow.witness.RGB_MEAN", (104.0, 117.0, 123.0))
    with pytest.raises(ValueError, match=r"codes by up to .*, logits by up to"):
        export_checkpoint(tmp_path / "ours", tmp_path / "wrong", picture=PICTURE)


def test_the_witness_restores_all_variables_or_says_which_it_lacks(tmp_path):
    part = {"ssd_300_vgg/conv6/biases": np.zeros(1024, np.float32)}
    prefix = write_slim_checkpoint(tmp_path / "part", part, 1)
    expected = r"cannot restore .*/conv1_1/weights of shape \[3, 3, 3, 64\] is missing there"
    with pytest.raises(ValueError, match=expected):
        run_witness("ssd_300_vgg", prefix, np.zeros((1, 300, 300, 3), np.float32), 2)


@pytest.mark.parametrize(
    ("metrics", "step"), [("{}", 0), ('{"step": 3600}', 3600), ('{"step": "x"}', None), ("[", None)]
)
def test_the_step_comes_from_the_training(source, tmp_path, metrics, step, monkeypatch):
    monkeypatch.setitem(PUBLISHED, "small_vgg", ([], ()))
    import_checkpoint(source, NAMES, tmp_path / "ours")
    (tmp_path / "ours" / "metrics.json").write_text(metrics)
    if step is None:
        with pytest.raises(ValueError, match=r"metrics\.json is damaged .*Delete it: nothing else depends"):
            export_checkpoint(tmp_path / "ours", tmp_path / "to")
    for given, expected in ((7, 7), (None, step))[: 1 + (step is not None)]:
        done = export_checkpoint(tmp_path / "ours", tmp_path / f"to {expected}", global_step=given)
        assert done.written.name == f"model.ckpt-{expected}"
        assert int(read_slim_variables(done.written)["global_step"]) == done.global_step == expected


def test_names_of_pascal_voc_stand_in_the_order_of_their_class_ids():
    assert tuple(read_labels(DEMO.parent / "checkpoints" / "pascal_voc.txt")) == VOC_NAMES


def names_in(path, names, model_name: str | None = SMALL) -> tuple[str, ...]:
    with as_checkpoint_folder(path, names, model_name) as folder:
        return read_checkpoint(folder).labels


def test_a_checkpoint_folder_is_itself(source, tmp_path):
    import_checkpoint(source, NAMES, tmp_path / "ours")
    for name in (None, SMALL):
        with as_checkpoint_folder(tmp_path / "ours", ["others"], name) as folder:
            assert folder == tmp_path / "ours"
    with pytest.raises(ValueError, match=r"holds a small_vgg, but --model_name is ssd_300_vgg\. Leave"):
        names_in(tmp_path / "ours", ["a"], "ssd_300_vgg")


@pytest.mark.parametrize("given", ["source", "source/model.ckpt-1234.index", "changed.npz"])
def test_a_tensorflow_checkpoint_takes_the_names_of_the_data(variables, source, tmp_path, given):
    write_npz(tmp_path, variables)
    assert is_tensorflow_checkpoint(tmp_path / given)
    with as_checkpoint_folder(tmp_path / given, ["a", "b", "c"], SMALL) as folder:
        checkpoint = read_checkpoint(folder)
        assert checkpoint.labels == ("a", "b", "c")
        kernel = variables["small_vgg/conv6/weights"]
        np.testing.assert_array_equal(checkpoint.weights["conv6/kernel"], kernel)
    assert not folder.exists()


def test_another_number_of_names_is_said(source):
    with pytest.raises(ValueError, match=r"(?s)trained on 3.*of the dataset: 千反田\. .*labels\.txt"):
        names_in(source, ["千反田"])


def test_labels_beside_a_tensorflow_checkpoint_are_its_names(source):
    write_labels(source.with_name("labels.txt"), NAMES)
    for path in (source, source.parent):
        assert names_in(path, ["a", "b"]) == NAMES


def test_what_is_there_instead_is_said(source, tmp_path):
    for path, message in {
        tmp_path / "nowhere": "nowhere does not exist",
        tmp_path / "no" / "where": "where does not exist",
        tmp_path: r"is not a checkpoint folder: labels\.txt, config\.json, weights\.npz missing",
        source.with_name("model.ckpt-8"): r"neither .*model\.ckpt-8 nor .* there is model\.ckpt-1234\.",
    }.items():
        assert not is_tensorflow_checkpoint(path)
        with pytest.raises(ValueError, match=message):
            names_in(path, ["a", "b"], None)
