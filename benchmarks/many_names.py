"""What many names cost: time and peak memory of detection and of a report, as ratios to those with 20 names.

    python -m benchmarks.many_names

Detection: ssd_300_lite with random weights, of whose names ten have a score at every anchor and the others
none, as of a trained detector. Report: 300 pictures with three objects, a tenth of them under another name.
Each figure is of a process of its own, seconds are what all its cores worked (whatever else
the machine does), and the second time counts: the first makes the graph, or loads fonts.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from terminal.command import command
from terminal.quiet import start_tensorflow

NAMES = (20, 90, 300, 1000)
PICTURES, OBJECTS, HEARD = 300, 3, 10


@dataclass(frozen=True)
class Options:
    """Measures on this machine.

    Attributes:
        batch_size: pictures that the detector sees at once.
        part: measure only this, in this process, and print it as JSON.
        names: how many there are then.
    """

    batch_size: int = 8
    part: str = ""
    names: int = 20


def detection(names: int, batch_size: int) -> Callable[[], object]:
    """What detects once."""
    from nets import get_network
    from nets.postprocess import DetectionModel

    network = get_network("ssd_300_lite")
    model = network.build(names + 1)
    share = np.array([0.75, *[0.02] * HEARD, *[0.05 / (names - HEARD) / 10] * (names - HEARD)])
    for layer in (layer for layer in model.layers if "conv_cls" in layer.name and layer.get_weights()):
        kernels = layer.get_weights()
        layer.set_weights([*kernels[:-1], np.resize(np.log(share), kernels[-1].shape)])
    detector, labels = DetectionModel(model, network), [str(number) for number in range(names)]
    images = np.random.default_rng(0).uniform(0, 255, (batch_size, 300, 300, 3)).astype(np.float32)
    return lambda: detector.look(images, labels)


def report(names: int, batch_size: int) -> Callable[[], object]:
    """What measures and writes a report once; `batch_size` does not matter."""
    from boxes.detections import Detections
    from engine.average_precision import GroundTruth, evaluate_detections
    from engine.evaluation import Evaluation, Timing
    from engine.measures.measure import measure
    from engine.reports.evaluation import write_reports
    from nets.thresholds import Thresholds

    rng, found, truths = np.random.default_rng(0), [], []
    known = [f"キャラクター{number:04d}" for number in range(names)]
    for picture in range(PICTURES):
        corner = rng.uniform(0, 0.7, (OBJECTS, 2))
        boxes = np.concatenate([corner, corner + 0.3], axis=1).astype(np.float32)
        marked = tuple(known[(OBJECTS * picture + i) % names] for i in range(OBJECTS))
        said = tuple(name if rng.random() < 0.9 else str(rng.choice(known)) for name in marked)
        truths.append(GroundTruth(boxes, marked))
        found.append(Detections(boxes, np.sort(rng.random(OBJECTS).astype(np.float32))[::-1], said))
    files, sizes = tuple(f"{number}.jpg" for number in range(PICTURES)), ((480, 640),) * PICTURES
    folder = Path(tempfile.mkdtemp())

    def write() -> None:
        result = evaluate_detections(found, truths, names=known)
        evaluation = Evaluation(files, sizes, tuple(truths), tuple(found), result, Timing(0, 0, 0))
        measured = measure(evaluation, Thresholds(0.3))
        write_reports(folder, measured, title="many", ran={}, gallery=[], strangers=[], notes=[])

    return write


PARTS = {"detection": detection, "report": report}


def measured_here(options: Options) -> dict[str, float]:
    """Seconds of work of the second time, and the process's peak of memory in GB."""
    start_tensorflow()
    act = PARTS[options.part](options.names, options.batch_size)
    act()
    start = time.process_time()
    act()
    seconds = time.process_time() - start
    return {"seconds": seconds, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


@command("python -m benchmarks.many_names")
def main(options: Options) -> None:
    """Measure and print."""
    if options.part:
        print(json.dumps(measured_here(options)))
        return
    console = Console()
    table = Table("part", "names", "seconds", "GB", "time, to 20 names", "memory", title="Many names")
    for part in PARTS:
        first: dict[str, float] = {}
        for names in NAMES:
            line = [sys.executable, "-m", "benchmarks.many_names", f"--part={part}", f"--names={names}"]
            done = subprocess.run(
                [*line, f"--batch_size={options.batch_size}"], stdout=subprocess.PIPE, check=True
            )
            one = json.loads(done.stdout.splitlines()[-1])
            first = first or one
            ratios = (f"{one[key] / first[key]:.1f} x" for key in ("seconds", "memory"))
            table.add_row(part, str(names), f"{one['seconds']:.2f}", f"{one['memory']:.2f}", *ratios)
            console.print(f"{part}, {names} names: {one['seconds']:.2f} s, {one['memory']:.2f} GB")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
