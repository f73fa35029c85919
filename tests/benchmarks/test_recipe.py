"""The rows of the recipe's table are commands that a training takes."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.recipe import ROWS, Options, Result, append_result, command_of, main, read_results, table_of
from engine.training.options import TrainingOptions, recipe_defaults
from ssd_tensorflow.flags import TRAINING, parse

OPTIONS = Options(dataset_dir=Path("records"), runs_dir=Path("runs"), checkpoint_path="coco.npz")
RUN = {"row": "base", "seed": 0, "passes": 20.0, "steps": 481, "batch_size": 16}
RESULT = Result(**RUN, map_voc07=0.5, map_voc12=0.5, minutes=4.0, processor_minutes=8.0)


def parsed(row: str) -> TrainingOptions:
    arguments = command_of(OPTIONS, row, 3, 385)[2:]
    return parse(TrainingOptions, arguments, TRAINING, description="", default=recipe_defaults(arguments))


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_a_command_and_differs_from_the_base_as_it_says(row):
    options, base = asdict(parsed(row)), asdict(parsed("base"))
    assert options["seed"] == 3
    assert options["evaluate_steps"] == options["max_number_of_steps"]
    shown = options["max_number_of_steps"] * options["batch_size"] / 385
    assert shown == pytest.approx(20, rel=0.01)
    changed = {name for name in options if options[name] != base[name]} - {"train_dir", "evaluate_steps"}
    asked = ROWS[row]
    assert {name: options[name] for name in asked} == asked
    if options["model_name"] == base["model_name"]:
        assert changed - {*asked} <= {"max_number_of_steps", "passes", "paste_probability"}


def test_a_plus_joins_changes():
    options, base = asdict(parsed("zoom_out_off+batch_8")), asdict(parsed("base"))
    assert (options["zoom_out_max"], options["batch_size"]) == (1.0, 8)
    assert options["max_number_of_steps"] == pytest.approx(2 * base["max_number_of_steps"], abs=2)
    assert options["learning_rate"] == base["learning_rate"]


def test_what_is_done_is_not_run_again(tmp_path, monkeypatch):
    (tmp_path / "dataset.json").write_text('{"splits": {"train": {"pictures": 385}}}', encoding="utf-8")
    path = tmp_path / "runs" / "results.jsonl"
    path.parent.mkdir()
    append_result(path, RESULT)
    ran = []

    def run(options, row, seed, pictures):
        ran.append((row, seed, pictures))
        return replace(RESULT, row=row, seed=seed, map_voc07=0.6)

    monkeypatch.setattr("benchmarks.recipe.run", run)
    options = replace(
        OPTIONS, dataset_dir=tmp_path, runs_dir=path.parent, rows=("base", "batch_8"), seeds=(0, 1)
    )
    for _ in range(2):
        main(options, Console(width=200, record=True, quiet=True))
    assert ran == [("batch_8", 0, 385), ("base", 1, 385), ("batch_8", 1, 385)]
    assert read_results(path)[0] == RESULT
    assert list(table_of(read_results(path)).columns[3].cells) == ["+0.050", "+0.000"]


def test_a_row_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="there is no bigger; choose from base, "):
        main(replace(OPTIONS, rows=("base", "paste_off+bigger")), Console(quiet=True))
