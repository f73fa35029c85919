"""Makes the environment .venv from the lock files, with pip or uv; a second run only sees that it is there.

Standard library only: it runs before anything is installed (tools/setup_environment.py starts it).
What was done is kept in .venv/setup.json, so that an interrupted set-up, a moved checkout, another
Python or a changed lock is noticed.
"""

import argparse
import contextlib
import ctypes
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tools import setup_failures
from tools.setup_environment import complaint, supported

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("run", "web", "dev", "gpu")  # requirements/NAME.txt; all contain run, and dev contains web
PYTHON = Path("Scripts", "python.exe") if os.name == "nt" else Path("bin", "python")
STATE_FILE = "setup.json"
LOG_FILE = "setup.log"

# What is imported after an installation: cv2 and skia need libraries of the system.
IMPORTS = {
    "run": (
        *("cv2", "skia", "lxml.etree", "PIL.Image", "numpy", "matplotlib", "jinja2", "rich", "tyro"),
        *(
            "av",
            "animeface",
            "imagehash",
            "scipy",
            "globox",
            "yaml",
            "noto_cjk",
            "fontTools",
            "faster_coco_eval",
            "notebook",
            "tensorboard",
            "tensorflow",
            "keras",
            "tf_slim",
        ),
    ),
    "web": ("fastapi", "uvicorn", "python_multipart", "sqlalchemy", "psycopg", "prometheus_client", "onnx"),
    "dev": (
        "pytest",
        "xdist",
        "hypothesis",
        "nbclient",
        "jax",
        "httpx",
        "onnxruntime",
        "playwright",
        "schemathesis",
    ),
    "gpu": (),
}


class SetUpError(Exception):
    """What went wrong and what to do about it, for the screen."""


@dataclass(frozen=True)
class State:
    """What .venv/setup.json says."""

    location: str  # the folder that .venv was made as
    python: str  # "3.12.1"
    ours: bool  # made by this set-up, so it may be made anew; otherwise by hand
    complete: bool = False  # not interrupted
    verified: bool = False  # everything could be imported
    installed: Mapping[str, str] = field(default_factory=dict)  # name of a lock -> its SHA-256 then


@dataclass(frozen=True)
class Plan:
    """What is to be done, and why."""

    reason: str
    rebuild: bool = False
    install: tuple[str, ...] = ()  # names of locks
    verify: bool = True


def plan_for(
    state: State | None,
    *,
    found: str | None,
    wanted: Collection[str],
    hashes: Mapping[str, str],
    location: str,
    chosen: str | None,
) -> Plan | None:
    """Decides what a set-up has to do; None for nothing.

    Args:
        state: What the last set-up left, None where there was none.
        found: The version of .venv's Python, None where it does not run.
        wanted: Names of the locks that must be installed.
        hashes: SHA-256 of every lock as it is now.
        location: Where .venv is now.
        chosen: The version of the Python that the user asked for, None where any will do.
    """
    if state is None:
        return Plan("there is none yet", rebuild=True, install=_largest(wanted))
    locks = _largest({*wanted, *state.installed})
    if not state.complete:
        return Plan("the last set-up was interrupted or failed", rebuild=True, install=locks)
    if state.location != location:
        return Plan(f"it was made as {state.location} and cannot be moved", rebuild=True, install=locks)
    if found is None:
        return Plan(f"its Python {state.python} does not run any more", rebuild=True, install=locks)
    if _minor(found) != _minor(state.python):
        return Plan(f"its Python was {state.python} and is now {found}", rebuild=True, install=locks)
    if chosen is not None and _minor(found) != _minor(chosen):
        return Plan(f"its Python is {found}, Python {chosen} is asked for", rebuild=True, install=locks)
    missing = tuple(name for name in locks if state.installed.get(name) != hashes[name])
    if missing:
        what = "has changed" if missing[0] in state.installed else "is wanted as well"
        return Plan(f"requirements/{missing[0]}.txt {what}", install=missing)
    if not state.verified:
        return Plan("the last set-up could not import everything")
    return None


def _largest(names: Collection[str]) -> tuple[str, ...]:
    """Leaves out run where a lock that contains it is there."""
    return tuple(name for name in LOCKS if name in names and (name != "run" or len(set(names)) == 1))


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def read_state(venv: Path) -> State | None:
    """Reads what the last set-up left; a file that cannot be read counts as an interrupted one."""
    path = venv / STATE_FILE
    if not path.exists():
        return None
    try:
        return State(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        return State(str(venv), "?", ours=True)


def write_state(venv: Path, state: State) -> None:
    temporary = venv / f"{STATE_FILE}.tmp"
    temporary.write_text(json.dumps(asdict(state), indent=1) + "\n", encoding="utf-8")
    temporary.replace(venv / STATE_FILE)


def set_up(root: Path, wanted: Collection[str], *, chosen: bool = False, note: str = "") -> Plan | None:
    """Does what is missing in root/.venv, and says what it does.

    Args:
        root: The checkout.
        wanted: Names of the locks that must be installed.
        chosen: The user asked for the running Python; otherwise an existing environment keeps its own.
        note: What to say about the Python if an environment is made.

    Returns:
        What was done; None for nothing.

    Raises:
        SetUpError: with the cause and the cure.
    """
    venv = root / ".venv"
    hashes = {name: _sha256(root / "requirements" / f"{name}.txt") for name in LOCKS}
    running = platform.python_version()
    found = _version_of(venv / PYTHON)
    state = read_state(venv) or _adopt(venv, found)
    plan = plan_for(
        state,
        found=found,
        wanted=wanted,
        hashes=hashes,
        location=str(venv),
        chosen=running if chosen else None,
    )
    if plan is None:
        return None
    if plan.rebuild:
        if state is not None and not state.ours:
            raise SetUpError(f"{venv} was made by hand, and {plan.reason}: move it away or delete it")
        problem = setup_failures.unsupported_system(
            platform.system(), platform.machine(), platform.libc_ver()[0], gpu="gpu" in plan.install
        )
        if problem:
            raise SetUpError(problem)
        missing = missing_libraries()
        if missing:  # told now rather than after the download
            raise SetUpError(setup_failures.explain_libraries(missing))
        print(f"set-up: {note or f'Python {running} ({_base_python()})'}")
        state = State(str(venv), running, ours=True)
    assert state is not None
    print(f"set-up: {'making' if plan.rebuild else 'completing'} .venv: {plan.reason}", flush=True)
    if plan.rebuild:
        _make_empty(venv, state)
    if plan.install:
        state = replace(state, complete=False, verified=False)
        write_state(venv, state)
        for name in plan.install:
            _install(root, name, first=plan.rebuild)
        kept = {name: value for name, value in state.installed.items() if value == hashes[name]}
        installed = {**kept, **{name: hashes[name] for name in plan.install}}
        state = replace(state, complete=True, installed=installed)
        write_state(venv, state)
    _verify(venv, state.installed)
    write_state(venv, replace(state, verified=True))
    print("set-up: done")
    return plan


def missing_libraries() -> list[str]:
    """Names the libraries that wheels need of a Linux system and that it lacks, by loading each."""
    missing = []
    for name in setup_failures.SYSTEM_LIBRARIES if platform.system() == "Linux" else ():
        try:
            ctypes.CDLL(name)
        except OSError:
            missing.append(name)
    return missing


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _adopt(venv: Path, found: str | None) -> State | None:
    """Takes over an environment that was made by hand: locks are installed into it, nothing is deleted."""
    if not venv.exists() or not any(venv.iterdir()):
        return None
    if found is None or not (venv / "pyvenv.cfg").is_file():
        raise SetUpError(f"{venv} is there but is no working environment: move it away or delete it")
    version = tuple(int(number) for number in found.split(".")[:2])
    if not supported(version):
        raise SetUpError(f"{venv} was made by hand, and {complaint(version)}: move it away or delete it")
    return State(str(venv), found, ours=False, complete=True)


def _version_of(python: Path) -> str | None:
    code = "import platform; print(platform.python_version())"
    try:
        process = subprocess.run([python, "-I", "-S", "-c", code], capture_output=True, text=True)
    except OSError:
        return None
    return process.stdout.strip() if process.returncode == 0 else None


def _base_python() -> str:
    """The interpreter itself where the running one is an environment's, perhaps of the one to be deleted."""
    return getattr(sys, "_base_executable", None) or sys.executable


def _uv() -> str | None:
    return None if os.environ.get("INSTALLER") == "pip" else shutil.which("uv")


def _make_empty(venv: Path, state: State) -> None:
    """Makes the environment anew; the state first, which tells of an interruption at any later point."""
    uv = _uv()
    base = _base_python()
    if uv:
        command = [uv, "venv", "--quiet", "--no-project", "--allow-existing", "--python", base, str(venv)]
    else:
        command = [base, "-m", "venv", str(venv)]
        if subprocess.run([base, "-c", "import venv, ensurepip"], capture_output=True).returncode != 0:
            version = _minor(platform.python_version())
            raise SetUpError(setup_failures.explain_missing_venv(base, version))
    venv.mkdir(exist_ok=True)
    write_state(venv, state)
    for path in venv.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != STATE_FILE:
            path.unlink()
    if subprocess.call(command) != 0:
        raise SetUpError(f"the environment could not be made by: {' '.join(command)}")


def _install(root: Path, name: str, *, first: bool) -> None:
    """Installs a lock. It is complete and has hashes, so nothing is resolved, and no source is built."""
    lock = Path("requirements", f"{name}.txt")
    venv = root / ".venv"
    log = venv / LOG_FILE
    log.unlink(missing_ok=True)
    uv = _uv()
    if uv:
        # Compiled here, by all cores, once; otherwise the first import of TensorFlow takes half a minute.
        command = [uv, "pip", "install", "--python", str(venv / PYTHON), "--compile-bytecode"]
    else:
        command = [
            str(venv / PYTHON),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--log",
            str(log),
        ]
        command += [] if sys.stdout.isatty() else ["--progress-bar=off"]
    command += ["--require-hashes", "--no-deps", "--only-binary=:all:", "-r", str(lock)]
    command += [] if sys.stdout.isatty() else ["--quiet"]
    size = f" (a download of {'3' if name == 'gpu' else '0.7'} GB, unless it is cached)" if first else ""
    print(f"set-up: installing {lock} with {'uv' if uv else 'pip'}{size}", flush=True)
    if subprocess.call(command, cwd=root) != 0:
        cause = setup_failures.explain_installation(
            log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        )
        hint = (
            "\nuv does not read pip's settings; to install with pip: make setup INSTALLER=pip" if uv else ""
        )
        raise SetUpError(f"{lock} could not be installed: {cause}{hint}")


def _verify(venv: Path, installed: Collection[str]) -> None:
    """Imports everything once in the environment, because wheels also need libraries of the system."""
    print("set-up: importing everything once", flush=True)
    modules = [name for lock in dict.fromkeys(["run", *installed]) for name in IMPORTS[lock]]
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.run(
        [venv / PYTHON, "-c", code, *modules],
        capture_output=True,
        text=True,
        errors="replace",
        env=environment,
    )
    if process.returncode < 0:
        raise SetUpError(
            f"Python was ended by signal {-process.returncode} while it imported the installed packages; "
            "TensorFlow's wheels need a processor with AVX"
        )
    if process.returncode != 0:
        last_line = (process.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise SetUpError(setup_failures.explain_import(last_line))
    if "gpu" in installed:
        code = "import tensorflow; print(len(tensorflow.config.list_physical_devices('GPU')))"
        process = subprocess.run([venv / PYTHON, "-c", code], capture_output=True, text=True, env=environment)
        count = process.stdout.strip() or "0"
        print(
            f"set-up: GPUs that TensorFlow sees: {count}"
            + (" (does `nvidia-smi` see one?)" if count == "0" else "")
        )


@contextlib.contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    """Where two terminals say `make` at once, the second waits."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    handle = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("set-up: another one is at work here; waiting for it", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="setup_environment.py", description="Makes the environment .venv.")
    parser.add_argument(
        "purpose", nargs="?", default="run", choices=("run", "dev"), help="dev: with the tests' tools"
    )
    parser.add_argument("--web", action="store_true", help="with what the page and export_model.py need")
    parser.add_argument("--gpu", action="store_true", help="with TensorFlow's CUDA libraries")
    parser.add_argument(
        "--chosen", action="store_true", help="this very Python, not an existing environment's"
    )
    parser.add_argument("--note", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    wanted = {options.purpose, *(["web"] if options.web else []), *(["gpu"] if options.gpu else [])}
    try:
        with _one_at_a_time(ROOT):
            set_up(ROOT, wanted, chosen=options.chosen, note=options.note)
    except SetUpError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("set-up: interrupted; the next run starts it anew", file=sys.stderr)
        return 130
    return 0
