"""Work on many pictures at once: in as many threads as the machine lends cores, or on a cluster."""

import importlib
import itertools
import os
import pickle
import shlex
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from files.writing import write_bytes

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """How many this process may use: a container or taskset may lend fewer than os.cpu_count() says."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int = 0, ahead: int = 0
) -> Generator[Result, None, None]:
    """`map` over threads, in order, with few results waiting: memory does not grow with `items`.

    Args:
        function: releases the interpreter lock where it works (decoding, reading files).
        items: taken only as fast as results are.
        workers: threads; 0 means one per core.
        ahead: results that may wait; 0 means four per thread.
    """
    count = workers or cores()
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(count, thread_name_prefix="pictures") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= (ahead or 4 * count):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def map_with_beam(
    function: Callable[[Item], Result], items: Iterable[Item], *, runner: str, folder: Path, at_once: int = 64
) -> Generator[Result, None, None]:
    """`map_in_threads` as an Apache Beam pipeline: the same results in the same order, from any runner.

    Args:
        function: of a module that workers can import, as its arguments; called again where a worker is lost.
        runner: its name, and Beam's own flags behind it: "FlinkRunner --flink_master=host:8081".
        folder: workers write results into a folder in it, so all of them see it under this path.
        at_once: items that are handed out together.

    Raises:
        ValueError: Beam is not installed, does not know the runner, or the pipeline failed.
    """
    try:
        options = importlib.import_module("apache_beam.options.pipeline_options").PipelineOptions
        beam: Any = importlib.import_module("apache_beam")
    except ImportError:
        cure = "`make setup BEAM=1` makes an environment that has it; start .beam-venv/bin/python there"
        raise ValueError(f"--runner {runner}: Apache Beam is not installed here; {cure}") from None
    name, *flags = shlex.split(runner) or [""]
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".beam_*"):  # by a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".beam_", dir=folder) as place:
        remaining, parts, failed = iter(items), list[Path](), [Exception("it ended without a result")]
        while some := [*itertools.islice(remaining, at_once)]:
            parts.append(Path(place) / str(len(parts)))
            parts[-1].write_bytes(pickle.dumps(some))

        def run() -> None:
            try:
                with beam.Pipeline(name, options(flags)) as pipeline:
                    paths = pipeline | beam.Create([*map(str, parts)]) | beam.Reshuffle()
                    _ = paths | beam.Map(partial(_do_part, function))
            except Exception as error:
                failed[0] = error

        running = threading.Thread(target=run, daemon=True)  # Ctrl-C does not wait for it
        running.start()
        for part in parts:
            done = part.with_suffix(".done")
            while not done.exists():
                if not running.is_alive() and not done.exists():
                    said = [line for line in str(failed[0]).splitlines() if line.strip()]
                    raise ValueError(f"--runner {runner}: {said[-1]}") from failed[0]
                time.sleep(0.05)
            yield from pickle.loads(done.read_bytes())  # only what our workers write lies in this folder
            done.unlink()
        running.join()


def _do_part(function: Callable[[Item], Result], path: str) -> None:
    """On a worker, perhaps twice: the part that a file holds."""
    part = Path(path)
    write_bytes(part.with_suffix(".done"), pickle.dumps([*map(function, pickle.loads(part.read_bytes()))]))
