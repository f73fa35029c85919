import hashlib
import io
import re
import shutil
import socket
import tarfile
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nets.exported import Exported
from tests.conftest import ROOT
from web import browser_runtime
from web.__main__ import main
from web.browser_runtime import browser_model

LITE = ROOT / "checkpoints" / "drawn_lite"


def test_why_it_cannot_start_is_told_in_one_line(tmp_path, capsys):
    damaged = tmp_path / "damaged"
    shutil.copytree(LITE, damaged)
    (damaged / "weights.npz").write_bytes(b"half a file")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for port, folder, message in (
            (taken.getsockname()[1], "nowhere", r"cannot be taken .*; choose another --port"),
            (18973, "nowhere", "does not exist"),
            (18973, damaged, "weights.npz cannot be read"),
        ):
            flags = [f"--port={port}", f"--checkpoint_dir={folder}", f"--inbox={tmp_path / 'inbox'}"]
            assert main(flags) == 1
            error = capsys.readouterr().err
            assert re.search(message, error)
            assert error.count("\n") == 1


def package(folder, content=b"runtime"):
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in (("package/dist/a.mjs", content), ("package/../../evil", b"x")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def test_only_the_pinned_package_and_files_are_taken(tmp_path):
    path = package(tmp_path)
    files = {"a.mjs": hashlib.sha256(b"runtime").hexdigest()}
    target = tmp_path / "runtime"
    with pytest.raises(ValueError, match=r"package\.tgz is not onnxruntime-web"):
        browser_runtime.unpack(path, target)
    with pytest.raises(ValueError, match=r"a\.mjs in .* is not the pinned file"):
        browser_runtime.unpack(path, target, {"a.mjs": "0" * 64})
    assert not target.exists()
    browser_runtime.unpack(path, target, files)
    assert [file.name for file in target.iterdir()] == ["a.mjs"]


def test_without_npm_the_page_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "npm is not on this machine" in browser_runtime.fetch(tmp_path / "runtime")
    assert not browser_runtime.is_complete(tmp_path)


def small(weight: float) -> Any:
    """A detector of which only the weights matter."""
    model = SimpleNamespace(get_weights=lambda: [np.full(3, weight, np.float32)])
    return SimpleNamespace(labels=("Mira",), network=None, model=model)


def test_why_there_is_no_model_for_the_browser(tmp_path, monkeypatch):
    monkeypatch.setattr(browser_runtime, "is_complete", lambda: False)
    assert browser_model(small(0.0), tmp_path, 0.3) == (None, "no runtime")
    monkeypatch.setattr(browser_runtime, "is_complete", lambda: True)
    monkeypatch.setattr(browser_runtime, "MAX_MODEL_BYTES", 5)
    assert browser_model(small(0.0), tmp_path, 0.3) == (None, "too large")


def test_the_model_is_written_once_for_a_network(tmp_path, monkeypatch):
    written = []

    def export_onnx(model, *network, score_threshold):
        written.append(f"{model.get_weights()[0][0]:g} {score_threshold:g}")
        return SimpleNamespace(SerializeToString=lambda: written[-1].encode())

    monkeypatch.setattr("nets.onnx_export.export_onnx", export_onnx)
    monkeypatch.setattr(browser_runtime, "is_complete", lambda: True)
    kept = tmp_path / "browser"
    for weight, show_from in ((0.5, 0.3), (0.5, 0.3), (0.75, 0.3), (0.75, 0.2), (0.75, 0.2)):
        path, _ = browser_model(small(weight), kept, show_from)
        assert path is not None
        assert path.read_text() == f"{weight:g} {show_from:g}"
        assert list(kept.iterdir()) == [path]
    assert written == ["0.5 0.3", "0.75 0.3", "0.75 0.2"]


@pytest.mark.parametrize(
    ("name", "reason"), [("a.onnx", ""), ("a.tflite", "off"), ("large.onnx", "too large")]
)
def test_a_detector_that_is_a_file_gives_that(tmp_path, monkeypatch, name, reason):
    monkeypatch.setattr(browser_runtime, "is_complete", lambda: True)
    model = Exported.__new__(Exported)
    model.path = tmp_path / name
    model.path.write_text(name[:5])
    detector: Any = SimpleNamespace(labels=("Mira",), network=None, model=model)
    monkeypatch.setattr(browser_runtime, "MAX_MODEL_BYTES", 4 if "large" in name else 5)
    path, why = browser_model(detector, tmp_path / "browser", 0.3)
    assert why == reason
    assert (path is None) == bool(reason)
    assert path is None or path.read_bytes() == model.path.read_bytes()


def test_the_page_is_told_of_names_and_why_there_is_no_model(serve):
    about = serve().get("/api/about").json()
    assert (about["browser"], about["browser_reason"]) == (None, "off")
    mira = about["names"][0]
    assert (mira["maybe_from"], mira["sure_from"], about["least_ratio"]) == (0.5, 0.75, 1)
