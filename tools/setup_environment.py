"""Makes the environments with uv, from locks with hashes: .venv, and that of LabelImg.

    python3 tools/setup_environment.py run|dev [web] [gpu] [--chosen]     what `make setup` says
    python3 tools/setup_environment.py uv                                 prints where uv is, for `make lock`

It runs before anything is installed, on Python 3.8 too. An empty file in the environment, named after a lock
and its hash, says that the lock is installed: a second run does nothing and needs no network, and the same
command completes an interrupted one.
"""

from __future__ import annotations

import ast
import ctypes
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 11), (3, 13)
_TABLES = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
LOCKS = _TABLES["locks"]  # requirements/NAME.txt: its environment, locks that contain it, size
# pip's settings for a mirror or a company's certificate, under uv's names: uv does not read pip's files.
SETTINGS = _TABLES["settings"]
FAILURES = _TABLES["failures"]  # what uv or pip says: what that means
NO_PYTHON = FAILURES["No interpreter found"]
# What OpenCV and Skia open of a Linux system.
LIBRARIES = ("libGL.so.1", "libEGL.so.1", "libgthread-2.0.so.0") if sys.platform == "linux" else ()


def ready(*locks: str, chosen: bool = False) -> Path:
    """Makes the environment of some locks where none works, and installs what it lacks of them.

    `chosen`: its Python has to be the running one; otherwise any supported one will do. Gives its Python;
    ValueError, with the cause and the cure, where it cannot be made.
    """
    venv = ROOT / LOCKS[locks[0]][0]
    python = venv / "bin" / "python"
    with Path(__file__).open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # the second of two terminals waits
        version = _version(python)
        if not OLDEST <= version <= NEWEST or (chosen and version != sys.version_info[:2]):
            _make(venv, chosen)
            version = _version(python)
        packages = venv / "lib" / "python{}.{}".format(*version) / "site-packages"
        texts = {lock: (ROOT / "requirements" / f"{lock}.txt").read_bytes() for lock in LOCKS}
        stamps = {lock: packages / f"{lock}-{hashlib.sha256(texts[lock]).hexdigest()}.lock" for lock in LOCKS}
        for lock in locks:
            _, containing, size = LOCKS[lock]
            if any(stamps[name].exists() for name in containing):
                continue
            for outdated in set(packages.glob("*.lock")) - set(stamps.values()):
                outdated.unlink()
            _say(f"requirements/{lock}.txt into {venv.name} ({size}, unless it is cached)")
            # Locks are complete: nothing is resolved. LabelImg has no wheel; locked setuptools build it.
            flags = "--require-hashes --no-deps --compile-bytecode --only-binary=:all: --no-binary=labelimg"
            command = [_uv(), "pip", "install", f"--python={python}", *flags.split(), "--no-build-isolation"]
            _run([*command, f"--requirements=requirements/{lock}.txt"])
            stamps[lock].touch()
    return python


def _version(python: Path) -> tuple[int, ...]:
    """(3, 12) of an interpreter, () where it does not run."""
    try:
        command = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
        return tuple(map(int, subprocess.run(command, capture_output=True, text=True).stdout.split()))
    except OSError:
        return ()


def _make(venv: Path, chosen: bool) -> None:
    """Makes an empty environment beside its place and puts it there whole."""
    supported = OLDEST <= sys.version_info[:2] <= NEWEST
    if chosen and not supported:
        raise ValueError(f"PYTHON is {sys.version.split()[0]}, and {NO_PYTHON}")
    state = venv / "pyvenv.cfg"
    ours = (venv / "setup.json").exists() or (state.exists() and "prompt = anime-ssd" in state.read_text())
    if venv.exists() and not ours and any(venv.iterdir()):
        raise ValueError(f"{venv} was made by hand and has no Python that serves: move it away")
    new = venv.with_name(f"{venv.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    python = sys.executable if supported else ">=3.11,<3.14"
    # Relocatable: the checkout may be moved. By the prompt we know our own again.
    flags = ["--no-project", "--relocatable", "--prompt=anime-ssd", f"--python={python}"]
    _run([_uv(), "venv", *flags, str(new)])
    shutil.rmtree(venv, ignore_errors=True)
    new.rename(venv)


def _uv() -> str:
    """The system's uv, or one of our own in .uv, which pip fetches."""
    own = ROOT / ".uv" / "bin"
    for program in filter(shutil.which, ("uv", str(own / "uv"))):
        if subprocess.run([program, "--version"], capture_output=True).returncode == 0:
            return program
    _say("requirements/uv.txt into .uv (20 MB)")
    _run([sys.executable, "-m", "venv", "--clear", str(own.parent)])
    flags = "--quiet --disable-pip-version-check --require-hashes --only-binary=:all:"
    _run([str(own / "python"), "-m", "pip", "install", *flags.split(), "--requirement=requirements/uv.txt"])
    return str(own / "uv")


def _run(command: list[str]) -> None:
    """Runs uv or pip and shows what it says, but for lists of packages; ValueError: what a failure means."""
    variables = {"UV_PYTHON_DOWNLOADS": "never", "UV_INDEX_STRATEGY": "unsafe-best-match"}  # hashes bind
    for name, variable in SETTINGS.items():  # an environment made by uv has no pip to ask
        if value := os.environ.get("PIP_" + name.upper().replace("-", "_")):
            variables[variable] = " ".join(value.split())
    own = ROOT / ".uv" / "bin" / "python"
    pip = [str(own) if own.exists() else sys.executable, "-m", "pip", "config", "list"]
    for line in subprocess.run(pip, capture_output=True, text=True).stdout.splitlines():
        name, _, value = line.partition("=")
        if variable := SETTINGS.get(name.rpartition(".")[2]):
            variables.setdefault(variable, " ".join(ast.literal_eval(value).split()))
    environment = {**variables, **os.environ}
    pipe, said = subprocess.PIPE, ""
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=pipe, stderr=subprocess.STDOUT
    ) as process:
        for line in process.stdout or ():
            said += (text := line.decode(errors="replace"))
            if not re.match(r" [-+~] |(Using|Creating|Activate|Resolved|Prepared|Installed|Bytecode) ", text):
                sys.stderr.write(text)
    if process.returncode != 0:
        meanings = [meaning for pattern, meaning in FAILURES.items() if re.search(pattern, said)]
        raise ValueError(f"{[*meanings, 'the lines above say why'][0]}. The same command goes on from here")


def _say(what: str) -> None:
    print(f"set-up: {what}", file=sys.stderr, flush=True)


def main(names: list[str]) -> None:
    """Makes what the command line names; where that fails, it ends with one sentence."""
    if not names or set(names).difference(LOCKS, ["uv", "--chosen"]):
        return print(__doc__)
    try:
        list(map(ctypes.CDLL, LIBRARIES))  # before anything is downloaded
    except OSError as error:
        packages = "apt-get install libgl1 libegl1 libglib2.0-0 (Fedora: libglvnd-glx libglvnd-egl glib2)"
        sys.exit(f"set-up: the system lacks a library: {error}\nDebian/Ubuntu: sudo {packages}")
    try:
        if names == ["uv"]:
            return print(_uv())
        python = ready(*(name for name in names if name != "--chosen"), chosen="--chosen" in names)
    except (ValueError, KeyboardInterrupt) as error:
        sys.exit(f"set-up: {error or 'interrupted; the same command goes on from here'}")
    if "gpu" in names:
        code = (
            "import tensorflow as t; print('set-up: TensorFlow sees', t.config.list_physical_devices('GPU'))"
        )
        subprocess.call([python, "-c", code])


if __name__ == "__main__":
    main(sys.argv[1:])
