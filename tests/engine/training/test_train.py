import io
import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

import train_ssd_network
from engine.reports.training import write_training_report
from engine.training.between_steps import TrainingLog, number_of, read_steps
from engine.training.learning import TrainingModel
from engine.training.options import TrainingOptions
from engine.training.plan import plan
from engine.training.run_folder import read_state
from engine.training.train import train, write_thresholds
from files.reading import read_arrays
from nets.checkpoint import CONFIG, read_checkpoint
from nets.detector import Detector
from nets.saving import model_weights
from tests.conftest import files_of, read_json
from tests.datasets.one_of_everything import rows
from tests.engine.training_run import TABLES, planned, run


def test_leaves_a_checkpoint_a_log_pictures_and_what_ran(finished, once):
    folder, said = finished["train_dir"], once(4)[1]
    for part in ("New training", "random weights", "2 names", "24 pictures"):
        assert part in said
    checkpoint = read_checkpoint(folder)
    assert checkpoint.labels == ("red 赤", "blue")
    assert read_checkpoint(folder / "last").labels == checkpoint.labels
    logged = rows(folder / "metrics.csv")
    assert [row["step"] for row in logged] == ["2", "4"]
    assert {"loss", "boxes", "names", "background", "learning_rate", "map_voc07"} <= logged[0].keys()
    assert (folder / "first_batch.jpg").stat().st_size > 1000
    assert list((folder / "tensorboard").glob("events*"))
    assert read_json(folder / "metrics.json")["step"] in (2, 4)
    assert Detector.load(folder).labels == checkpoint.labels

    config = checkpoint.config
    assert config["options"]["max_number_of_steps"] == 4
    assert config["versions"]["backend"] == keras.backend.backend()
    assert config["augmentation"].items() >= {"zoom_out_limit": 2.0, "flip_probability": 0.5}.items()
    by_machine = {"jit_compile": "off", "precision": "float32", "cache_pictures": "on"}
    by_rule = {"freeze_batch_norm": "off", "end_learning_rate": 2e-5}
    assert config["chosen"].items() >= {**by_machine, **by_rule}.items()
    assert config["dataset"]["splits"].keys() == {"train", "validation"}


def test_stopped_politely_it_goes_on_though_its_records_moved_and_then_is_finished(
    once, stopped, squares, tmp_path
):
    """That it ends with the weights of an uninterrupted one is tested in test_exact_resume.py."""
    assert "Stopped by SIGTERM after step 3" in once(3)[1]
    moved = stopped | {"dataset_dir": Path(shutil.copytree(squares, tmp_path / "moved"))}
    said = run(**moved)
    assert "after step 3 of 4" in said
    assert "Thresholds with the best F1 on validation: red 赤 " in said, "they are chosen on the records, too"
    assert read_json(moved["train_dir"] / CONFIG)["options"]["dataset_dir"] == str(moved["dataset_dir"])
    assert "finished" in run(**moved)


def test_another_training_in_the_folder_is_refused_with_the_differences(finished):
    """An option that the run has not is no difference, and one that is gone is read."""
    options = finished
    config, written = options["train_dir"] / "config.json", read_json(options["train_dir"] / CONFIG)
    former = {"mosaic_probability": 0.0, "ema_decay": None, "report": False, "jit_compile": "off"}
    written["options"] |= former  # what every training has now, or what computes nothing
    del written["options"]["loss_alpha"]
    config.write_text(json.dumps(written), encoding="utf-8")
    assert "finished" in run(**options)
    with pytest.raises(ValueError, match=r"(?s)--batch_size: 2 there, 3 .*--loss_alpha: 1\.0 there, 2"):
        run(**{**options, "batch_size": 3, "loss_alpha": 2.0})
    written["options"] |= {"label_smoothing": 0.1}
    config.write_text(json.dumps(written), encoding="utf-8")
    with pytest.raises(ValueError, match=r"--label_smoothing: 0\.1 there; there is no such option any more"):
        run(**options)
    assert Detector.load(options["train_dir"]).labels == ("red 赤", "blue")
    write_thresholds(options["train_dir"])


def test_the_start_may_be_spelled_otherwise_or_gone_but_not_be_another(stopped, tmp_path, monkeypatch):
    written = read_json(stopped["train_dir"] / CONFIG)
    for name in ("start", "copy", "other"):
        shutil.copytree(stopped["train_dir"], tmp_path / name)
    np.savez(tmp_path / "other" / "weights.npz", v=np.zeros(1))
    monkeypatch.chdir(tmp_path)
    same = [(f"{tmp_path}/start", "start"), ("start/", "copy/../start"), ("start", "copy"), ("gone", "copy")]
    for was, now in [*same, ("start", "other"), ("start", "imagenet"), ("start", "")]:
        written["options"]["checkpoint_path"] = was
        (stopped["train_dir"] / CONFIG).write_text(json.dumps(written), encoding="utf-8")
        if (was, now) in same:
            assert planned(**stopped, checkpoint_path=now).begun
        else:
            with pytest.raises(ValueError, match=r"--checkpoint_path: 'start' there"):
                planned(**stopped, checkpoint_path=now)


@pytest.mark.parametrize(("gone", "content", "message"), TABLES["not_ours"])
def test_what_is_no_training_of_ours_is_not_written_over(finished, gone, content, message):
    folder = finished["train_dir"]
    for name in gone:
        shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()
    if content:
        (folder / CONFIG).write_text(content, encoding="utf-8")
    before = files_of(folder)
    with pytest.raises(ValueError, match=message):
        run(**finished)
    assert files_of(folder) == before


LONG = ('step,loss\n2,"' + "x" * 200_000, [], True)


@pytest.mark.parametrize(("text", "steps", "kept"), [*TABLES["logs"], LONG])
def test_a_log_stops_nothing_whoever_saved_it(tmp_path, text, steps, kept):
    (tmp_path / "metrics.csv").write_text(text, encoding="utf-8", newline="")
    said: list[str] = []
    with closing(TrainingLog(tmp_path, step=4, say=said.append)) as log:
        log.row(6, {"loss": 0.25, "new": 1.0})
    rows = read_steps(tmp_path / "metrics.csv")[0]
    assert [row["step"] for row in rows] == [*steps, "6"]
    assert [number_of(row["loss"]) for row in rows if row["step"] in ("2", "6")] == [0.5, 0.25][-len(rows) :]
    others = [path.read_text(encoding="utf-8") for path in tmp_path.glob("metrics.2*.csv")]
    assert others == [text] * kept
    assert len(said) == kept


def test_the_state_is_saved_before_anything_is_said(stopped):
    class Terminal(io.StringIO):
        def write(self, text):
            if text.startswith("step 4:"):
                raise UnicodeEncodeError("ascii", "·", 0, 1, "no such letter")
            return super().write(text)

    with pytest.raises(UnicodeEncodeError):
        train(TrainingOptions(**stopped), Console(file=Terminal(), width=300))
    assert read_state(stopped["train_dir"], print).standing.finished


@pytest.fixture
def own_records(squares, tmp_path) -> Path:
    """A copy of the records that a test may change."""
    return Path(shutil.copytree(squares, tmp_path / "own"))


def change_records(path: Path, *sides: str, to: Callable[[list], list]) -> None:
    """Writes the records again, with other values of these parts of their boxes."""
    records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in map(tf.train.Example.FromString, records):
            for side in sides:
                feature = example.features.feature[f"image/object/bbox/{side}"]
                values = getattr(feature, feature.WhichOneof("kind") or "float_list").value
                values[:] = to(list(values))
            writer.write(example.SerializeToString())


def shift_boxes(path: Path) -> None:
    change_records(path, "xmin", to=lambda values: [value + 0.01 for value in values])


def make_difficult(path: Path) -> None:
    change_records(path, "difficult", to=lambda values: [1 for _ in values])


def turn_boxes(path: Path) -> None:
    """As converters of old wrote boxes of flipped pictures."""
    change_records(path, "xmin", "xmax", to=lambda values: [1 - value for value in values])


def without_boxes(path: Path) -> None:
    parts = "xmin ymin xmax ymax label label_text difficult truncated"
    change_records(path, *parts.split(), to=lambda values: [])


def test_records_that_changed_are_another_training_though_their_size_is_equal(finished, own_records):
    options = finished | {"dataset_dir": own_records}
    shift_boxes(own_records / "test_000.tfrecord")  # no weight depends on these
    assert "finished" in run(**options)
    shift_boxes(own_records / "train_000.tfrecord")
    with pytest.raises(ValueError, match=r"another training:\n  content of train_000\.tfrecord: '\w+' there"):
        run(**options)


@pytest.mark.parametrize(
    ("change", "why"), [(without_boxes, "again"), (turn_boxes, "do not count, one with")]
)
def test_a_set_without_boxes_teaches_nothing(change, why, options, own_records):
    change(own_records / "train_000.tfrecord")
    with pytest.raises(ValueError, match=f"split 'train' has no boxes, and nothing can be learnt .*{why}"):
        run(**{**options, "dataset_dir": own_records})
    assert not options["train_dir"].exists()


@pytest.mark.parametrize(
    ("change", "said"), [(make_difficult, ""), (turn_boxes, "6 of its 6 boxes are none")]
)
def test_what_cannot_be_validated_on_is_known_before_the_first_step(change, said, options, own_records):
    change(own_records / "validation_000.tfrecord")
    given, found = TrainingOptions(**{**options, "dataset_dir": own_records}), []
    assert plan(given, Console(file=io.StringIO()), found.append).validation is None
    for part in (said, "Nothing that counts is marked in validation: the last weights are kept"):
        assert any(part in line for line in found)


@pytest.mark.slow
def test_a_validation_set_that_measures_nothing_is_known_before_the_first_step(options, own_records):
    make_difficult(own_records / "validation_000.tfrecord")
    options |= {"dataset_dir": own_records, "max_number_of_steps": 1}
    run(**options)
    assert not (options["train_dir"] / "thresholds.json").exists()
    write_training_report(options["train_dir"], say=(notes := []).append)
    assert notes == [
        "Note: Nothing that counts is marked in validation, so nothing can be said about how good this "
        "detector is."
    ]
    assert "<p></p>" not in (options["train_dir"] / "report.html").read_text(encoding="utf-8")


def test_a_finished_training_is_only_finished_if_its_weights_are_there(finished):
    options = finished
    weights = options["train_dir"] / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"weights\.npz cannot be read.*its last step are in .*last"):
        run(**options)
    weights.unlink()
    with pytest.raises(ValueError, match=r"weights\.npz.*its last step are in .*last"):
        run(**options)


@pytest.mark.slow
def test_damaged_best_weights_are_replaced_by_the_best_from_then_on(stopped):
    (stopped["train_dir"] / "weights.npz").write_bytes(b"")
    assert "The best weights from here on are kept instead" in run(**stopped)
    assert read_checkpoint(stopped["train_dir"]).labels
    assert read_json(stopped["train_dir"] / "metrics.json")["step"] == 4


def test_choosing_thresholds_is_the_last_act(finished):
    folder = finished["train_dir"]
    text = (folder / "thresholds.json").read_text(encoding="utf-8")
    thresholds = json.loads(text)
    assert set(thresholds["names"]) == {"red 赤", "blue"}
    assert thresholds["chosen_on"]["split"] == "validation"
    assert Detector.load(folder).thresholds.names == thresholds["names"]
    (folder / "thresholds.json").unlink()  # as in a training that was cut off before it
    assert "Thresholds with the best F1 on validation: red 赤 " in run(**finished)
    assert (folder / "thresholds.json").read_text(encoding="utf-8") == text
    assert "Thresholds" not in run(**finished)


def test_the_command_writes_the_report_of_a_finished_training_once(options, monkeypatch, capsys):
    written = []
    monkeypatch.setattr(train_ssd_network, "start_tensorflow", lambda: None)
    monkeypatch.setattr("engine.training.train.train", lambda options: options.seed == 1)
    monkeypatch.setattr("engine.reports.training.report_is_current", lambda folder: bool(written))
    monkeypatch.setattr(
        "engine.reports.training.write_training_report", lambda folder, **_: written.append(folder) or "it"
    )
    command = [f"--{name}={options[name]}" for name in ("dataset_dir", "train_dir", "model_name")]
    for more in ([], ["--seed=1", "--no_report"], ["--seed=1"], ["--seed=1"]):
        assert train_ssd_network.main([*command, *more]) == 0
    assert written == [options["train_dir"]]
    assert "See it" in capsys.readouterr().out


@pytest.mark.slow
def test_names_are_no_markup(finished, own_records):
    (own_records / "labels.txt").write_text("red [/bold]\nblue :heart:\n", encoding="utf-8")
    folder = finished["train_dir"]
    options = finished | {"dataset_dir": own_records, "max_number_of_steps": 1}
    said = run(**{**options, "checkpoint_path": str(folder), "train_dir": folder / "[red]"})
    assert "new names: red [/bold], blue :heart:" in said
    assert "Without --recipe values are the usual ones" in said
    assert "New training in" in said
    assert f"{folder}/[red]" in said


def test_what_the_machine_chose_stays_on_another_machine(stopped, monkeypatch):
    monkeypatch.setattr("engine.training.plan.choose_precision", lambda choice, network: "bfloat16")
    here = planned(**stopped)
    assert (here.machine.precision, here.machine.jit_compile) == ("float32", False)
    assert here.config["chosen"].items() >= {"precision": "float32", "jit_compile": "off"}.items()
    assert planned(**{**stopped, "train_dir": stopped["train_dir"] / "new"}).machine.precision == "bfloat16"


def test_a_resumed_training_keeps_the_anchors_that_it_was_begun_with(stopped):
    path = stopped["train_dir"] / CONFIG
    begun = read_json(path)
    begun["anchor_shapes"] = [[0.25, 0.2], [0.4, 0.5]]
    begun["options"]["anchors"] = "fitted"  # to other shapes, which would show
    path.write_text(json.dumps(begun), encoding="utf-8")
    run = planned(**stopped, anchors="fitted")
    assert run.begun
    assert run.network.anchor_layers[0].shapes == ((0.25, 0.2), (0.4, 0.5))


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_loss_that_is_not_finite_names_the_pictures(options, precision):
    # float16 leaves out the first steps, until its scale of the loss fits.
    options |= {"precision": precision, "max_number_of_steps": 40, "evaluate_steps": 40}
    with pytest.raises(FloatingPointError, match=r"(?s)not finite after step \d.*square_0_\d+\.jpg"):
        run(**{**options, "learning_rate": 1e30})


@pytest.mark.slow
def test_out_of_memory_says_what_would_fit_and_the_folder_takes_it(options, monkeypatch):
    def fit(self, *arguments, **more):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    with monkeypatch.context() as patch:
        patch.setattr(TrainingModel, "fit", fit)
        with pytest.raises(ValueError, match=r"with 2 pictures a step; try half of it: --batch_size=1\."):
            run(**options)
    smaller = planned(**options | {"batch_size": 1, "precision": "bfloat16"})
    assert not smaller.begun
    assert (smaller.settings.batch_size, smaller.machine.precision) == (1, "bfloat16")


@pytest.mark.slow
def test_frozen_scopes_do_not_move(options):
    options |= {"trainable_scopes": "conv_cls,conv_loc", "max_number_of_steps": 1}
    before = model_weights(planned(**options).model)
    run(**options)
    after = read_arrays(options["train_dir"] / "last" / "weights.npz")
    moved = {path for path in after if not np.array_equal(before[path], after[path])}
    assert moved
    assert all("conv_cls" in path or "conv_loc" in path for path in moved)


def test_scopes_that_hold_nothing_are_an_error(options):
    for scope in ("ssd_300_vgg/block8", "stag"):
        with pytest.raises(ValueError, match=rf"--trainable_scopes: {scope} holds no layer of tiny.*stage1"):
            run(**{**options, "trainable_scopes": scope})


@pytest.mark.slow
def test_learns_red_and_blue_squares(options):
    options |= {"model_name": "ssd_300_lite", "batch_size": 8, "augmentation": "none"}
    said = run(**{**options, "max_number_of_steps": 200, "evaluate_steps": 200})
    best = float(said.split("best validation mAP ")[1].split()[0])
    assert best >= 0.9, said
