"""Makes .labelimg-venv, the environment in which LabelImg runs: pinned, with hashes, apart from .venv."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".labelimg-venv"
BUILD, LOCK = (ROOT / "requirements" / name for name in ("labelimg-build.txt", "labelimg.txt"))
_STATE = "labelimg.sha256"
_PYTHON = Path("Scripts", "python.exe") if os.name == "nt" else Path("bin", "python")
_LOG_LINES = 15


def ready_python(say: Callable[[str], None]) -> Path:
    """The interpreter of the environment; makes the environment when it is missing or its lock has changed.

    Args:
        say: told what happens.

    Raises:
        ValueError: it cannot be made, with the reason.
    """
    python = VENV / _PYTHON
    wanted = _state()
    state = VENV / _STATE
    if state.is_file() and state.read_text(encoding="ascii").strip() == wanted and python.exists():
        return python
    if VENV.exists() and not state.exists() and any(VENV.iterdir()) and not (VENV / "pyvenv.cfg").exists():
        raise ValueError(f"{VENV} is there but is no environment: move it away")
    say(f"Making {VENV.name} for LabelImg (a download of 70 MB, unless it is cached)")
    shutil.rmtree(VENV, ignore_errors=True)
    _run([_base_python(), "-m", "venv", str(VENV)])
    # LabelImg is on PyPI as a source archive only. It is built here with the locked setuptools instead of
    # one that pip would fetch unseen; everything else comes from wheels.
    _install(python, BUILD, "--only-binary=:all:")
    _install(python, LOCK, "--only-binary=:all:", "--no-binary=labelimg", "--no-build-isolation")
    state.write_text(wanted + "\n", encoding="ascii")
    return python


def _state() -> str:
    """Changes with the locks and with the Python that the environment is made of."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {VENV}".encode())
    for path in (BUILD, LOCK):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _install(python: Path, lock: Path, *flags: str) -> None:
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    _run([*command, "--require-hashes", "--no-deps", *flags, "-r", str(lock)])


def _run(command: list[str]) -> None:
    process = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if process.returncode != 0:
        end = "\n".join(process.stdout.strip().splitlines()[-_LOG_LINES:])
        raise ValueError(f"LabelImg's environment could not be made by\n  {' '.join(command)}\n{end}")


def _base_python() -> str:
    """The interpreter that .venv was made of: an environment of an environment would depend on it."""
    return getattr(sys, "_base_executable", None) or sys.executable
