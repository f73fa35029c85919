import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from datasets.drawn_video import FilmOptions, draw_video
from nets.thresholds import Thresholds
from tests.datasets.one_of_everything import rows as rows_of
from tests.tools.test_doors import TABLES
from tests.video.test_screen_time import boxes
from tools.who_appears import main, names_of
from video.screen_time import Seen


class OnSixAxes:
    """Vectors of six axes; drawn people lie on the last."""

    def of_anybody(self, vectors: np.ndarray) -> np.ndarray:
        return vectors[:, 5]


def film(*tracks: Sequence[Any]) -> Seen:
    """Tracks of one head each: (name, score, evidence, axis it looks like, how far it leans to the last)."""
    count, (names, scores, evidence, axes, leans) = len(tracks), zip(*tracks, strict=True)
    vectors = np.eye(6)[list(axes)] + np.outer(leans, np.eye(6)[5])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Seen(
        "", float(count), np.array([9, 9]), np.arange(float(count)), np.arange(count), np.arange(count),
        boxes(*[(0, 0, 1, 1)] * count), np.array(names), np.array(scores), np.array(evidence),
        np.arange(count), vectors.astype(np.float32),
    )  # fmt: skip


def test_names_go_by_likeness_to_what_the_detector_is_sure_of() -> None:
    sure = [(name, 0.9, 9.0, axis, lean / 50) for name, axis in (("a", 0), ("b", 1)) for lean in range(20)]
    doubtful = TABLES["doubtful"]
    limits, six = Thresholds(0.5, {"b": 0.6}, {"gap": 4.0}), cast("Any", OnSixAxes())
    for films in ([film(*sure, *doubtful)], [film(*sure), film(*doubtful)]):
        named = [name for one in names_of(films, limits, six) for name in one]
        assert named[:40] == ["a"] * 20 + ["b"] * 20
        assert named[40:] == ["a", "", "", "", "", "", "", ""]
    assert [*names_of([film(*sure[:20], doubtful[0])], limits, six)[0]] == ["a"] * 20 + [""]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of an episode, under a name that HTML has to escape, and a file that is no film."""
    folder = tmp_path_factory.mktemp("films")
    draw_video(FilmOptions(folder / "A&B 17.mp4", 20.0, width=480, height=270, sound=False))
    (folder / "z.mkv").write_bytes(bytes(1000))
    return folder


def test_page_and_tables_of_a_series(films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "who"
    arguments = ["--checkpoint_path=checkpoints/drawn_lite", f"--output_dir={out}", str(films)]
    assert main(arguments) == 1  # for z.mkv
    assert "z: not a video, or damaged from the start" in capsys.readouterr().err.replace("\n", " ")
    rows = rows_of(out / "characters.csv")
    assert {row["film"] for row in rows} == {"A&B 17"}
    spans = rows_of(out / "appearances.csv")
    for row in rows:
        his = [span for span in spans if span["name"] == row["name"]]
        assert sum(int(span["end"]) - int(span["start"]) for span in his) == int(row["seconds"]) > 0
        assert int(row["first"]) == min(int(span["start"]) for span in his)
    entries = json.loads((out / "detections.json").read_text(encoding="utf-8"))
    assert [entry["time"] for entry in entries] == [*range(20)]
    assert {one["name"] for entry in entries for one in entry["detections"]} == {row["name"] for row in rows}
    page = (out / "index.html").read_text(encoding="utf-8")
    assert all(
        page.count(f'id="shot-{n}-1"') == page.count(f'#shot-{n}-1"') == 1 for n in range(1, len(rows))
    )
    assert page.count("A&") == page.count("A&amp;B 17") > 0

    kept = out / "films" / "A&B 17.npz"
    before = kept.stat().st_mtime_ns
    assert main(arguments) == 1
    assert kept.stat().st_mtime_ns == before  # not looked at again
    assert (out / "index.html").read_text(encoding="utf-8") == page
    assert main([*arguments[:2], str(films / "z.mkv")]) == 1
    assert "nobody was found in 0 films" in capsys.readouterr().err
