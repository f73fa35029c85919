"""The set-up: what it installs when and what it says, with a stand-in for uv, and what the locks hold."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT, tables
from tools import setup_environment
from tools.setup_environment import LOCKS


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with locks of a few letters."""
    root = tmp_path / "動漫 faces"
    for name in ("Makefile", "tools/setup_environment.py", "tools/setup_environment.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    for lock in LOCKS:
        (root / "requirements").mkdir(exist_ok=True)
        (root / "requirements" / f"{lock}.txt").write_text(lock)
    uv = tmp_path / "programs" / "uv"
    uv.parent.mkdir()
    minor, stand_in = "{}.{}".format(*sys.version_info), (ROOT / "tests" / "uv.sh").read_text()
    uv.write_text(stand_in.replace("{python}", sys.executable).replace("{minor}", minor))
    uv.chmod(0o755)
    return root


def make(root: Path, *arguments: str, fails: bool = False, **variables: str) -> str:
    """What make says with the stand-in for uv and without this machine's settings."""
    foreign = ("PIP_", "UV_", "MAKE", "MFLAGS", "PYTHON", "GPU", "WEB")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    kept["PATH"] = f"{root.parent / 'programs'}:{Path(sys.executable).parent}:{kept['PATH']}"
    kept["PIP_CONFIG_FILE"] = os.devnull
    done = subprocess.run(
        ["make", *arguments], cwd=root, env={**kept, **variables}, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert bool(done.returncode) == fails, done.stdout
    return done.stdout


def installed(root: Path) -> list[str]:
    """The locks that uv was asked to install so far, in order."""
    return re.findall(r"--requirements=requirements/([\w-]+)\.txt", (root / "calls").read_text())


def test_a_lock_is_installed_once_and_what_contains_it_serves(checkout: Path) -> None:
    make(checkout, "setup")
    calls = (checkout / "calls").read_text().splitlines()
    assert calls[0].startswith("venv --no-project --relocatable")
    assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} < set(calls[1].split())
    assert make(checkout, "setup", PATH="/usr/bin:/bin") == ""  # no uv any more
    make(checkout, "setup", "WEB=1")
    make(checkout, "setup-dev")
    moved = checkout.rename(checkout.with_name("moved"))
    make(moved, "setup", "WEB=1")
    assert installed(moved) == ["run", "web", "dev"]


def test_a_changed_lock_is_installed_and_so_is_the_old_one_afterwards(checkout: Path) -> None:
    for text in ("old", "new", "old"):
        (checkout / "requirements" / "run.txt").write_text(text)
        make(checkout, "setup")
    assert installed(checkout) == ["run", "run", "run"]


def test_a_killed_set_up_is_completed_by_the_same_command(checkout: Path) -> None:
    (checkout / "kill").touch()
    make(checkout, "setup", fails=True)
    make(checkout, "setup")
    (checkout / ".venv" / "bin" / "python").unlink()  # and one of ours without its Python is made anew
    make(checkout, "setup")
    assert installed(checkout) == ["run", "run", "run"]


@pytest.mark.parametrize(("said", "meaning"), tables(__file__, "mistakes")["set_up"])
def test_a_failure_is_shown_and_explained(checkout: Path, said: str, meaning: str) -> None:
    (checkout / "said").write_text(f"{said}\n")
    told = make(checkout, "setup", fails=True)
    assert f"{said}\nset-up: {meaning}" in told
    assert "The same command goes on from here\n" in told
    make(checkout, "setup")


def test_pip_s_mirror_is_uv_s_where_uv_has_none(checkout: Path) -> None:
    mirror = "https://mirror.example/simple"
    make(checkout, "setup", PIP_INDEX_URL=mirror)
    assert (checkout / "calls").read_text().endswith(f" {mirror}\n")
    make(checkout, "setup-dev", PIP_INDEX_URL=mirror, UV_DEFAULT_INDEX="https://own.example/")
    assert (checkout / "calls").read_text().endswith(" https://own.example/\n")


def test_what_was_made_by_hand_is_completed_and_never_deleted(checkout: Path) -> None:
    mine = checkout / ".venv" / "mine.txt"
    mine.parent.mkdir()
    mine.touch()
    told = make(checkout, "setup", fails=True)
    assert "was made by hand and has no Python that serves: move it away" in told
    subprocess.run([checkout.parent / "programs" / "uv", "venv", ".venv"], cwd=checkout, check=True)
    (checkout / ".venv" / "pyvenv.cfg").write_text("prompt = mine")
    make(checkout, "setup")
    assert mine.exists()


def test_a_python_that_does_not_serve_is_told(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = make(checkout, "setup", "PYTHON=python3.99", fails=True)
    assert "python3.99 does not run or is too old: install Python 3.11 to 3.13" in told
    monkeypatch.setattr(setup_environment, "ROOT", checkout)
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    with pytest.raises(ValueError, match=r"Python 3\.11 to 3\.13 is needed"):
        setup_environment.ready("run", chosen=True)


@pytest.mark.skipif(sys.platform != "linux", reason="the loader of Linux")
def test_a_library_that_the_system_lacks_is_told_first(checkout: Path, monkeypatch) -> None:
    monkeypatch.setattr(setup_environment, "ROOT", checkout)
    monkeypatch.setattr(setup_environment, "LIBRARIES", ("libodd.so.7",))
    with pytest.raises(SystemExit, match=r"lacks a library: libodd\.so\.7.*\n.*apt-get install libgl1"):
        setup_environment.main(["run"])
    assert not (checkout / ".venv").exists()


@pytest.mark.slow
def test_pip_fetches_uv_where_there_is_none(checkout: Path) -> None:
    shutil.copy(ROOT / "requirements" / "uv.txt", checkout / "requirements")
    command = [sys.executable, "tools/setup_environment.py", "uv"]
    variables = {**os.environ, "PATH": "/nowhere"}
    told = subprocess.run(command, cwd=checkout, env=variables, stdout=subprocess.PIPE, text=True, check=True)
    assert told.stdout == f"{checkout}/.uv/bin/uv\n"
    subprocess.run([told.stdout.strip(), "--version"], check=True)


def locked(name: str) -> list[Requirement]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return [Requirement(line.rstrip(" \\")) for line in re.findall(r"^\w.*", text, re.MULTILINE)]


@pytest.mark.parametrize("name", [*LOCKS, "serve", "uv"])
def test_a_lock_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|^-", text, re.MULTILINE)
    hashed = re.findall(r"^\w.* \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert len(hashed) == len(locked(name)) > 0


def test_a_lock_has_the_versions_of_the_locks_that_it_contains() -> None:
    for name in ("run", "web"):
        pins = {f"{pin.name}{pin.specifier}" for pin in locked(name)}  # conditions may differ
        for containing in LOCKS[name][1]:
            assert pins <= {f"{pin.name}{pin.specifier}" for pin in locked(containing)}


@pytest.mark.parametrize("name", ["run", "web", "dev", "gpu", "gpu_jax"])
def test_the_locks_fulfil_what_the_project_states(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = project["dependencies"] + project["optional-dependencies"].get(name, [])
    for requirement in map(Requirement, stated):
        same = canonicalize_name(requirement.name)
        versions = [str(pin.specifier)[2:] for pin in locked(name) if canonicalize_name(pin.name) == same]
        assert versions, f"requirements/{name}.txt lacks {requirement}: make lock"
        assert all(map(requirement.specifier.contains, versions)), f"{name}.txt: {versions} for {requirement}"


def test_the_demo_runs_the_programs_by_their_contract(checkout: Path) -> None:
    commands = make(checkout, "--dry-run", "demo").replace("\\\n", " ")
    for command in tables(__file__, "mistakes")["demo"]:
        program, *flags = command.split()
        (line,) = [line for line in commands.splitlines() if f"{program} " in line]
        assert set(flags) <= set(line.split())


def test_help_lists_every_target(checkout: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (checkout / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    told = make(checkout)
    assert "demo" in targets
    assert [target for target in targets if f"make {target} " not in told] == ["help", "setup-dev"]
