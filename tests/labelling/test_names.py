import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from labelling.names import plan
from tests.datasets.one_of_everything import xml_object, xml_text
from tests.tools.test_doors import TABLES
from tools.check_annotations import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "my set"
    for part in ("Annotations", "JPEGImages"):
        (folder / part).mkdir(parents=True)
    for i, names in enumerate((["Chitanda", "oreki"], ["chitanda"], ["Chitanda", "crowd"], [])):
        objects = (f"\n  {xml_object(f'<name>{name}</name>')}" for name in names)
        (folder / "Annotations" / f"{i}.xml").write_text(xml_text(*objects), newline="")
    (folder / "Annotations" / "broken.xml").write_bytes(b"<annotation>")
    os.mkfifo(folder / "Annotations" / "pipe.xml")  # which nobody opens
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "Annotations").iterdir() if path.is_file()}


def run(capsys, *arguments: str) -> tuple[int, str]:
    status = main(arguments)
    captured = capsys.readouterr()
    return status, " ".join((captured.out + captured.err).split())


def kept(folder: Path) -> Path:
    (found,) = (folder / ".old_labels").iterdir()
    return found


def test_rename_and_back(folder, capsys):
    before = content(folder)
    status, said = run(capsys, "rename", "Chitanda", "千反田", "--dataset_dir", str(folder))
    assert status == 0
    assert "2 files changed" in said
    assert "broken.xml: not well-formed XML" in said
    assert plan(folder, {}).names == {"千反田": 2, "oreki": 1, "chitanda": 1, "crowd": 1}
    changed = {name for name, data in content(folder).items() if data != before[name]}
    assert changed == {"0.xml", "2.xml"}
    assert {path.name for path in (kept(folder) / "Annotations").iterdir()} == changed
    (command,) = re.findall("cp -r .* Convert", said)
    subprocess.run(command.removesuffix(" Convert"), shell=True, check=True)
    assert content(folder) == before


def test_merge_and_drop(folder, capsys):
    where, before = ("--dataset_dir", str(folder)), content(folder)
    for command in (["rename", "oreki", "x"], ["merge", "oreki", "crowd", "--into", "x"], ["drop", "crowd"]):
        status, said = run(capsys, *command, *where, "--dry_run")
        assert status == 0
        assert "would change; nothing was changed" in said
    assert content(folder) == before
    assert not (folder / ".old_labels").exists()
    assert run(capsys, "merge", "Chitanda", "chitanda", "--into", "千反田", *where)[0] == 0
    assert plan(folder, {}).names == {"千反田": 3, "oreki": 1, "crowd": 1}
    assert run(capsys, "drop", "crowd", "oreki", *where)[0] == 0
    assert plan(folder, {}).names == {"千反田": 3}
    assert len(list((folder / ".old_labels").iterdir())) == 2


def test_old_labels_are_no_labels(tmp_path, capsys):
    """Of a flat folder too, where they lie beside the pictures."""
    (tmp_path / "a.xml").write_text("<annotation><object><name>a</name></object></annotation>")
    assert run(capsys, "rename", "a", "b", "--dataset_dir", str(tmp_path))[0] == 0
    assert plan(tmp_path, {}).names == {"b": 1}


def test_an_interrupted_change_is_taken_back(folder, capsys, monkeypatch):
    """The old file is kept before the new one takes its name."""
    before = content(folder)
    replace, calls = Path.replace, []

    def stop_at_fourth(self, target):  # the copy of the second file is written, the file itself not
        calls.extend([target] if Path(target).suffix == ".xml" else [])
        if len(calls) == 4:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stop_at_fourth)
    status, said = run(capsys, "rename", "Chitanda", "千反田", "--dataset_dir", str(folder))
    assert status == 130
    assert "the newest folder in .old_labels has the files as they were" in said
    monkeypatch.undo()
    assert content(folder) != before
    shutil.copytree(kept(folder), folder, dirs_exist_ok=True)
    assert content(folder) == before


@pytest.mark.parametrize(("arguments", "message"), TABLES["name_mistakes"])
def test_mistakes_change_nothing(folder, capsys, arguments, message):
    before = content(folder)
    status, said = run(capsys, *arguments, "--dataset_dir", str(folder))
    assert status == 1
    assert message in said
    assert content(folder) == before
