from pathlib import Path

import keras
import numpy as np
import pytest

from datasets.look_alikes import traces_of
from engine.reports.options import EvaluationOptions
from engine.training.learning import TrainingModel
from engine.training.run_folder import (
    PREVIOUS,
    STATE,
    Standing,
    alone_in,
    begin,
    beside_training,
    put_back,
    read_state,
    save_state,
)
from tests.conftest import tree
from tests.engine.training_run import Killed


def new_trainer(network, seed: int) -> TrainingModel:
    """Compiled, its optimiser built, every value random."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((64, 64, 3))
    model = keras.Model(image, network.build(3)(keras.layers.Dropout(0.5)(image)))
    trainer = TrainingModel(network, model)
    trainer.compile(optimizer=keras.optimizers.AdamW(use_ema=True))
    trainer.optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(seed)
    for variable in variables_of(trainer):
        variable.assign(rng.integers(0, 2**16, variable.shape).astype(variable.dtype))
    return trainer


def variables_of(trainer) -> list[keras.Variable]:
    """Everything that training goes on from, in a fixed order."""
    means = [variable for metric in trainer.metrics for variable in metric.variables]
    return [*trainer.model.variables, *trainer.optimizer.variables, *means]


def values(trainer) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables_of(trainer)]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def silent(text: str) -> None:
    raise AssertionError(f"nothing to say, but said: {text}")


def test_everything_comes_back(tiny, tmp_path):
    trainer = new_trainer(tiny, 1)
    assert any("seed" in variable.path for variable in trainer.model.variables)  # of the dropout
    save_state(tmp_path, trainer, Standing(step=7, best=0.25, best_step=5))
    other = new_trainer(tiny, 2)
    assert not same(values(trainer), values(other))
    state = read_state(tmp_path, silent)
    put_back(state, other)
    assert same(values(trainer), values(other))
    assert state.standing == Standing(step=7, best=0.25, best_step=5)


@pytest.fixture
def saved_twice(tiny, tmp_path):
    """The folder, with step 1 as the previous state and step 2 as the newest."""
    trainer = new_trainer(tiny, 1)
    for step in (1, 2):
        save_state(tmp_path, trainer, Standing(step=step))
    return tmp_path, trainer


DAMAGES = ["cut short", "a bit turned", "empty", "gone", "an entry missing", "not finite"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_falls_back_to_the_one_before_and_says_so(saved_twice, damage, rng):
    folder, trainer = saved_twice
    path: Path = folder / STATE
    data = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    elif damage in ("an entry missing", "not finite"):
        with np.load(path) as arrays:
            kept = {name: arrays[name] for name in arrays.files[damage != "not finite" :]}
        kept |= {"mean/0": np.float32(np.nan)} if damage == "not finite" else {}
        np.savez(path, allow_pickle=False, **kept)
    elif damage == "a bit turned":
        with np.load(path) as arrays:
            largest = max((arrays[name] for name in arrays.files), key=lambda array: array.nbytes)
        place = bytes(data).index(largest.tobytes()) + int(rng.integers(largest.nbytes))
        data[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
    else:
        path.write_bytes(data[: len(data) // 2 if damage == "cut short" else 0])
    said: list[str] = []
    assert read_state(folder, said.append).standing.step == 1
    (line,) = said
    assert str(path) in line
    assert "state.previous.npz, after step 1" in line
    # What is damaged does not take the place of what is good.
    save_state(folder, trainer, Standing(step=3))
    (folder / STATE).unlink()
    assert read_state(folder, lambda text: None).standing.step == 1


def test_of_a_training_that_never_learnt_nothing_is_left_for_the_next(saved_twice):
    """Not even where that one is killed before its own state is written."""
    folder, trainer = saved_twice

    def killed(path, value):
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.training.run_folder.write_json", killed)
        with pytest.raises(Killed):
            begin(folder, {}, traces_of([]), trainer)
    assert not {STATE, PREVIOUS} & {path.name for path in folder.iterdir()}
    begin(folder, {}, traces_of([]), trainer)
    assert read_state(folder, silent).standing.step == 0
    assert not (folder / PREVIOUS).exists()


def test_one_training_at_a_time_in_a_folder(tmp_path):
    folder = tmp_path / "runs" / "one"
    with alone_in(folder):
        with pytest.raises(ValueError, match="one: another process is training there"), alone_in(folder):
            pass
        (folder / "something").touch()
    with alone_in(folder):
        pass
    assert folder.is_dir()
    with pytest.raises(KeyError), alone_in(tmp_path / "other"):
        raise KeyError
    assert not (tmp_path / "other").exists()  # nothing came into it


@pytest.mark.parametrize("eval_dir", ["run", "run/last/", "other", "run/eval", "report"])
def test_an_evaluation_leaves_what_a_training_has_written(tmp_path, monkeypatch, eval_dir):
    """Also where one may begin any moment, as in `run`; what another evaluation has written it replaces."""
    monkeypatch.chdir(tmp_path)
    tree(tmp_path, ["other/config.json", "report/report.json"])
    options, said = EvaluationOptions(Path("d"), tmp_path / "run", Path(eval_dir)), []
    found, elsewhere = beside_training(options, said.append).eval_dir, eval_dir not in ("run/eval", "report")
    assert found == Path(eval_dir, *["eval"] * elsewhere)
    assert len(said) == elsewhere


def test_two_damaged_states_are_an_error(saved_twice):
    folder, _ = saved_twice
    for name in (STATE, PREVIOUS):
        (folder / name).write_bytes(b"x" * 100)
    with pytest.raises(
        ValueError, match=r"(?s)neither.*state\.npz.*state\.previous\.npz.*--checkpoint_path="
    ):
        read_state(folder, silent)


@pytest.mark.parametrize("call", [1, 2])
def test_killed_between_its_renames_a_save_leaves_a_whole_state(saved_twice, monkeypatch, call):
    folder, trainer = saved_twice
    renamed = []

    def replace(self, target, original=Path.replace):
        renamed.append(target)
        if len(renamed) == call:
            raise Killed
        return original(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        patch.setattr(Path, "unlink", lambda self, missing_ok=False: None)  # the dead clean nothing up
        with pytest.raises(Killed):
            save_state(folder, trainer, Standing(step=3))
    assert read_state(folder, lambda text: None).standing.step == 2
    save_state(folder, trainer, Standing(step=4))
    assert read_state(folder, silent).standing.step == 4


def test_a_state_of_another_network_is_refused(saved_twice, tiny):
    folder, trainer = saved_twice
    state = read_state(folder, silent)
    del state.arrays["optimizer/0"]
    with pytest.raises(ValueError, match=r"optimizer/0 is missing"):
        put_back(state, trainer)
