"""How fast frames are taken out of a video, as a multiple of real time.

    python -m benchmarks.frames [--video=episode.mkv]

Processor time hardly depends on who else uses the machine: 67 % on two cores are three times real time.
Without a video it draws one: 1080p H.264. A drawn film compresses well; a broadcast one has several times its
bits and decodes more slowly, so measure one of your own too. What the command takes to start does not count.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from datasets.drawn_video import FilmOptions, draw_video
from terminal.command import command
from video.selection import SparseVideo


@dataclass(frozen=True)
class BenchmarkOptions:
    """Measures tools.extract_frames."""

    video: Path | None = None
    """A video to measure on; one is drawn if there is none."""
    seconds: float = 60.0
    """Length of the drawn one."""


def _run(*arguments: str | Path) -> np.ndarray:
    """Starts the command: seconds on the clock and of the processor, float64 [2]."""
    started, before = time.perf_counter(), os.times()
    command = [sys.executable, "-m", "tools.extract_frames", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)
    now = os.times()
    worked = now.children_user + now.children_system - before.children_user - before.children_system
    return np.array([time.perf_counter() - started, worked])


@command("python -m benchmarks.frames")
def main(options: BenchmarkOptions) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        video = options.video
        if video is None:
            video = folder / "drawn.mp4"
            draw_video(FilmOptions(video, seconds=options.seconds, width=1920, height=1080))
        with SparseVideo(video) as opened:
            facts = opened.facts
        size = video.stat().st_size
        length = facts.seconds
        if not length:
            raise ValueError(f"--video {video}: it does not say how long it is; take another")
        table = Table("pictures", "kept", "seconds", "times real time", "processor time as part of real time")
        start = _run("--help")
        for name, flags in {
            "one a second": (),
            "one in ten seconds": ("--interval=10",),
            "one a scene": ("--at=scenes",),
            "one a second, 512 pixels": ("--max_side=512",),
            "every frame": ("--interval=0.01",),
        }.items():
            took, worked = _run(video, f"--output_dir={folder / name}", *flags) - start
            kept = len(list((folder / name).glob("*.jpg")))
            table.add_row(name, str(kept), f"{took:.1f}", f"{length / took:.1f}", f"{worked / length:.0%}")
        console = Console()
        console.print(
            f"{facts.width} x {facts.height}, {length:.0f} s, {float(facts.rate):.3g} frames a second, "
            f"{8e-6 * size / length:.1f} Mbit/s"
        )
        console.print(table)


if __name__ == "__main__":
    sys.exit(main())
