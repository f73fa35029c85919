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
from tools.inbox import Accept, List, Open, Reject
from web.options import WebOptions

COMMANDS = {"list": List, "open": Open, "accept": Accept, "reject": Reject}
FLAGS = {"web": WebOptions, "export_model.py": export_model.Options, "train_ssd_network.py": TrainingOptions}


def assert_told(options, flags, capsys):
    with pytest.raises(SystemExit) as ended:
        tyro.cli(options, args=["--help"], use_underscores=True)
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert [flag for flag in flags if flag not in told] == []


def test_the_flags_and_the_commands_of_the_inbox_exist(capsys):
    checked = 0
    for words in map(shlex.split, commands("docs/web.md")):
        program = next((word for word in words if word in FLAGS), None)
        if program is not None:
            after = words[words.index(program) :]
            flags = [word.partition("=")[0] for word in after if word.startswith("--")]
            assert_told(FLAGS[program], flags, capsys)
            checked += len(flags)
    assert checked >= 6
    used = re.findall(r"(?:tools\.inbox|--rm inbox) (\w+)([^\n`]*)", "\n".join(commands("docs/web.md")))
    assert {name for name, _ in used} <= set(COMMANDS)
    for name, rest in used:
        assert_told(COMMANDS[name], re.findall(r"--\w+", rest), capsys)


def test_the_services_and_variables_of_the_compose_file_exist():
    text = (ROOT / "tools" / "containers" / "compose.yaml").read_text(encoding="utf-8")
    services = yaml.safe_load(text)["services"]
    for service in re.findall(r"docker compose run --rm (\w+)", "\n".join(commands("docs/web.md"))):
        assert service in services
    page = (ROOT / "docs" / "web.md").read_text(encoding="utf-8")
    variables = set(re.findall(r"\$\{(\w+)", text))
    assert variables <= set(re.findall(r"[A-Z_]{4,}", page))
