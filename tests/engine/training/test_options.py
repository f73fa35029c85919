from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import train_ssd_network
from engine.training.options import RECIPES, TrainingOptions, with_recipe, without_gaps
from nets.checkpoint import is_checkpoint, network_of, read_config
from tests.engine.training_run import TABLES

FOLDERS: dict[str, Any] = {"dataset_dir": Path("records"), "train_dir": Path("run")}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_value_of_a_recipe_is_an_option_and_any_of_them_can_be_overruled(recipe):
    options = with_recipe(recipe, **FOLDERS, checkpoint_path="weights.npz", learning_rate=0.123)
    assert options.recipe == recipe
    assert options.learning_rate == 0.123
    for name, value in RECIPES[recipe]["values"].items():
        if name != "learning_rate":
            assert getattr(options, name) == value


def test_without_weights_a_laptop_starts_from_the_detector_that_comes_with_the_project():
    options = with_recipe("small_cpu", **FOLDERS)
    assert options.model_name == "ssd_300_lite"
    assert is_checkpoint(Path(options.checkpoint_path))
    assert network_of(read_config(Path(options.checkpoint_path))).name == options.model_name
    own = with_recipe("small_cpu", **FOLDERS, model_name="ssd_300_lite", checkpoint_path="run")
    assert own == replace(options, checkpoint_path="run")


@pytest.fixture
def parsed(monkeypatch):
    """Runs a command line as far as the training, and returns its options."""
    import engine.training.train

    seen = []
    monkeypatch.setattr(engine.training.train, "train", seen.append)  # None: not finished, no report

    def run(*arguments: str) -> TrainingOptions:
        assert train_ssd_network.main(["--dataset_dir=records", "--train_dir=run", *arguments]) == 0
        (options,) = seen
        seen.clear()
        return options

    return run


@pytest.mark.parametrize(("flags", "values"), TABLES["recipe_values"])
def test_values_that_belong_to_a_choice_of_the_recipe_go_with_it(parsed, flags, values):
    found = vars(parsed(*f"--recipe={flags}".split()))
    assert {name: "" if found[name] is None else found[name] for name in values} == values


def test_a_command_that_names_no_network_and_no_weights_gets_the_measured_recipe(parsed, capsys):
    assert parsed("--seed=3") == with_recipe("small_cpu", **FOLDERS, seed=3)
    assert "No --recipe is given: --recipe=small_cpu." in capsys.readouterr().out
    assert parsed("--model_name", "ssd_300_lite") == TrainingOptions(**FOLDERS, model_name="ssd_300_lite")
    assert parsed("--checkpoint_path=vgg.npz") == TrainingOptions(**FOLDERS, checkpoint_path="vgg.npz")
    assert parsed("--checkpoint-path=") == parsed("--recipe=none") == TrainingOptions(**FOLDERS)
    assert "is given" not in capsys.readouterr().out


def test_numbers_that_are_none_are_wrong_flags(capsys):
    with pytest.raises(SystemExit) as ended:
        train_ssd_network.main(["--dataset_dir=a", "--train_dir=b", "--passes=nan"])
    said = capsys.readouterr().err
    assert (ended.value.code, "--passes" in said, "nan" in said) == (2, True, True)


def test_the_command_line_takes_a_recipe_and_lets_flags_overrule_it(parsed):
    recipe = parsed("--recipe=small_cpu", "--checkpoint_path", "coco.npz")
    assert recipe == with_recipe("small_cpu", **FOLDERS, checkpoint_path="coco.npz")
    changed = parsed("--recipe", "small_cpu", "--checkpoint-path=coco.npz", "--passes=3", "--seed=4")
    assert (changed.passes, changed.seed) == (3.0, 4)
    assert changed.learning_rate == recipe.learning_rate
    shipped, random = parsed("--recipe=small_cpu"), parsed("--recipe=small_cpu", "--checkpoint_path=")
    assert shipped.checkpoint_path.endswith("anime_heads_lite")
    assert random == replace(shipped, checkpoint_path="")
    assert parsed("--recipe=small_gpu", "--checkpoint_path=vgg.npz", "--model_name=ssd_512_vgg") == (
        with_recipe("small_gpu", **FOLDERS, checkpoint_path="vgg.npz", model_name="ssd_512_vgg")
    )


def test_a_recipe_without_its_weights_is_one_clear_line(capsys):
    arguments = ["--dataset_dir=records", "--train_dir=run", "--recipe=small_gpu"]
    assert train_ssd_network.main(arguments) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "--recipe=small_gpu starts from trained weights: give --checkpoint_path, which is imagenet" in line


def test_length_by_hand():
    def length(pictures: int, **given):
        settings, said = without_gaps(TrainingOptions(**FOLDERS, **given), pictures)
        return settings.batch_size, settings.max_number_of_steps, settings.evaluate_steps, said

    assert length(385) == (16, 1444, 145, TABLES["chosen_length"])
    batch_size, steps, _, said = length(40)
    assert (batch_size, steps) == (4, 1000)
    assert "a pass has at least 8 steps" in said
    assert "the least; 60 passes over 40 pictures would be 600" in said
    assert length(40, passes=3)[1:3] == (30, 3)  # whoever says how long is not overruled
    assert length(40, batch_size=3, max_number_of_steps=7, evaluate_steps=2) == (3, 7, 2, "")
    assert length(1)[0] == 1


def test_rates_follow_from_the_start():
    def rates(**given):
        settings, _ = without_gaps(TrainingOptions(**FOLDERS, **given), 40)
        return settings.learning_rate, settings.end_learning_rate

    assert rates() == (2e-3, 2e-5)
    assert rates(checkpoint_path="run") == pytest.approx((1e-4, 1e-6))
    assert rates(learning_rate=0.5, end_learning_rate=0.0) == (0.5, 0.0)


@pytest.mark.parametrize(("flag", "value", "rule"), TABLES["out_of_range"])
def test_values_out_of_their_range_are_refused(flag, value, rule):
    with pytest.raises(ValueError, match=rf"--{flag} must be {rule}\."):
        TrainingOptions(**FOLDERS, **{flag: value})


def test_a_training_has_few_flags():
    assert len(fields(TrainingOptions)) <= 36
