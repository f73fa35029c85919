import json
import re
from pathlib import Path
from typing import Any

import pytest

from datasets.labels import read_labels
from tests.conftest import ROOT, python

NOTEBOOKS = ROOT / "notebooks"
DETECTION = NOTEBOOKS / "ssd_notebook.ipynb"
WHOLE_WAY = NOTEBOOKS / "All_process.ipynb"

every_notebook = pytest.mark.parametrize("path", [DETECTION, WHOLE_WAY], ids=lambda path: path.stem)


def read(path: Path) -> Any:
    import nbformat  # takes seconds, also in processes that run none of these tests

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def execute(notebook: Any, folder: Path, monkeypatch, *, timeout: int) -> list:
    """The outputs of all cells, run in a kernel that keeps its own files in `folder`."""
    from nbclient import NotebookClient

    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(folder / variable))
    resources = {"metadata": {"path": str(NOTEBOOKS)}}
    NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error"]
    return outputs


def pictures_in(outputs: list) -> int:
    return sum("image/png" in output.get("data", {}) for output in outputs)


def text_of(outputs: list) -> str:
    return "".join(output.text for output in outputs if output.get("name") == "stdout")


@every_notebook
def test_is_committed_as_written_by_hand(path):
    for cell in read(path).cells:
        assert cell.cell_type == "markdown" or (cell.execution_count is None and cell.outputs == [])
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/home/|/root/|/Users/|/work/|[A-Z]:\\\\", text), "an absolute path"


@every_notebook
def test_every_heading_is_also_in_chinese(path):
    notebook = read(path)
    headings = [line for cell in notebook.cells for line in cell.source.splitlines() if line.startswith("#")]
    headings = [line for line in headings if re.match(r"#+ [A-Z]", line) and not line.endswith(".")]
    assert len(headings) >= 5
    assert all(re.search(r"[\u4e00-\u9fff]", heading) for heading in headings)


@every_notebook
@pytest.mark.parametrize("folder", [ROOT, NOTEBOOKS], ids=["top", "notebooks"])
def test_finds_the_repository_from(folder, path):
    first = next(cell.source for cell in read(path).cells if cell.cell_type == "code")
    finding = first.split("from PIL")[0]
    done = python("-c", f"{finding}\nprint(ROOT)\nimport boxes.detections", cwd=folder)
    assert (done.returncode, done.stdout.strip()) == (0, str(ROOT)), done.stderr


@pytest.mark.slow
def test_shows_detections_on_pictures(tmp_path, monkeypatch):
    outputs = execute(read(DETECTION), tmp_path, monkeypatch, timeout=120)
    assert pictures_in(outputs) == 4
    printed = text_of(outputs)
    for name in read_labels(ROOT / "checkpoints" / "drawn_lite" / "labels.txt"):
        assert name in printed
    assert re.search(r"\d+%", printed), "nobody found in the first picture"


@pytest.mark.slow
def test_goes_the_whole_way_from_a_film_to_named_boxes(tmp_path, monkeypatch):
    notebook = read(WHOLE_WAY)
    for cell in notebook.cells:
        cell.source = cell.source.replace("runs/all_process", str(tmp_path / "run"))
        cell.source = cell.source.replace("max_number_of_steps=1200", "max_number_of_steps=400")
    outputs = execute(notebook, tmp_path, monkeypatch, timeout=3600)
    assert pictures_in(outputs) == 5
    measured = re.search(r"mAP \(VOC 2007\): ([\d.]+) on (\d+) pictures", text_of(outputs))
    assert measured is not None
    assert float(measured[1]) > 0.3  # 0.04 after 120 steps
    assert json.loads((tmp_path / "run" / "detections" / "detections.json").read_text(encoding="utf-8"))
