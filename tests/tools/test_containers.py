"""The images and the compose file: what they promise, and that they copy and install what is needed."""

import ast
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from engine.training.options import RECIPES
from tests.conftest import ROOT
from tests.test_floors import NAMES, imported
from tests.test_setup import locked
from web.browser_runtime import VERSION

FOLDER = ROOT / "tools" / "containers"
DOCKERFILES = [FOLDER / "web.Dockerfile", FOLDER / "train.Dockerfile"]
USER = 10001
# Another build of the same code is in the page's image.
OTHERS = {"tensorflow-cpu": "tensorflow", "opencv-python-headless": "opencv-python"}

each_dockerfile = pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)


def instructions(dockerfile):
    """Every instruction with its text on one line, without comments."""
    lines = dockerfile.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    for line in filter(None, map(str.strip, re.sub(r"\\\n\s*", "", text).splitlines())):
        name, _, rest = line.partition(" ")
        yield name.upper(), rest.strip()


def copied(dockerfile):
    """What goes from the checkout into an image."""
    texts = [text for name, text in instructions(dockerfile) if name == "COPY" and "--from" not in text]
    return {text.split()[0] for text in texts}


def reached(*starts):
    """Modules that programs import: ours, and the names of others.

    What only a function imports counts in the page and in commands; below, it is for other programs.
    """
    ours, others, waiting = set(), set(), list(starts)
    while waiting:
        name = waiting.pop()
        if name not in NAMES:
            others.add(name.partition(".")[0])
        elif name not in ours:
            ours.add(name)
            tree = ast.parse((ROOT / NAMES[name]).read_text(encoding="utf-8"))
            if name.partition(".")[0] not in ("web", "tools"):
                tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
            waiting += imported(tree)
    return ours, others - sys.stdlib_module_names


@each_dockerfile
def test_images_are_pinned_and_run_as_nobody_special(dockerfile):
    steps = list(instructions(dockerfile))
    bases = [text for name, text in steps if name == "FROM"]
    assert all(re.fullmatch(r"\w+:\d+(\.\d+)?[\w.-]+( AS \w+)?", text) for text in bases), bases
    assert "ADD" not in dict(steps), "COPY fetches nothing"
    assert [text for name, text in steps if name == "USER"] == [f"{USER}:{USER}"]
    last = max(number for number, (name, _) in enumerate(steps) if name == "FROM")
    tools = r"\b(pip|npm|gcc|build-essential|git)\b"
    assert not [step for step in steps[last:] if re.search(tools, step[1])], "in the last stage"


@each_dockerfile
def test_what_is_copied_exists_and_is_sent(dockerfile):
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for source in copied(dockerfile):
        assert list(ROOT.glob(source)), source
        assert {f"!{source}", f"!{source.partition('/')[0]}"} & set(sent) or source == "checkpoints", source
    others = (RECIPES["small_cpu"]["without_weights"], RECIPES["small_cpu"]["without_labels"])
    shipped = {f"!checkpoints/{one['checkpoint_path']}" for one in others if one}
    assert shipped <= set(sent)
    # And nothing of this machine.
    rules = [line for line in sent if line[:1] not in ("#", "")]
    assert rules[0] == "*"
    assert rules[-3:] == ["tools/containers", "web/runtime", "**/__pycache__"]
    assert all(list(ROOT.glob(rule[1:])) for rule in rules if rule.startswith("!"))


def test_what_is_imported_is_copied():
    page = reached("web.__main__", "web.browser_runtime", "tools.inbox")[0]
    everything = {name for name in NAMES if name.partition(".")[0] not in ("web", "benchmarks")}
    for dockerfile, modules in zip(DOCKERFILES, (page, everything), strict=True):
        tops = {name.partition(".")[0] for name in modules}
        assert {top for top in tops if (ROOT / top).is_dir()} <= copied(dockerfile), dockerfile


def test_what_the_page_imports_is_installed_with_the_versions_that_are_tested():
    tested = {(pin.name, pin.specifier) for pin in locked("web")}
    installed = set()
    for pin in locked("serve"):
        installed.add(name := OTHERS.get(pin.name, pin.name))
        assert (name, pin.specifier) in tested
    assert "tf2onnx" in installed  # Keras imports it
    brought = packages_distributions()
    for module in reached("web.__main__", "tools.inbox")[1]:
        names = {re.sub(r"[-_.]+", "-", name).lower() for name in brought[module]}
        assert names & installed, f"{module}: none of {names} is in requirements/serve.txt"


def test_the_browser_runtime_is_the_one_that_the_page_expects():
    (argument,) = [text for name, text in instructions(DOCKERFILES[0]) if name == "ARG"]
    assert argument == f"ONNXRUNTIME_WEB={VERSION}"


def test_the_compose_file_is_hardened_has_no_secret_and_names_what_exists():
    compose = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
    for name, service in compose["services"].items():
        hardened = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
        assert hardened.items() <= service.items(), name
        assert "/tmp" in service["tmpfs"], name
        assert "privileged" not in service, name
        assert (FOLDER / service["build"]["context"]).resolve() == ROOT
        assert (ROOT / service["build"]["dockerfile"]).is_file(), name
        for volume in service["volumes"]:
            origin = volume.split(":")[0]
            assert origin in compose["volumes"] or origin.startswith("${DATASETS"), volume
    web = compose["services"]["web"]
    assert web["ports"] == ["${ADDRESS:-127.0.0.1}:${PORT:-8000}:8000"]
    assert [name for name, service in compose["services"].items() if "ports" in service] == ["web"]
    token = web["environment"]["ANIME_SSD_TOKEN"]
    assert token.startswith("${ANIME_SSD_TOKEN:?"), "must be given, and has no default"


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="no hadolint on this machine")
@each_dockerfile
def test_hadolint_has_nothing_to_say(dockerfile: Path):
    said = subprocess.run(["hadolint", dockerfile], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")
