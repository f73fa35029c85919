"""Commands end with a status and a sentence, never with a traceback for what a person can cure."""

import pytest

from terminal.command import command


def ending(error: BaseException):
    @command("draw", interrupted="the same command goes on from here")
    def main(arguments):
        raise error

    return main


@pytest.mark.parametrize(("found", "status"), [(None, 0), (0, 0), (3, 3)])
def test_the_commands_own_status(found, status, capsys):
    given = []

    @command("draw")
    def main(arguments):
        given.append(arguments)
        return found

    assert (main(), main(["--size=3"])) == (status, status)
    assert given == [None, ["--size=3"]]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ValueError("--size=0: at least 1"), 1, "draw: error: --size=0: at least 1\n"),
        (FloatingPointError("the loss is not finite"), 1, "draw: error: the loss is not finite\n"),
        (OSError(28, "No space left on device", "a.jpg"), 1, "No space left on device: 'a.jpg'\n"),
        (KeyboardInterrupt(), 130, "draw: interrupted; the same command goes on from here\n"),
        (ValueError("2 files:\n  a\x1b[2J.xml\n  千反田.xml"), 1, "files:\n  a\ufffd[2J.xml\n  千反田.xml\n"),
    ],
)
def test_what_a_person_can_cure(error, status, said, capsys):
    assert ending(error)() == status
    shown = capsys.readouterr().err
    assert shown.endswith(said)
    assert shown.startswith("draw: ")


def test_a_mistake_of_ours_is_not_hidden():
    with pytest.raises(TypeError):
        ending(TypeError())()
