"""The set-up: what it decides, what it says, and `make setup` with a stand-in for the real packages."""

import ast
import ctypes
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import environment, setup_environment, setup_failures

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

ROOT = Path(__file__).resolve().parent.parent
HASHES = {"run": "r1", "dev": "d1", "gpu": "g1"}


def ready(**changes) -> environment.State:
    """The state of an environment that is complete, but for the changes."""
    values = {"location": "/here/.venv", "python": "3.12.1", "ours": True, "complete": True, "verified": True}
    return environment.State(**{**values, "installed": {"run": "r1"}, **changes})


def plan(state: environment.State | None, **changes) -> environment.Plan | None:
    values = {
        "found": "3.12.1",
        "wanted": {"run"},
        "hashes": HASHES,
        "location": "/here/.venv",
        "chosen": None,
    }
    return environment.plan_for(state, **{**values, **changes})


def test_a_complete_environment_needs_nothing() -> None:
    assert plan(ready()) is None
    assert plan(ready(), found="3.12.9") is None  # an update of the system's Python
    assert plan(ready(), chosen="3.12.9") is None
    assert plan(ready(installed={"dev": "d1"})) is None  # dev contains run
    assert plan(ready(installed={"run": "r1", "gpu": "g1"})) is None


@pytest.mark.parametrize(
    ("state", "changes", "reason"),
    [
        (None, {}, "there is none yet"),
        (ready(complete=False), {}, "interrupted or failed"),
        (ready(location="/there/.venv"), {}, "made as /there/.venv"),
        (ready(), {"found": None}, "Python 3.12.1 does not run"),
        (ready(), {"found": "3.13.0"}, "was 3.12.1 and is now 3.13.0"),
        (ready(), {"chosen": "3.10.2"}, "Python 3.10.2 is asked for"),
    ],
)
def test_what_cannot_be_repaired_is_made_anew(state, changes, reason) -> None:
    decided = plan(state, **changes)
    assert decided is not None
    assert decided.rebuild
    assert decided.install == ("run",)
    assert reason in decided.reason


@pytest.mark.parametrize(
    ("installed", "wanted", "install"),
    [
        ({"run": "r1"}, {"dev"}, ("dev",)),
        ({"run": "r1"}, {"run", "gpu"}, ("gpu",)),
        ({"run": "r1", "gpu": "g1"}, {"dev"}, ("dev",)),
        ({"run": "r0"}, {"run"}, ("run",)),
        ({"run": "r1", "dev": "d0", "gpu": "g1"}, {"run"}, ("dev",)),
    ],
)
def test_what_is_missing_or_has_changed_is_installed_over_the_rest(installed, wanted, install) -> None:
    decided = plan(ready(installed=installed), wanted=wanted)
    assert decided is not None
    assert not decided.rebuild
    assert decided.install == install


def test_an_environment_made_anew_gets_everything_it_had() -> None:
    decided = plan(ready(installed={"run": "r1", "dev": "d1", "gpu": "g1"}, complete=False))
    assert decided is not None
    assert decided.install == ("dev", "gpu")


def test_a_failed_import_is_tried_again_without_installing() -> None:
    decided = plan(ready(verified=False))
    assert decided is not None
    assert (decided.rebuild, decided.install) == (False, ())


@pytest.mark.parametrize("text", ["", "{", '{"python": "3.12.1"}', "[]"])
def test_a_broken_state_file_counts_as_interrupted(tmp_path: Path, text: str) -> None:
    (tmp_path / environment.STATE_FILE).write_text(text)
    state = environment.read_state(tmp_path)
    assert state is not None
    assert not state.complete


def test_missing_libraries_of_the_system_name_their_packages() -> None:
    assert setup_failures.explain_libraries(["libGL.so.1", "libgthread-2.0.so.0", "libglib-2.0.so.0"]) == (
        "the system lacks libGL.so.1, libgthread-2.0.so.0, libglib-2.0.so.0\n"
        "  Debian/Ubuntu: sudo apt-get install libgl1 libglib2.0-0\n"
        "  Fedora:        sudo dnf install libglvnd-glx glib2\n"
        "Then run this again."
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the loader of Linux")
@pytest.mark.parametrize("library", setup_failures.SYSTEM_LIBRARIES)
def test_the_loader_s_words_are_understood(library: str) -> None:
    with pytest.raises(OSError, match="cannot open shared object file") as error:
        ctypes.CDLL(library.replace(".so", "-that-is-not-there.so"))
    message = f"ImportError: {error.value}".replace("-that-is-not-there", "")
    assert setup_failures.explain_import(message) == setup_failures.explain_libraries([library])


def test_other_import_errors_are_told_as_they_are() -> None:
    unknown = setup_failures.explain_import(
        "ImportError: libodd.so.7: cannot open shared object file: No such …"
    )
    assert "the system lacks libodd.so.7" in unknown
    assert "apt-get" not in unknown
    assert "No module named 'cv2'" in setup_failures.explain_import(
        "ModuleNotFoundError: No module named 'cv2'"
    )


def test_a_missing_library_is_told_before_anything_is_made(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "requirements").mkdir()
    for name in environment.LOCKS:
        (tmp_path / "requirements" / f"{name}.txt").touch()
    monkeypatch.setitem(setup_failures.SYSTEM_LIBRARIES, "libodd.so.7", ("libodd7", "odd"))
    if sys.platform == "linux":
        assert environment.missing_libraries() == ["libodd.so.7"]
    monkeypatch.setattr(environment, "missing_libraries", lambda: ["libodd.so.7"])
    with pytest.raises(environment.SetUpError, match="sudo apt-get install libodd7"):
        environment.set_up(tmp_path, {"run"})
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        (
            "NewConnectionError('…: Failed to establish a new connection: [Errno 111] Connection refused')",
            "not reached",
        ),
        ("NewConnectionError(…)\nERROR: No matching distribution found for absl-py==2.5.1", "not reached"),
        ("ERROR: No matching distribution found for tensorflow==2.21.0", "glibc 2.27"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE",
            "not the one that was locked",
        ),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("something new", "the lines above say why"),
    ],
)
def test_a_failed_installation_is_explained(log: str, cause: str) -> None:
    assert cause in setup_failures.explain_installation(log)


def test_systems_without_wheels_are_refused() -> None:
    refusal = setup_failures.unsupported_system
    assert refusal("Linux", "x86_64", "glibc", gpu=True) is None
    assert refusal("Linux", "aarch64", "glibc", gpu=False) is None
    assert refusal("Darwin", "arm64", "", gpu=False) is None
    assert "Intel" in str(refusal("Darwin", "x86_64", "", gpu=False))
    assert "glibc" in str(refusal("Linux", "x86_64", "", gpu=False))
    assert "Linux only" in str(refusal("Darwin", "arm64", "", gpu=True))


def test_the_first_file_is_readable_by_old_pythons() -> None:
    tree = ast.parse(Path(setup_environment.__file__).read_text(encoding="utf-8"), feature_version=(3, 7))
    for node in ast.walk(tree):
        assert not isinstance(node, (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match)), ast.dump(node)
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None
            assert not any(argument.annotation for argument in node.args.args)


@pytest.mark.parametrize(("version", "age"), [((3, 9, 18), "old"), ((2, 7, 18), "old"), ((3, 14, 0), "new")])
def test_an_unsupported_python_says_so(version, age, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(setup_environment, "find_supported", lambda names: None)
    monkeypatch.chdir(ROOT)
    assert setup_environment.main(["run"]) == 1
    name = ".".join(map(str, version))
    assert f"Python {name} is too {age}; TensorFlow 2.21 supports 3.10 to 3.13" in capsys.readouterr().err


def test_an_unsupported_python_finds_a_supported_one_and_says_which(tmp_path, monkeypatch) -> None:
    other = tmp_path / "python3.12"
    other.write_text('#!/bin/sh\nif [ "$1" = -c ]; then echo 3 12 1; else echo "$@" > "$0.arguments"; fi\n')
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    found = setup_environment.find_supported(["python3.99", str(other)])
    assert found == (str(other), (3, 12, 1))
    monkeypatch.setattr(setup_environment, "find_supported", lambda names: found)
    monkeypatch.chdir(ROOT)
    assert setup_environment.main(["dev"]) == 0
    arguments = (tmp_path / "python3.12.arguments").read_text()
    assert (
        f"Python 3.9.18 is too old; TensorFlow 2.21 supports 3.10 to 3.13: taking {other} (3.12.1)"
        in arguments
    )
    assert arguments.endswith(" dev\n")


def locked(name: str) -> set[str]:
    """The lines of a lock that pin a version, with their conditions."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return {line.rstrip(" \\") for line in lines if re.match(r"\w", line)}


@pytest.mark.parametrize("name", environment.LOCKS)
def test_a_lock_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|^-", text, re.MULTILINE)
    blocks = re.findall(r"^\w.*(?:\n    --hash=sha256:[0-9a-f]{64}.*)*", text, re.MULTILINE)
    assert len(blocks) > 100
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_larger_locks_contain_the_first() -> None:
    assert locked("run") < locked("dev")
    assert locked("run") < locked("gpu")
    assert locked("run") < locked("web")
    # dev asks for more of web's packages on more machines, so conditions may differ.
    assert {line.split(" ;")[0] for line in locked("web")} < {line.split(" ;")[0] for line in locked("dev")}


def test_the_locks_fulfil_what_the_project_states() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for name, stated in (("run", []), *((name, extras[name]) for name in ("web", "dev", "gpu"))):
        pins = [Requirement(line) for line in locked(name)]
        for requirement in map(Requirement, project["dependencies"] + stated):
            found = [
                pin for pin in pins if canonicalize_name(pin.name) == canonicalize_name(requirement.name)
            ]
            assert found, f"requirements/{name}.txt lacks {requirement}: make lock"
            for pin in found:
                version = str(pin.specifier).removeprefix("==")
                assert requirement.specifier.contains(version), (
                    f"requirements/{name}.txt: {pin}, not {requirement}"
                )


def test_every_stated_package_is_imported_by_the_set_up() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    providers = packages_distributions()
    extras = project["optional-dependencies"]
    for lock, stated in (("run", project["dependencies"]), ("web", extras["web"]), ("dev", extras["dev"])):
        checked = {module.split(".")[0] for module in environment.IMPORTS[lock]}
        distributions = {canonicalize_name(name) for module in checked for name in providers[module]}
        programs = {"ruff", "basedpyright"}  # not imported, only run
        names = {canonicalize_name(Requirement(line).name) for line in stated}
        assert names - distributions - programs == set()


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose locks ask for one small package that stands in for everything to be imported."""
    root = tmp_path / "動漫 faces"
    shutil.copytree(ROOT / "tools", root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", root / "Makefile")
    (tmp_path / "wheels").mkdir()
    wheel = tmp_path / "wheels" / "stand_in-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for module in [*environment.IMPORTS["run"], *environment.IMPORTS["dev"]]:
            folder, _, name = module.rpartition(".")
            archive.writestr(f"{folder}/{name}.py" if folder else f"{name}/__init__.py", "")
        for name, text in (
            ("METADATA", "Metadata-Version: 2.1\nName: stand-in\nVersion: 1.0\n"),
            ("WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
            ("RECORD", ""),
        ):
            archive.writestr(f"stand_in-1.0.dist-info/{name}", text)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (root / "requirements").mkdir()
    for name in environment.LOCKS:
        (root / "requirements" / f"{name}.txt").write_text(f"stand-in==1.0 \\\n    --hash=sha256:{digest}\n")
    # A uv of four lines, because pip alone takes seconds to get into an environment.
    programs = tmp_path / "programs"
    programs.mkdir()
    uv = programs / "uv"
    uv.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> "{tmp_path}/uv_calls"\n'
        f'if [ -e "{tmp_path}/no_network" ] && [ "$1" = pip ]; then echo "no network" >&2; exit 3; fi\n'
        f'if [ "$1" = venv ]; then exec "{sys.executable}" -m venv --without-pip .venv; fi\n'
        f'exec .venv/bin/python -m zipfile --extract "{wheel}" .venv/lib/python*/site-packages\n'
    )
    uv.chmod(0o755)
    return root


def make(root: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs make with the stand-ins for uv and for the index, and without the settings of this machine."""
    foreign = ("PIP_", "UV_", "MAKE", "MFLAGS", "PYTHON", "INSTALLER", "GPU")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    settings = {
        "PATH": f"{root.parent / 'programs'}:{os.environ['PATH']}",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": (root.parent / "wheels").as_uri(),
    }
    return subprocess.run(
        ["make", *arguments],
        cwd=root,
        env={**kept, **settings, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


THIS_PYTHON = f"PYTHON={sys.executable}"


@needs_make
def test_a_second_run_installs_nothing(checkout: Path) -> None:
    first = make(checkout, "setup", THIS_PYTHON)
    assert first.returncode == 0, first.stderr
    assert "making .venv: there is none yet" in first.stdout
    calls = (checkout.parent / "uv_calls").read_text().splitlines()
    assert [call.split()[0] for call in calls] == ["venv", "pip"]
    assert {"--require-hashes", "--no-deps", "requirements/run.txt"} < set(calls[1].split())

    second = make(checkout, "setup")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    dev = make(checkout, "setup-dev")
    assert "completing .venv: requirements/dev.txt is wanted as well" in dev.stdout
    assert make(checkout, "setup").stdout == ""
    assert len((checkout.parent / "uv_calls").read_text().splitlines()) == 3


@needs_make
def test_a_library_that_the_system_lacks_is_named_until_it_is_there(checkout: Path) -> None:
    assert make(checkout, "setup", THIS_PYTHON).returncode == 0
    (module,) = (checkout / ".venv").glob("lib/python*/site-packages/cv2/__init__.py")
    state_file = checkout / ".venv" / "setup.json"
    state_file.write_text(state_file.read_text().replace('"verified": true', '"verified": false'))
    module.write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')\n"
    )
    lacking = make(checkout, "setup")
    assert lacking.returncode != 0
    assert "sudo apt-get install libgl1\n" in lacking.stderr
    assert "Traceback" not in lacking.stderr
    assert make(checkout, "setup").returncode != 0
    module.write_text("")
    cured = make(checkout, "setup")
    assert cured.returncode == 0, cured.stderr
    assert "installing" not in cured.stdout


@needs_make
def test_a_moved_checkout_gets_a_new_environment(checkout: Path) -> None:
    assert make(checkout, "setup-dev", THIS_PYTHON).returncode == 0
    moved = checkout.parent / "moved"
    checkout.rename(moved)
    again = make(moved, "setup", THIS_PYTHON)
    assert again.returncode == 0, again.stderr
    assert f"it was made as {checkout}/.venv and cannot be moved" in again.stdout
    state = json.loads((moved / ".venv" / "setup.json").read_text())
    assert state["location"] == f"{moved}/.venv"
    assert list(state["installed"]) == ["dev"]


@needs_make
def test_an_installation_that_failed_is_redone(checkout: Path) -> None:
    offline = checkout.parent / "no_network"
    offline.touch()
    failed = make(checkout, "setup", THIS_PYTHON)
    assert failed.returncode != 0
    assert "requirements/run.txt could not be installed" in failed.stderr
    assert "INSTALLER=pip" in failed.stderr
    offline.unlink()
    redone = make(checkout, "setup", THIS_PYTHON)
    assert redone.returncode == 0, redone.stderr
    assert "the last set-up was interrupted or failed" in redone.stdout


@pytest.mark.slow
@needs_make
def test_pip_does_it_too(checkout: Path) -> None:
    nowhere = {
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0",
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
        "PIP_NO_INDEX": "0",
    }
    failed = make(checkout, "setup", THIS_PYTHON, "INSTALLER=pip", **nowhere)
    assert failed.returncode != 0
    assert "requirements/run.txt could not be installed: the package index was not reached" in failed.stderr

    lock = checkout / "requirements" / "run.txt"
    right = lock.read_text()
    lock.write_text(re.sub(r"sha256:\w+", "sha256:" + "0" * 64, right))
    other_file = make(checkout, "setup", THIS_PYTHON, "INSTALLER=pip")
    assert other_file.returncode != 0
    assert "a downloaded file is not the one that was locked" in other_file.stderr

    lock.write_text(right)
    redone = make(checkout, "setup", THIS_PYTHON, "INSTALLER=pip")
    assert redone.returncode == 0, redone.stderr
    assert "with pip" in redone.stdout
    assert not (checkout.parent / "uv_calls").exists()


@needs_make
def test_an_environment_made_by_hand_is_completed_and_not_deleted(checkout: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=checkout, check=True)
    mine = checkout / ".venv" / "mine.txt"
    mine.touch()
    completed = make(checkout, "setup")
    assert completed.returncode == 0, completed.stderr
    assert "completing .venv" in completed.stdout
    moved = checkout.parent / "moved"
    checkout.rename(moved)
    refused = make(moved, "setup", THIS_PYTHON)
    assert refused.returncode != 0
    assert "was made by hand, and it was made as" in refused.stderr
    assert (moved / ".venv" / "mine.txt").exists()


@needs_make
def test_a_folder_that_is_no_environment_is_left_alone(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    mine = checkout / ".venv" / "mine.txt"
    mine.write_text("x")
    python = checkout.parent / "a place" / "python3"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    process = make(checkout, "setup", f"PYTHON={python}")
    assert process.returncode != 0
    assert "move it away or delete it" in process.stderr
    assert mine.read_text() == "x"


@needs_make
def test_a_python_that_does_not_run_is_told(checkout: Path) -> None:
    process = make(checkout, "setup", "PYTHON=python3.99")
    assert process.returncode != 0
    assert "PYTHON=python3.99 does not run" in process.stderr


@needs_make
def test_the_demo_runs_the_programs_by_their_contract(checkout: Path) -> None:
    commands = make(checkout, "--dry-run", "demo").stdout.replace("\\\n", " ")
    for program, flags in (
        ("-m datasets.drawn", ["--output_dir=runs/demo/drawn"]),
        (
            "tf_convert_data.py",
            ["--dataset_name=pascalvoc", "--dataset_dir=runs/demo/drawn", "--output_dir=runs/demo/records"],
        ),
        ("train_ssd_network.py", ["--train_dir=runs/demo/train", "--model_name=ssd_300_lite"]),
        (
            "eval_ssd_network.py",
            ["--checkpoint_path=runs/demo/train", "--eval_dir=runs/demo", "--dataset_split_name=test"],
        ),
        ("detect.py", ["--checkpoint_path=runs/demo/train", "--output_dir=runs/demo/detections"]),
    ):
        (line,) = [line for line in commands.splitlines() if f"{program} " in line]
        assert set(flags) <= set(line.split())


@needs_make
def test_help_lists_every_target(checkout: Path) -> None:
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert targets is not None
    told = make(checkout).stdout
    for target in set(targets[1].split()) - {"help", "setup-dev"}:
        assert f"make {target} " in told


def test_ci_is_an_executable_shell_script() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
