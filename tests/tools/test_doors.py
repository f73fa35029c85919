"""Whatever folder a command is given, it answers with one sentence, which names the command to be used."""

import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from boxes.detections import Detections
from datasets.folder import find_files
from datasets.kinds import seems
from datasets.pictures import encode_picture
from tests.conftest import tables
from tests.datasets.one_of_everything import xml_object, xml_text
from tools import export_dataset, import_dataset, labelimg, propose_faces

TABLES = tables(__file__, "doors")
SEEN = np.arange(12 * 16 * 3, dtype=np.uint8).reshape(12, 16, 3)
FOLDERS = ("", "images/", "images/ep01/", "JPEGImages/", "Annotations/", "annots/", "annots/ep01/", "labels/")
CONTENTS = {
    "a_1.png": encode_picture(SEEN), "b_2.png": encode_picture(SEEN[::-1]),
    "a_1.xml": xml_text(xml_object()).encode(), "b_2.xml": b"<annotation/>",
    "a_1.txt": b"0 .5 .5 .1 .1", "data.yaml": b"names: [a]", "x.json": b'{"images": [{"file_name": "a"}]}',
    **dict.fromkeys(TABLES["empty_files"], b""),
}  # fmt: skip
NAMES = st.sampled_from([folder + name for folder in FOLDERS for name in CONTENTS])


def plant(root: Path, names: list[str]) -> Path:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for path in (root / name for name in names):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENTS[path.name])
    return root


def fill_the_disk(patch: pytest.MonkeyPatch, *names: str) -> None:
    """From now on no whole file gets one of these names."""

    def replace(self: Path, target: Path) -> None:
        if target.name in names:
            raise OSError(28, "full")
        self.rename(target)

    patch.setattr(Path, "replace", replace)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(NAMES, max_size=7))
@example({"annots/ep01/a_1.png", "b_2.png", "images/a_1.png", "images/b_2.xml", "images/ep01/a_1.xml"})
def test_any_folder_is_answered_and_labels_keep_their_place(tmp_path, capsys, names):
    root, out = plant(tmp_path / "set", sorted(names)), tmp_path / "out"
    for main, flag in ((export_dataset.main, "--dataset_dir"), (import_dataset.main, "--source_path")):
        shutil.rmtree(out, ignore_errors=True)
        status, said = main([flag, str(root), "--output_dir", str(out)]), capsys.readouterr().err
        assert (status, said.count(": error: ")) in ((0, 0), (1, 1)), said
    labelled = {file.path: file.xml for file in find_files(root).files if file.xml is not None}
    nobody = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), ())
    with suppress(ValueError):  # is what a person is told
        labelimg.plan_session(labelimg.Options(root))
    with suppress(ValueError):
        propose_faces.propose(propose_faces.Options(root), lambda images: [nobody] * len(images))
    assert {file.path: file.xml for file in find_files(root).files if file.path in labelled} == labelled
    assert not labelled or "Annotations/" in str(names) or not (root / "Annotations").exists()


@pytest.mark.parametrize(("names", "given", "said"), TABLES["doors"])
def test_a_folder_of_another_kind_is_told_with_the_command_that_takes_it(tmp_path, names, given, said):
    root = plant(tmp_path / "my data", names.split())
    assert said.format(root / given) in seems(root / given)
    assert seems(plant(root, ["a_1.png", "a_1.xml"])) == ""
