"""The commands of docs/web.md exist, and so do their flags, services and variables."""

import re
import shlex

import pytest
import tyro
import yaml

import export_model
from engine.training.options import TrainingOptions
from tests.conftest import ROOT
from tests.test_readme import commands
from tools.inbox import COMMANDS
from web.options import WebOptions

FLAGS = {"web": WebOptions, "export_model.py": export_model.Options, "train_ssd_network.py": TrainingOptions}


def help_of(options):
    with pytest.raises(SystemExit) as ended:
        tyro.cli(options, args=["--help"], use_underscores=True)
    assert ended.value.code == 0


def test_the_flags_exist(capsys):
    lines = [shlex.split(command) for command in commands("docs/web.md")]
    checked = 0
    for words in lines:
        program = next((word for word in words if word in FLAGS), None)
        if program is None:
            continue
        after = words[words.index(program) :]
        flags = [word.partition("=")[0] for word in after if word.startswith("--")]
        if flags:
            help_of(FLAGS[program])
            told = capsys.readouterr().out
            for flag in flags:
                assert flag in told, f"{program} {flag}"
                checked += 1
    assert checked >= 6


def test_the_commands_of_the_inbox_exist(capsys):
    used = re.findall(r"(?:tools\.inbox|--rm inbox) (\w+)([^\n`]*)", "\n".join(commands("docs/web.md")))
    assert {name for name, _ in used} <= set(COMMANDS)
    for name, rest in used:
        help_of(COMMANDS[name])
        told = capsys.readouterr().out
        for flag in re.findall(r"--\w+", rest):
            assert flag in told, f"{name} {flag}"


def test_the_services_and_variables_of_the_compose_file_exist():
    text = (ROOT / "tools" / "containers" / "compose.yaml").read_text(encoding="utf-8")
    services = yaml.safe_load(text)["services"]
    for service in re.findall(r"docker compose run --rm (\w+)", "\n".join(commands("docs/web.md"))):
        assert service in services
    page = (ROOT / "docs" / "web.md").read_text(encoding="utf-8")
    variables = set(re.findall(r"\$\{(\w+)", text))
    assert variables <= set(re.findall(r"[A-Z_]{4,}", page))
