"""How fast the demo set is drawn on this machine.

    python -m benchmarks.drawing [--pictures 400]

Two figures: pictures a second of the whole command, files and start of the processes included, and the
milliseconds of one core that composing a scene and painting it take. The second hardly depends on who else
uses the machine, because it counts processor time.
"""

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from datasets.drawn.dataset import DrawnOptions, draw_dataset
from datasets.drawn.scene import compose_scene, make_episode, paint_scene
from terminal.command import command


@dataclass(frozen=True)
class Options:
    """Measures how fast the demo set is drawn."""

    pictures: int = 400
    """How many pictures to draw with all cores, and as many again with one."""
    workers: int = 0
    """Processes to draw with; 0 for one per core."""


@command("python -m benchmarks.drawing")
def main(options: Options) -> None:
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        draw_dataset(DrawnOptions(Path(folder) / "set", pictures=options.pictures, workers=options.workers))
        seconds = time.perf_counter() - started
    console.print(f"{options.pictures / seconds:.0f} pictures/s, everything included ({seconds:.1f} s)")

    episodes = [make_episode(0, number) for number in range(1, 17)]
    compose = paint = size = 0.0
    for index in range(options.pictures):
        start = time.process_time()
        scene, source = compose_scene(0, episodes[index * 16 // options.pictures], index)
        middle = time.process_time()
        size += len(paint_scene(scene, source))
        compose, paint = compose + middle - start, paint + time.process_time() - middle
    each = options.pictures / 1000
    console.print(
        f"one core: {compose / each:.1f} ms to compose and {paint / each:.1f} ms to paint a picture of "
        f"{size / each / 1e6:.0f} kB"
    )


if __name__ == "__main__":
    sys.exit(main())
