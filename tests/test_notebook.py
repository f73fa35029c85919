import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "ssd_notebook.ipynb"
CHECKPOINT = ROOT / "checkpoints" / "drawn_lite"


@pytest.fixture
def notebook() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_is_committed_as_written_by_hand(notebook):
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.cell_type == "markdown" or (cell.execution_count is None and cell.outputs == [])
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not re.search(r"/home/|/root/|/Users/|/work/|[A-Z]:\\\\", text), "an absolute path"


def test_every_heading_is_also_in_chinese(notebook):
    headings = [line for cell in notebook.cells for line in cell.source.splitlines() if line.startswith("#")]
    headings = [line for line in headings if re.match(r"#+ [A-Z]", line) and not line.endswith(".")]
    assert len(headings) >= 5
    assert all(re.search(r"[\u4e00-\u9fff]", heading) for heading in headings)


@pytest.mark.parametrize("folder", [ROOT, NOTEBOOK.parent])
def test_finds_the_repository_from(folder, notebook):
    first = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    finding = first.split("from PIL")[0]
    printed = subprocess.run(
        [sys.executable, "-c", f"{finding}\nprint(ROOT)\nimport boxes.detections"],
        cwd=folder,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert Path(printed.strip()) == ROOT


def test_runs_and_shows_pictures(notebook, tmp_path, monkeypatch):
    if not (CHECKPOINT / "labels.txt").is_file():
        pytest.skip("the repository has no checkpoints/drawn_lite yet")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOK.parent)}}
    )
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error"]
    assert len([output for output in outputs if "image/png" in output.get("data", {})]) == 4
    printed = "".join(output.text for output in outputs if output.get("name") == "stdout")
    for name in (CHECKPOINT / "labels.txt").read_text(encoding="utf-8").split("\n"):
        assert name in printed
    assert re.search(r"\d+%", printed), "nobody found in the first picture"
