"""SSD-Tensorflow's own command lines, word by word, and each of its flags."""

import shlex
from dataclasses import dataclass, fields

import pytest

from datasets.options import ConversionOptions
from engine.reports.options import EvaluationOptions
from engine.training.options import TrainingOptions
from ssd_tensorflow.flags import CONVERSION, EVALUATION, TRAINING, modernise, parse
from tests.conftest import ROOT, tables

# As people typed them, and each flag of its scripts once.
TYPED = tables(__file__, "commands")
CONVERT, EVALUATIONS = TYPED["convert"], TYPED["evaluations"]
TRAININGS = {
    name: text.replace("NEW_LAYERS", TYPED["new_layers"]) for name, text in TYPED["trainings"].items()
}
TRAINING_FLAGS, EVALUATION_FLAGS = TYPED["flags"].values()

TRAIN, EVALUATE = (TrainingOptions, TRAINING), (EvaluationOptions, EVALUATION)


def train_options(text: str) -> TrainingOptions:
    return parse(TrainingOptions, shlex.split(text), TRAINING)


def flags_of(text: str) -> dict[str, str]:
    """Flag -> value of a command line of SSD-Tensorflow."""
    return dict(part.removeprefix("--").split("=", 1) for part in shlex.split(text.replace(" =", "=")))


def said_of(capsys) -> list[str]:
    """The flags that lines were printed about, once all of them are sentences."""
    lines = capsys.readouterr().out.splitlines()
    assert all(line.endswith(".") for line in lines)
    return [line.removeprefix("--").split(":")[0] for line in lines]


@dataclass(frozen=True)
class Inner:
    deep: bool = True


@dataclass(frozen=True)
class Switches:
    wait: bool = False
    inner: Inner = Inner()
    number: int = 1


READ_AS = [(one, read) for read, some in TYPED["read_as"].items() for one in some]


@pytest.mark.parametrize(("written", "read"), READ_AS)
def test_booleans_of_both_worlds(written, read):
    assert modernise(shlex.split(written), Switches, {}) == (shlex.split(read), [])


def test_a_boolean_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"--wait=perhaps: must be True or False\."):
        modernise(["--wait=perhaps"], Switches, {})


@pytest.mark.parametrize(("written", "name"), TYPED["gone"])
def test_what_is_gone_is_said_once_and_takes_its_value_along(written, name):
    modern, notes = modernise([*written.split(), "--number=2"], Switches, TRAINING)
    assert modern == ["--number=2"]
    assert [note.split(": ")[0] for note in notes] == [f"--{name}"]


COMMANDS = {"conversion": ((ConversionOptions, CONVERSION), CONVERT)}
COMMANDS |= {name: (TRAIN, text) for name, text in TRAININGS.items()}
COMMANDS |= {name: (EVALUATE, text) for name, text in EVALUATIONS.items()}


@pytest.mark.parametrize(("command", "text"), COMMANDS.values(), ids=COMMANDS)
def test_what_people_typed_is_read_as_it_was_meant(command, text, capsys):
    options, gone = command
    parsed, given = parse(options, shlex.split(text), gone), flags_of(text)
    assert said_of(capsys) == [name for name in given if name in gone]
    for name, value in given.items():
        if name not in gone:
            found = getattr(parsed, name)
            assert found == type(found)(value), name


@pytest.mark.parametrize(("command", "kind"), [(TRAIN, "training"), (EVALUATE, "evaluation")])
def test_every_flag_it_has_is_an_option_or_one_line(command, kind, capsys):
    (options, gone), text, meant = command, TYPED["flags"][kind], TYPED["meant"][kind]
    names = flags_of(text).keys()
    assert len(names) == meant["count"]
    assert vars(parse(options, shlex.split(text), gone)).items() >= meant["values"].items()
    assert set(said_of(capsys)) == names & gone.keys()


def test_what_this_project_had_before_says_why_it_is_gone(capsys):
    former = "--loss=focal --focal_gamma=1 --unfreeze_after 0.25 --freeze_batch_norm=on --cache_pictures on"
    train_options(f"--train_dir=t --dataset_dir=d {former} --jit_compile=off --ema_decay=0 --crop_min=0.5")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert lines[0] == "--loss: is gone, for it was measured no better (docs/recipe.md)."


@pytest.mark.parametrize(("options", "gone"), [TRAIN, EVALUATE])
def test_what_is_an_option_is_not_called_gone(options, gone):
    assert not {field.name for field in fields(options)} & gone.keys()


@pytest.mark.parametrize(("flag", "help_"), [("--batchsize=4", "batchsize"), ("--box_loss=iou", "giou")])
def test_an_unknown_flag_or_value_is_still_an_error(capsys, flag, help_):
    with pytest.raises(SystemExit):
        train_options(f"--train_dir=t --dataset_dir=d {flag}")
    assert help_ in capsys.readouterr().err


def test_help_lists_no_flag_that_is_gone(capsys):
    with pytest.raises(SystemExit) as stop:
        train_options("--help")
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "--match_threshold" in text
    assert "num_clones" not in text


@pytest.mark.parametrize("page", ["from_ssd_tensorflow.md", "from_ssd_tensorflow.zh-CN.md"])
def test_the_page_for_people_explains_every_flag(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for name in flags_of(f"{TRAINING_FLAGS} {EVALUATION_FLAGS}"):
        assert f"`{name}`" in text or f"--{name}=" in text, name
