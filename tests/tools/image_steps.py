"""Builds a Dockerfile's stages in plain folders, without a container engine: COPY is copied, RUN is run.

Every stage is a folder that becomes the root of the processes in it (unshare and chroot of util-linux and
coreutils). The programs and libraries of this machine, read-only, stand in for the base image; what the
Dockerfile makes (/app, /opt/venv, ...) is only what the Dockerfile put there.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Of this machine, read-only in every stage.
SYSTEM = ("bin", "dev", "etc", "lib", "lib32", "lib64", "proc", "sbin", "sys", "usr")
# How this machine reaches its package indexes.
NETWORK = re.compile(r"(?i)(pip_|npm_config_|ssl_cert|node_extra_ca|.*_proxy$)")
USER = 10001


def can_isolate() -> bool:
    """Whether this machine lets us make such roots."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return subprocess.run([*_ISOLATED, "mount -t tmpfs none /mnt"], check=False).returncode == 0


_ISOLATED = ["unshare", "--mount", "sh", "-euc"]


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Every instruction with its text on one line; comments and empty lines are gone."""
    lines = dockerfile.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    found = []
    for line in filter(None, map(str.strip, re.sub(r"\\\n\s*", "", text).splitlines())):
        name, _, rest = line.partition(" ")
        found.append((name.upper(), rest.strip()))
    return found


def context(root: Path) -> list[Path]:
    """The files under a folder that .dockerignore lets through, relative to it."""
    lines = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]

    def sent(path: Path) -> bool:
        parts = [Path(*path.parts[: n + 1]) for n in range(len(path.parts))]
        allowed = True
        for rule in rules:  # the last one that matches counts
            pattern = rule.lstrip("!")
            if pattern.startswith("**/"):
                matches = any(fnmatch.fnmatchcase(part.name, pattern[3:]) for part in parts)
            else:  # a * does not reach into folders
                depth = pattern.count("/")
                matches = len(parts) > depth and fnmatch.fnmatchcase(parts[depth].as_posix(), pattern)
            if matches:
                allowed = rule.startswith("!")
        return allowed

    tops = {rule.lstrip("!").split("/")[0] for rule in rules if rule.startswith("!")}
    found = []
    for top in sorted(root.iterdir()):
        if any(fnmatch.fnmatchcase(top.name, pattern) for pattern in tops):
            files = [top] if top.is_file() else [path for path in top.rglob("*") if path.is_file()]
            found += [path.relative_to(root) for path in files if sent(path.relative_to(root))]
    return found


@dataclass
class Stage:
    """A stage while it is built, and what the image says about running it."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def at(self, path: str) -> Path:
        """A path of the stage as a path of this machine."""
        return self.root / os.path.normpath(f"{self.folder}/{path}" if path[0] != "/" else path).lstrip("/")


class Build:
    """A Dockerfile's stages as folders under a folder."""

    def __init__(
        self, source: Path, dockerfile: Path, work: Path, *, instead: Mapping[str, str] | None = None
    ):
        """Build everything.

        Args:
            source: the checkout.
            dockerfile: to be built.
            work: where the stages' folders go.
            instead: beginning of a RUN step -> what is run in its place, because this machine differs from
                the base image.
        """
        self._source, self._work = source, work
        self._instead = dict(instead or {})
        self._files = context(source)
        self.images: list[str] = []
        self.stages: dict[str, Stage] = {}
        stage: Stage | None = None
        arguments: dict[str, str] = {}
        for name, text in instructions(dockerfile):
            if name == "FROM":
                image, _, alias = text.partition(" AS ")
                self.images.append(image)
                stage = self.stages[alias or "last"] = self._new_stage(alias or "last")
                arguments = {}
                continue
            assert stage is not None, f"{name} before FROM"
            for key, value in arguments.items():
                text = text.replace(f"${{{key}}}", value)
            if name == "ARG":
                key, _, value = text.partition("=")
                arguments[key] = value
            elif name == "COPY":
                self._copy(stage, shlex.split(text))
            elif name == "RUN":
                self._run(stage, text)
            else:
                _describe(stage, name, text)

    @property
    def last(self) -> Stage:
        return self.stages["last"]

    def _new_stage(self, name: str) -> Stage:
        root = self._work / name
        python = Path(sys.base_prefix)
        for folder in (*SYSTEM, "tmp", "root", "stand-in", str(python).lstrip("/")):
            (root / folder).mkdir(parents=True, exist_ok=True)
        # `python` and `pip` of the base image.
        for program, words in (("python", ""), ("pip", "-m pip ")):
            script = root / "stand-in" / program
            script.write_text(f'#!/bin/sh\nexec {sys.base_prefix}/bin/python3 {words}"$@"\n')
            script.chmod(0o755)
        return Stage(root, {"PATH": "/stand-in:/usr/local/bin:/usr/bin:/bin"})

    def _copy(self, stage: Stage, words: list[str]) -> None:
        if words[0].startswith("--from="):
            origin = self.stages[words[0].removeprefix("--from=")]
            source, target = words[1:]
            shutil.copytree(origin.at(source), stage.at(target), symlinks=True, dirs_exist_ok=True)
            return
        *sources, target = words
        copied = 0
        for source, file in ((source, file) for source in sources for file in self._files):
            if target in (".", "./") and fnmatch.fnmatchcase(file.as_posix(), source):
                place = stage.at(file.name)
            elif file.is_relative_to(source):
                place = stage.at(target) / file.relative_to(source)
            else:
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self._source / file, place)
            copied += 1
        assert copied, f"COPY {' '.join(words)}: nothing of it is in the context"

    def _run(self, stage: Stage, text: str) -> None:
        for beginning, other in self._instead.items():
            if text.startswith(beginning):
                text = other
        outside = {key: value for key, value in os.environ.items() if NETWORK.match(key)}
        self.run(stage, ["sh", "-euc", text], environment={**outside, "HOME": "/root"})

    def run(self, stage: Stage, command: Sequence[str], **options: Any) -> str:
        """Run a command in a stage to its end, as `process` starts it; what it wrote."""
        process = self.process(stage, command, **options)
        output, _ = process.communicate(timeout=1200)
        assert process.returncode == 0, f"{' '.join(command)}\n{output}"
        return output

    def process(
        self,
        stage: Stage,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        read_only: bool = False,
        volumes: Mapping[str, Path] | None = None,
        empty: Sequence[str] = (),
    ) -> subprocess.Popen[str]:
        """Start a command in a stage; its output can be read from `stdout`.

        Args:
            stage: in which.
            command: words.
            environment: beside the stage's own.
            read_only: nothing can be written but `volumes` and `empty`, and the user is the stage's.
            volumes: path in the stage -> folder of this machine.
            empty: folders in memory.
        """
        root = shlex.quote(str(stage.root))
        lines = ["mount --make-rprivate /", f"mount --bind {root} {root}"]
        if read_only:
            lines.append(f"mount -o remount,bind,ro {root}")
        for name in (*filter(lambda name: Path("/", name).is_dir(), SYSTEM), sys.base_prefix.lstrip("/")):
            lines.append(f"mount --rbind /{name} {root}/{name}")
            if name not in ("dev", "proc", "sys"):
                lines.append(f"mount -o remount,bind,ro {root}/{name}")
        for place, folder in (volumes or {}).items():
            lines.append(f"mount --bind {shlex.quote(str(folder))} {root}{place}")
        lines += [f"mount -t tmpfs none {root}{place}" for place in empty]
        words = ["env", "--ignore-environment", f"--chdir={stage.folder}"]
        words += [f"{key}={value}" for key, value in {**stage.environment, **(environment or {})}.items()]
        if read_only:
            words += ["setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
            words += [f"--reuid={stage.user.partition(':')[0]}", f"--regid={USER}", "--clear-groups"]
        lines.append(shlex.join(["exec", "chroot", str(stage.root), *words, *command]))
        return subprocess.Popen(
            [*_ISOLATED, "\n".join(lines)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


def _describe(stage: Stage, name: str, text: str) -> None:
    """What an instruction says about running the image."""
    if name == "WORKDIR":
        stage.folder = text
        stage.at(".").mkdir(parents=True, exist_ok=True)
    elif name == "ENV":
        stage.environment |= dict(word.split("=", 1) for word in shlex.split(text))
    elif name == "USER":
        stage.user = text
    elif name == "ENTRYPOINT":
        stage.entrypoint = json.loads(text)
    elif name == "CMD":
        stage.command = json.loads(text)
    elif name == "HEALTHCHECK":
        stage.health = json.loads(text.partition("CMD ")[2])
    else:
        assert name == "EXPOSE", f"{name}: an unknown instruction"
