"""How fast a folder of labelled pictures becomes TFRecords on this machine, and how much memory that takes.

    python -m benchmarks.conversion [--pictures 2000] [--dataset_dir D]

Every picture is decoded completely, as tf_convert_data.py always does. Without --dataset_dir the pictures are
drawn (512 x 512 JPEG), two hundred of them, and repeated. Processor time a picture hardly depends on who else
uses the machine; pictures a second does. Start of Python and TensorFlow is not counted, dataset.png neither.
"""

import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from terminal.command import command
from terminal.quiet import start_tensorflow

# ru_maxrss counts KiB on Linux and bytes on a Mac.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Options:
    """Measures conversion."""

    pictures: int = 2000
    """How many drawn pictures to convert; a quarter of them as well, for the growth of memory."""
    dataset_dir: Path | None = None
    """A folder to convert instead of drawn pictures."""


@dataclass(frozen=True)
class Measurement:
    """One conversion in a process of its own: seconds, and bytes at the peak."""

    pictures: int
    wall: float
    processor: float
    before: int
    peak: int


@command("python -m benchmarks.conversion")
def main(options: Options) -> None:
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sets = (
            [options.dataset_dir]
            if options.dataset_dir
            else draw_sets(folder, (options.pictures // 4, options.pictures))
        )
        for dataset_dir in sets:
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                found = pool.submit(measure, dataset_dir, folder / "records").result()
            more = (found.peak - found.before) / 1e6
            console.print(
                f"{found.pictures} pictures: {found.pictures / found.wall:.0f}/s, "
                f"{1000 * found.processor / found.pictures:.2f} ms of processor time each; "
                f"memory at its peak {found.peak / 1e6:.0f} MB, {more:.0f} MB more than before",
                highlight=False,
                soft_wrap=True,
            )


def measure(dataset_dir: Path, output_dir: Path) -> Measurement:
    """Converts a folder once."""
    start_tensorflow()
    from datasets.conversion import convert
    from datasets.options import ConversionOptions

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
    wall, processor = time.perf_counter(), time.process_time()
    result = convert(ConversionOptions(dataset_dir, output_dir))
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
    return Measurement(sum(map(len, result.sets.values())), wall, processor, before, peak)


def draw_sets(folder: Path, counts: Sequence[int]) -> list[Path]:
    """Sets of so many pictures: 200 drawn ones again and again, which differ in bytes after a JPEG's end."""
    from datasets.drawn.dataset import DrawnOptions, draw_dataset

    drawn = folder / "drawn"
    draw_dataset(DrawnOptions(drawn, pictures=min(200, max(counts))))
    sources = sorted((drawn / "JPEGImages").glob("*.jpg"))
    sets = []
    for count in counts:
        dataset_dir = folder / f"set of {count}"
        dataset_dir.mkdir()
        for number in range(count):
            source = sources[number % len(sources)]
            stem = f"{source.stem.rsplit('_', 1)[0]}_{number:06d}"
            (dataset_dir / f"{stem}.jpg").write_bytes(source.read_bytes() + b"%d" % number)
            shutil.copyfile(drawn / "Annotations" / f"{source.stem}.xml", dataset_dir / f"{stem}.xml")
        sets.append(dataset_dir)
    return sets


if __name__ == "__main__":
    sys.exit(main())
