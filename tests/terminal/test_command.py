"""Commands end with a status and a sentence, never with a traceback for what a person can cure."""

import io
import os
import re
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from terminal.command import command
from terminal.quiet import without_remarks
from tests.conftest import python, tables
from tests.test_floors import NAMES, ROOT

# Each takes a second or several, and --help needs none of them.
SLOW = "tensorflow keras jax matplotlib cv2 scipy uvicorn"
HELP = """
import contextlib, os, runpy, sys

slow = sys.argv.pop(1).split()
for command in sys.argv[1:]:
    sys.argv = [command, "--help"]
    sys.modules.pop(command, None)
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(open(os.devnull, "w")):
        runpy.run_module(command, run_name="__main__", alter_sys=True)
    assert not sys.modules.keys() & set(slow), command
"""


def ending(error: BaseException):
    @command("draw", interrupted="the same command goes on from here")
    def main(arguments):
        raise error

    return main


@pytest.mark.parametrize(("found", "status"), [(None, 0), (0, 0), (3, 3)])
def test_the_commands_own_status(found, status, capsys, monkeypatch):
    given = []
    monkeypatch.setattr("sys.argv", ["draw"])

    @command("draw")
    def main(arguments):
        given.append(arguments)
        return found

    assert (main(), main(["--size=3"])) == (status, status)
    assert given == [[], ["--size=3"]]
    assert capsys.readouterr().err == ""
    home = str(Path.home())
    main(["--dataset_dir=~/a=b", "~", "a~/b", "~root", "a=~/b", "--name=a"])
    assert given[-1] == [f"--dataset_dir={home}/a=b", home, "a~/b", "~root", "a=~/b", "--name=a"]


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ValueError("--size=0: at least 1"), 1, "draw: error: --size=0: at least 1\n"),
        (FloatingPointError("the loss is not finite"), 1, "draw: error: the loss is not finite\n"),
        (OSError(28, "full", "a.jpg"), 1, "a.jpg: full; make room there, or choose another disk\n"),
        (KeyboardInterrupt(), 130, "draw: interrupted; the same command goes on from here\n"),
        (ValueError("2 files:\n  a\x1b[2J.xml\n  千反田.xml"), 1, "files:\n  a\ufffd[2J.xml\n  千反田.xml\n"),
    ],
)
def test_what_a_person_can_cure(error, status, said, capsys):
    assert ending(error)() == status
    shown = capsys.readouterr().err
    assert shown.endswith(said)
    assert shown.startswith("draw: ")


@dataclass(frozen=True)
class Numbers:
    one: float = 1
    maybe: float | None = None
    some: tuple[float, ...] = ()


@pytest.mark.parametrize("flags", ["--one nan", "--maybe -inf", "--maybe 1e999", "--some 1 2 NaN"])
def test_every_number_of_a_flag_is_one(flags, capsys):
    @command("draw")
    def main(options: Numbers):
        return int(options == Numbers(2.0, -1000.0, (1.0, 2.5)))

    assert main(["--one=2", "--maybe=-1e3", "--some", "1", "2.5"]) == 1
    with pytest.raises(SystemExit) as ended:
        main(flags.split())
    assert ended.value.code == 2
    shown = capsys.readouterr().err
    assert all(part in shown for part in (flags.split()[0], flags.split()[-1]))


def test_a_terminal_that_knows_ascii_only(monkeypatch):
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii", write_through=True))
    assert command("draw")(lambda arguments: print("千 …"))() == 0
    assert shown.getvalue() == b"\\u5343 \\u2026\n"


@pytest.mark.parametrize(("program", "given"), tables(__file__, "../mistakes")["empty_paths"])
def test_an_empty_path_is_not_the_working_folder(program, given, capsys):
    with pytest.raises(SystemExit, match="2"):
        import_module(program).main([part.replace("EMPTY", "") for part in given.split()])
    assert re.search(r"it is empty|'a', ''\]", capsys.readouterr().err)


@pytest.mark.parametrize("content", ['{"floatx": "float16", "backend": "torch", "epsilon": 1}', "[]"])
def test_keras_json_of_another_project_changes_nothing(tmp_path, content):
    code = (
        "from terminal.quiet import plain_keras\nwith plain_keras():\n from keras.src.backend import config\n"
    )
    code += "print(config.floatx(), config.backend(), config.epsilon(), config.keras_home())"
    (tmp_path / "keras.json").write_text(content)
    said = python("-c", code, KERAS_HOME=str(tmp_path), KERAS_BACKEND="numpy")
    assert said.stdout.split() == ["float32", "numpy", "1e-07", str(tmp_path)], said.stderr


def test_a_mistake_of_ours_is_not_hidden():
    with pytest.raises(TypeError):
        ending(TypeError())()


def test_help_waits_for_nothing_slow():
    commands = [
        name.removesuffix(".__main__")
        for name, path in NAMES.items()
        if path.parts[0] not in ("benchmarks", "labelling")  # those of labelling/ are run by other Pythons
        and '__name__ == "__main__":' in (ROOT / path).read_text(encoding="utf-8")
    ]
    process = python("-c", HELP, SLOW, *commands)
    assert (len(commands) > 20, process.returncode, process.stderr) == (True, 0, "")


def test_errors_pass_and_remarks_do_not(capfd):
    with without_remarks():
        os.write(2, b"I0000 00:00:17 port.cc:153] oneDNN custom operations are on.\n")
        os.write(2, b"E0000 00:00:17 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)\n")
        os.write(2, b"E0000 00:00:17 something is really wrong\n")
    assert capfd.readouterr().err == "E0000 00:00:17 something is really wrong\n"


def test_what_was_held_is_shown_when_the_start_fails(capfd):
    try:
        with without_remarks():
            os.write(2, b"libfoo.so: cannot open shared object file\n")
            raise ImportError
    except ImportError:
        pass
    assert "libfoo.so" in capfd.readouterr().err
