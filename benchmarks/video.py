"""How fast a video is gone through on this machine, and where the time goes.

    python -m benchmarks.video [--checkpoint_path checkpoints/drawn_lite] [--video FILE]

Real time means at least as many frames a second as the video has. Each part is also measured alone, in
milliseconds of processor time a frame, which hardly depends on who else uses the machine: on two cores, 25
frames a second leave 80 of them.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from datasets.drawn_video import FilmOptions, draw_video
from terminal.command import command
from terminal.quiet import start_tensorflow
from video.reader import Frame, VideoReader


@dataclass(frozen=True)
class Options:
    """Measures detect.py on a video."""

    checkpoint_path: Path = Path("checkpoints/drawn_lite")
    """Checkpoint folder."""
    video: Path | None = None
    """The video; without one, a film of the demo set with 720p is drawn."""
    seconds: float = 20.0
    """How long the drawn film is."""
    batch_size: int = 8
    """Frames that the network sees at once."""


@command("python -m benchmarks.video")
def main(options: Options) -> None:
    start_tensorflow()
    from nets.detector import Detector
    from video.detection import VideoOptions, detect_in_video

    console = Console()
    detector = Detector.load(options.checkpoint_path)
    with tempfile.TemporaryDirectory() as folder:
        video = options.video
        if video is None:
            video = Path(folder) / "film.mp4"
            draw_video(FilmOptions(video, seconds=options.seconds))
        detector.detect_batch([frame.image for frame in _some(video, options.batch_size)])  # builds the graph

        started, used = time.perf_counter(), time.process_time()
        with VideoReader(video) as reader:
            facts = reader.facts
            done = detect_in_video(
                reader,
                video.name,
                Path(folder) / "annotated.mp4",
                detector,
                VideoOptions(batch_size=options.batch_size),
            )
        frames = len(done.entries)
        wall, cpu = time.perf_counter() - started, time.process_time() - used
        console.print(
            f"{facts.width} x {facts.height}, {float(facts.rate):g} frames a second: {frames} frames in "
            f"{wall:.1f} s = {frames / wall:.1f} a second, {frames / wall / float(facts.rate):.2f} of real "
            f"time, {1000 * cpu / frames:.1f} ms of processor time a frame"
        )
        console.print(_parts(video, detector, options, Path(folder)))


def _some(video: Path, count: int) -> list[Frame]:
    with VideoReader(video) as reader:
        return [frame for frame, _ in zip(reader.frames(), range(count), strict=False)]


def _parts(video: Path, detector, options: Options, folder: Path) -> Table:
    """Processor time of each part alone."""
    from video.reader import CutFinder
    from video.tracking import Tracker
    from video.writer import VideoWriter
    from visualization.drawing import draw_detections

    table = Table("part", "ms a frame")
    frames: list[Frame] = []

    def measure(part: str, work: Callable[[], object]) -> None:
        started = time.process_time()
        work()
        table.add_row(part, f"{1000 * (time.process_time() - started) / len(frames):.1f}")

    with VideoReader(video) as reader:
        facts = reader.facts
        stream = reader.frames()
        started = time.process_time()
        frames += [frame for frame, _ in zip(stream, range(16 * options.batch_size), strict=False)]
        table.add_row("decoding", f"{1000 * (time.process_time() - started) / len(frames):.1f}")
    cuts, tracker, found = CutFinder(), Tracker(float(facts.rate)), []
    measure("cuts", lambda: [cuts.is_cut(frame.image) for frame in frames])
    starts = range(0, len(frames), options.batch_size)
    measure(
        "network",
        lambda: [
            found.extend(detector.detect_batch([f.image for f in frames[i : i + options.batch_size]]))
            for i in starts
        ],
    )
    measure("steady names", lambda: [list(tracker.push(one)) for one in found])
    measure("drawing", lambda: [draw_detections(f.image, one) for f, one in zip(frames, found, strict=True)])
    writer = VideoWriter(folder / "alone.mp4", replace(facts, sound=None))
    measure("encoding", lambda: [[writer.write(frame) for frame in frames], writer.finish()])
    return table


if __name__ == "__main__":
    sys.exit(main())
