"""The images and the compose file: what they promise, and their steps done for real in plain folders."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.test_setup import locked
from tests.tools.image_steps import USER, Build, can_isolate, context, instructions
from web.browser_runtime import VERSION

FOLDER = ROOT / "tools" / "containers"
DOCKERFILES = [FOLDER / "web.Dockerfile", FOLDER / "train.Dockerfile"]
TOKEN = "a-token-of-this-test"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_images_are_pinned_and_run_as_nobody_special(dockerfile):
    steps = instructions(dockerfile)
    for name, text in steps:
        if name == "FROM":
            assert re.fullmatch(r"\w+:\d+(\.\d+)?[\w.-]+( AS \w+)?", text), (
                f"{text}: a plain name with a version"
            )
        assert name != "ADD", "COPY fetches nothing"
    assert [text for name, text in steps if name == "USER"] == [f"{USER}:{USER}"]
    last = max(number for number, (name, _) in enumerate(steps) if name == "FROM")
    for name, text in steps[last:]:
        assert not re.search(r"\b(pip|npm|gcc|build-essential|git)\b", text), (
            f"{name} {text} in the last stage"
        )


def test_the_page_is_served_with_the_versions_that_are_tested():
    text = (ROOT / "requirements" / "serve.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|^-", text, re.MULTILINE)
    others = {"tensorflow-cpu": "tensorflow", "opencv-python-headless": "opencv-python"}
    tested = {line.split(" ;")[0] for line in locked("web")}
    for line in locked("serve"):
        name, version = line.split(" ;")[0].split("==")
        assert f"{others.get(name, name)}=={version}" in tested


def test_the_browser_runtime_is_the_one_that_the_page_expects():
    (argument,) = [text for name, text in instructions(DOCKERFILES[0]) if name == "ARG"]
    assert argument == f"ONNXRUNTIME_WEB={VERSION}"


def test_the_context_has_the_code_and_nothing_of_this_machine():
    files = {path.as_posix() for path in context(ROOT)}
    assert {
        "web/static/page.js",
        "checkpoints/drawn_lite/weights.npz",
        "requirements/serve.txt",
        "detect.py",
    } <= files
    tops = {name.split("/")[0] for name in files}
    assert tops <= {
        *(
            "boxes",
            "checkpoints",
            "datasets",
            "demo",
            "engine",
            "faces",
            "files",
            "labelling",
            "nets",
            "preprocessing",
            "requirements",
            "ssd_tensorflow",
            "terminal",
            "video",
            "tools",
        ),
        *("visualization", "web"),
        *(path.name for path in ROOT.glob("*.py")),
    }
    assert not [
        name for name in files if "__pycache__" in name or "/runtime/" in name or name.endswith(".env")
    ]


def test_the_compose_file_is_hardened_and_has_no_secret(compose):
    text = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "/tmp" in service["tmpfs"], name
        assert "privileged" not in service, name
    assert compose["services"]["web"]["ports"] == ["${ADDRESS:-127.0.0.1}:${PORT:-8000}:8000"]
    assert [name for name, service in compose["services"].items() if "ports" in service] == ["web"]
    assert compose["networks"]["back"] == {"internal": True}
    for secret in ("ANIME_SSD_TOKEN", "POSTGRES_PASSWORD"):
        used = re.findall(rf"\$\{{{secret}(..)", text)
        assert used, secret
        assert set(used) == {":?"}, f"{secret} must be given, and has no default"


def test_what_the_compose_file_names_exists(compose):
    for name, service in compose["services"].items():
        if "build" in service:
            source = (FOLDER / service["build"]["context"]).resolve()
            assert source == ROOT
            assert (source / service["build"]["dockerfile"]).is_file(), name
        for volume in service["volumes"]:
            origin = volume.split(":")[0]
            assert origin in compose["volumes"] or origin.startswith("${DATASETS"), volume
        for network in service.get("networks", []):
            assert network in compose["networks"]


needs_isolation = pytest.mark.skipif(
    not can_isolate(),
    reason="images are built without an engine only as root on Linux",
)


def answer(address, path, token=TOKEN, **options):
    request = urllib.request.Request(address + path, **options)
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.loads(reply.read())


def form(name, file):
    """A multipart body with one file."""
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n\r\n'
    return head.encode() + file + b"\r\n--x--\r\n"


def volume(folder):
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, USER, USER)
    return folder


@pytest.mark.slow
@needs_isolation
@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm (Debian: apt-get install npm)")
def test_the_web_image_answers_and_keeps_reports(tmp_path, compose):
    build = Build(ROOT, DOCKERFILES[0], tmp_path)
    image, service = build.last, compose["services"]["web"]
    assert not list((image.root / "opt/venv/bin").glob("pip*"))
    assert not (image.root / "app/engine").exists()
    size = sum(path.lstat().st_size for top in ("opt", "app") for path in (image.root / top).rglob("*"))
    print(f"what the web image adds to its base: {size / 1e6:.0f} MB")
    assert size < 1.8e9
    volumes = {"/inbox": volume(tmp_path / "inbox"), "/app/runs": volume(tmp_path / "runs")}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    hardened = {"read_only": service["read_only"], "empty": service["tmpfs"]}
    server = build.process(
        image,
        [*image.entrypoint, "--checkpoint_dir=checkpoints/drawn_lite", f"--port={port}"],
        environment={"ANIME_SSD_TOKEN": TOKEN},
        volumes={"/inbox": volumes["/inbox"]},
        **hardened,
    )
    try:
        for _ in range(300):
            assert server.poll() is None, server.communicate()[0]
            with contextlib.suppress(OSError):
                answer(address, "/ready")
                break
            time.sleep(0.2)
        health = [word.replace(":8000", f":{port}") for word in image.health]
        build.run(image, health, **hardened)
        about = answer(address, "/api/about")
        assert about["browser"] is not None
        file = (ROOT / "demo" / "episode15_000012.jpg").read_bytes()
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        found = answer(address, "/api/detections", data=form("pictures", file), headers=kind)
        assert len(found["pictures"][0]["boxes"]) == 4
        report = json.dumps({"consent": True, "boxes": [{"box": [0, 0, 90, 90], "name": "Mira"}]})
        body = f'--x\r\nContent-Disposition: form-data; name="report"\r\n\r\n{report}\r\n'.encode()
        kept = answer(address, "/api/reports", data=body + form("picture", file), headers=kind)
        assert (volumes["/inbox"] / "pending" / f"{kept['key']}.xml").is_file()
        inbox = compose["services"]["inbox"]["entrypoint"]
        assert kept["key"][:8] in build.run(image, [*inbox, "list"], volumes=volumes, **hardened)
        accept = [*inbox, "accept", kept["key"], "--dataset_dir=runs/set"]
        build.run(image, accept, volumes=volumes, **hardened)
        assert len(list((volumes["/app/runs"] / "set" / "Annotations").iterdir())) == 1
    finally:
        server.terminate()
        log, _ = server.communicate(timeout=60)
    print(log)
    assert TOKEN not in log
    assert "Traceback" not in log


@pytest.mark.slow
@needs_isolation
def test_the_training_image_converts_and_trains(tmp_path, compose):
    # The lock is the one of `make setup`, whose installation has its own tests: what is installed stands in.
    python = f"mkdir -p /opt/venv/bin && ln -s {sys.base_prefix}/bin/python3 /opt/venv/bin/python"
    build = Build(ROOT, DOCKERFILES[1], tmp_path, instead={"python -m venv": python, "apt-get": "true"})
    image, service = build.last, compose["services"]["train"]
    volumes = {"/app/runs": volume(tmp_path / "runs"), "/opt/venv": ROOT / ".venv"}
    for command in (
        ["-m", "datasets.drawn", "--output_dir=runs/set", "--pictures=24"],
        ["tf_convert_data.py", "--dataset_dir=runs/set", "--output_dir=runs/records"],
        [
            *("train_ssd_network.py", "--dataset_dir=runs/records", "--train_dir=runs/mine"),
            *("--recipe=small_cpu", "--max_number_of_steps=2", "--batch_size=2"),
        ],
    ):
        build.run(
            image,
            [*image.entrypoint, *command],
            read_only=service["read_only"],
            empty=service["tmpfs"],
            volumes=volumes,
        )
    assert (tmp_path / "runs" / "mine" / "weights.npz").is_file()


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="no hadolint on this machine")
@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_hadolint_has_nothing_to_say(dockerfile: Path):
    said = subprocess.run(["hadolint", dockerfile], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")
