"""What people would pick instead, beside ours on this machine: torchvision, and the runtimes by themselves.

    python -m benchmarks.peers [--install_torch] [--rows lite vgg] [--output=runs/peers/peers.json]

lite, mobilenet_v2: from a JPEG file to names on TensorFlow, ONNX Runtime, OpenVINO and LiteRT, in float32 and
int8, and what each runtime's file says by itself. vgg: a picture to boxes, beside torchvision's ssd300_vgg16.
vgg_train: a training step, likewise. All of a row are measured in turns, so that ratios hold on a machine
that does other things, too; seconds need a quiet one. The floor is the network's arithmetic at the rate of a
float32 matrix product, for int8 as well.

`--avx2` computes as a CPU without AVX-512 would: TensorFlow, XLA, OpenVINO and PyTorch do, while ONNX Runtime
and LiteRT cannot be told and are left out. Needs `make setup EXPORT=1`; torchvision's lines need
`--install_torch` once.
"""

import logging
import os
import platform
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from benchmarks.clock import reason
from benchmarks.peers_torch_link import Torch, TorchMissing, install
from benchmarks.peers_turns import Pace, cells, floor, in_turns, times_as_fast, times_the_floor, verdicts
from files.writing import write_json
from terminal.bars import show_table
from terminal.command import command, note, say
from terminal.quiet import start_tensorflow

HEADINGS = ("", "ms", "spread", "floor, ms", "times the floor")
BUSY = 0.3  # load average from which on somebody else works
VERSIONS = ("tensorflow", "keras", "numpy", "onnxruntime", "openvino")
SIMD = ("avx", "avx2", "fma", "avx512", "avx_vnni", "amx")  # how their flags begin; Linux's names
# What keeps libraries from AVX-512: oneDNN (in TensorFlow, OpenVINO, PyTorch), PyTorch, its MKL, NumPy.
MASKS = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}
CPU_INFO = Path("/proc/cpuinfo")
XLA_MASK = "--xla_cpu_max_isa=AVX2"


@dataclass(frozen=True)
class Options:
    """Measures ours beside what people would pick instead."""

    #: what to measure, in this order.
    rows: tuple[Literal["lite", "mobilenet_v2", "vgg", "vgg_train"], ...] = (
        "lite",
        "mobilenet_v2",
        "vgg",
        "vgg_train",
    )
    quick: bool = False  #: a little of each, to see that it runs; figures mean nothing.
    rounds: int = 5  #: how often each is measured; the median counts.
    least_seconds: float = 0.3  #: that each is called for in a round, at least once.
    torch_env: Path = Path("runs/peers/torch")  #: environment with PyTorch and torchvision.
    #: make that environment where there is none: under Linux some 2.7 GB to download and 5.5 GB on disk.
    install_torch: bool = False
    avx2: bool = False  #: compute without AVX-512, as far as libraries can be told.
    output: Path | None = None  #: JSON file for what is found, written after every row.


@command("python -m benchmarks.peers", interrupted="what was measured is in --output, if that is given")
def main(options: Options) -> None:
    """Measure row after row; show each as soon as it is there."""
    if options.rounds < 1 or options.least_seconds < 0:
        raise ValueError("--rounds must be at least 1, and --least_seconds at least 0")
    console = Console(width=None if sys.stdout.isatty() else 120)
    load = os.getloadavg()[0]
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # this is about CPUs
    if options.avx2 and not masked().items() >= MASKS.items():  # libraries ask when they are loaded
        flags = f"{os.environ.get('XLA_FLAGS', '')} {XLA_MASK}".strip()
        again = [sys.executable, "-m", "benchmarks.peers", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, **MASKS, "XLA_FLAGS": flags})
    known: dict[str, Any] = {"machine": machine(load), "quick": options.quick, "rows": {}}
    say(console, "\n".join(f"{name}: {value}" for name, value in known["machine"].items()))
    if load > BUSY:
        note(console, f"load average {load:.1f}: something else is running; trust ratios, not milliseconds")
    why_not = ""
    if options.install_torch:
        try:
            install(options.torch_env, lambda text: say(console, text))
        except TorchMissing as error:
            why_not = str(error)
            note(console, why_not)
    start_tensorflow()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # that many graphs are made here is meant
    torch = Torch(options.torch_env.absolute(), why_not)
    try:
        measure(options, torch, console, known)
    finally:
        torch.close()


def measure(options: Options, torch: Torch, console: Console, known: dict[str, Any]) -> None:
    """Measure, show and write what the options ask for; a row that cannot be measured says why."""
    try:
        from benchmarks.peers_rows import CONTESTS, Setting
    except ModuleNotFoundError as error:
        raise ValueError(f"the package {error.name} is not installed; run: make setup EXPORT=1") from None

    with tempfile.TemporaryDirectory() as folder:
        for name in options.rows:
            setting = Setting(Path(folder), torch, has_avx512(), options.quick)
            try:
                row = contest_row(CONTESTS[name](setting), options, console)
            except Exception as error:  # of any library: the other rows go on
                row = {"said": reason(error)}
                say(console, f"{name}: {row['said']}")
            known["rows"][name] = row
            known["machine"].update({f"torch {key}": value for key, value in torch.device.items() if value})
            if options.output:
                options.output.parent.mkdir(parents=True, exist_ok=True)
                write_json(options.output, known)


def contest_row(contest: Any, options: Options, console: Console) -> dict[str, Any]:
    """Measure a `Contest` and show it; what is written of it."""

    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    pace = Pace(options.rounds, options.least_seconds)
    found = in_turns(contest.entrants, Pace(1, 0.0, warm_up=1) if options.quick else pace, tell)
    say(console, f"\n{contest.title}; {contest.operations / 1e9:.2f} GFLOP")
    lines = [cells(one, found, contest.operations, contest.base) for one in contest.entrants]
    show_table(console, (*HEADINGS, f"times as fast as {contest.base}"), lines)
    sentences = list(verdicts(found, contest.entrants, contest.targets))
    say(console, "\n".join(sentences))
    for one in contest.entrants:
        row = found[one.name]
        row["side"], row["precision"] = one.side, one.precision
        if one.side != "part":
            row["times_the_floor"] = times_the_floor(row, found, contest.operations)
            row["times_as_fast_as_base"] = times_as_fast(row, found[contest.base])
    facts = {"title": contest.title, "operations": contest.operations, "base": contest.base}
    return {**facts, "floor_seconds": floor(found, contest.operations), "found": found, "verdicts": sentences}


def machine(load: float) -> dict[str, Any]:
    """CPU, its SIMD flags, cores, versions, and what the environment forbids; Linux's /proc says most."""
    lines: dict[str, str] = {}
    if CPU_INFO.is_file():
        pairs = (line.partition(":") for line in CPU_INFO.read_text(encoding="utf-8").splitlines())
        lines = {key.strip(): value.strip() for key, _, value in pairs}
    flags = [flag for flag in lines.get("flags", "").split() if flag.startswith(SIMD)]
    found: dict[str, Any] = {"CPU": lines.get("model name") or platform.processor() or platform.machine()}
    found |= {"SIMD": " ".join(flags) or "not known", "cores": len(os.sched_getaffinity(0))}
    found["load average at the start"] = round(load, 2)
    if forbidden := masked():
        found["masked by"] = " ".join(f"{key}={value}" for key, value in forbidden.items())
    for package in VERSIONS:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def masked() -> dict[str, str]:
    """What the environment says of instructions."""
    return {key: os.environ[key] for key in (*MASKS, "XLA_FLAGS") if key in os.environ}


def has_avx512() -> bool:
    """Whether this is to be called a measurement with AVX-512: the CPU has it, and oneDNN may use it."""
    from engine.training.machine import cpu_has_avx512

    return cpu_has_avx512() and "AVX512" in os.environ.get("ONEDNN_MAX_CPU_ISA", "AVX512").upper()


if __name__ == "__main__":
    sys.exit(main())
