import onnx
import pytest

import export_model
from tests.conftest import ROOT

LITE = ROOT / "checkpoints" / "drawn_lite"


def test_writes_one_file(tmp_path, capsys):
    path = tmp_path / "new folder" / "動漫.onnx"
    assert export_model.main(["--checkpoint_path", str(LITE), "--output_path", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: 3.6 MB\n"
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert onnx.load(path).graph.input[0].name == "picture"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--checkpoint_path", "nowhere"], "Checkpoint folder nowhere does not exist."),
        (["--checkpoint_path", "x", "--score_threshold", "1"], "--score_threshold 1.0: must be"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, capsys, flags, message):
    assert export_model.main([*flags, "--output_path", str(tmp_path / "a.onnx")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "a.onnx").exists()
