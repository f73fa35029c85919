"""The floors of the tree: who may import whom, and that an import is only an import."""

import ast
from pathlib import Path

import pytest

from tests.conftest import python, tables

ROOT = Path(__file__).resolve().parent.parent
FLOORS: dict[str, int] = tables(__file__, "floors")["floors"]
TOP_FLOOR = 11  # the scripts
SKIPPED = {"tests", "notebooks", "runs", "checkpoints"}

MODULES = sorted(
    path.relative_to(ROOT)
    for path in ROOT.rglob("*.py")
    if not SKIPPED.intersection(path.relative_to(ROOT).parts[:1])
    and not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
NAMES = {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES}


def place(module: str) -> str:
    """The longest entry of FLOORS that a module lies in, or the module's own name."""
    parts = module.split(".")
    names = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return next((name for name in names if name in FLOORS), parts[0])


def imported(tree: ast.AST) -> set[str]:
    """Names of the modules that are imported anywhere below a node, inside functions too."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            modules = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {module for module in modules if module in NAMES}
            names |= set() if modules <= set(NAMES) else {node.module}
    return names


@pytest.mark.parametrize("name", NAMES)
def test_a_module_imports_its_own_place_and_lower_floors(name: str) -> None:
    modules = imported(ast.parse((ROOT / NAMES[name]).read_text(encoding="utf-8")))
    own = place(name)
    floor = FLOORS.get(own, TOP_FLOOR)
    wrong = {
        module
        for module in modules & set(NAMES)
        if place(module) != own and FLOORS.get(place(module), TOP_FLOOR) >= floor
    }
    assert not wrong, f"{name} (floor {floor}) imports {sorted(wrong)}, which is not below it"
    roots = {module.split(".")[0] for module in modules}
    if name != "datasets.voc":
        assert "lxml" not in roots, (
            f"{name}: only datasets/voc.py reads XML, with its limits on what XML may do"
        )
    if not name.startswith("web"):
        assert not roots & {"fastapi", "starlette", "uvicorn"}, f"{name}: only web/ serves pages"


@pytest.mark.parametrize("path", [path for path in MODULES if path.parts[0] in ("boxes", "nets")], ids=str)
def test_networks_and_box_maths_run_on_any_backend(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    statements = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    at_import = {name.split(".")[0] for name in imported(ast.Module(list(statements), []))}
    assert not at_import & {"tensorflow", "jax", "tf_slim"}, (
        f"{path}: use keras.ops, or import it where it is used"
    )


IMPORT_ALL = """
import importlib, os, sys, tempfile

# The libraries first: what they write into their own caches is theirs.
import cv2, jax, keras, matplotlib.font_manager, matplotlib.pyplot, skia, tensorflow, tf_slim
tempfile.gettempdir()

def watch(event, arguments):
    if event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        written.append(str(arguments[0]))
    elif event in ("os.mkdir", "os.rename", "socket.connect"):
        written.append(f"{event} {arguments[0]}")

written = []
sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
    assert not written, f"importing {name} writes: {written}"
    # Setting this is an error once TensorFlow has opened its devices.
    tensorflow.config.threading.set_inter_op_parallelism_threads(2)
    assert not jax._src.xla_bridge.backends_are_initialized(), f"importing {name} opens a device"
"""


@pytest.mark.slow
def test_importing_any_module_opens_no_device_and_writes_no_file(tmp_path: Path) -> None:
    # keras.ops at import would open JAX's devices; tf.* would open TensorFlow's
    settings = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "KERAS_BACKEND": "jax"}
    ours = [name for name in NAMES if not name.endswith("_torch")]  # of benchmarks, for another environment
    process = python("-c", IMPORT_ALL, *ours, cwd=tmp_path, **settings)
    assert process.returncode == 0, process.stderr
    assert process.stdout == ""
    assert list(tmp_path.iterdir()) == []
