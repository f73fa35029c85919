import hashlib
import io
import shutil
import subprocess
import sys
import tarfile

import pytest

from tests.conftest import ROOT
from web import browser_runtime
from web.__main__ import main
from web.browser_runtime import browser_model

LITE = ROOT / "checkpoints" / "drawn_lite"


def test_a_missing_or_damaged_checkpoint_is_told_in_one_line(tmp_path, capsys):
    damaged = tmp_path / "damaged"
    shutil.copytree(LITE, damaged)
    (damaged / "weights.npz").write_bytes(b"half a file")
    flags = ["--port", "18973", "--inbox", str(tmp_path / "inbox")]
    for folder, message in (("nowhere", "does not exist"), (damaged, "weights.npz cannot be read")):
        assert main(["--checkpoint_dir", str(folder), *flags]) == 1
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


def test_a_taken_port_is_told_before_anything_slow():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "web", "--port", str(taken.getsockname()[1])]
        process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert process.returncode == 1
    assert "cannot be taken" in process.stderr
    assert "choose another --port" in process.stderr


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


class Sized:
    """A recogniser of which only the number of weights matters."""

    class model:
        weights = ()


def test_why_there_is_no_model_for_the_browser(tmp_path, monkeypatch):
    assert browser_model(Sized, wanted=False, show_from=0.3).reason == "off"
    assert browser_model(Sized, wanted=True, show_from=0.3, runtime=tmp_path).reason == "no runtime"
    monkeypatch.setattr("web.browser_runtime.is_complete", lambda folder: True)
    monkeypatch.setattr("web.browser_runtime.MAX_BYTES", -1)
    found = browser_model(Sized, wanted=True, show_from=0.3, runtime=tmp_path)
    assert (found.reason, found.address) == ("too large", None)


def test_the_page_says_why(serve):
    about = serve().get("/api/about").json()
    assert (about["browser"], about["browser_reason"]) == (None, "off")
