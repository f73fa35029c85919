"""Many visitors at once: throughput, latencies, and whether a report is ever lost.

    python -m benchmarks.web_load --visitors=64 --seconds=20

Every visitor looks at a drawn picture and reports a correction, again and again. In the middle the server is
killed (SIGKILL) and started again; visitors send again what was not answered, as people do. In the end every
report that was confirmed to a visitor must be in the inbox, once, with its picture and XML.

Exit status: 0; 1 if an answer was an error or a report was lost.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from terminal.command import command

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Options:
    """Loads the page's server with many visitors.

    Attributes:
        visitors: at once.
        seconds: of load, the restart included.
        kill: kill and restart the server in the middle.
        checkpoint_dir: of the detector.
    """

    visitors: int = 64
    seconds: float = 20.0
    kill: bool = True
    checkpoint_dir: Path = ROOT / "checkpoints" / "drawn_lite"


@dataclass
class Tally:
    """What the visitors saw.

    Attributes:
        seconds: durations of answered requests, by what was asked.
        errors: answers that were neither 200, 201 nor 503, by status and sentence.
        busy: answers that asked to come back.
        unanswered: requests that the killed server took along.
        confirmed: keys of reports that the server confirmed.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"detections": [], "reports": []})
    errors: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    unanswered: int = 0
    confirmed: set[str] = field(default_factory=set)


def start(options: Options, inbox: Path, port: int) -> subprocess.Popen[bytes]:
    """Start the server and wait until it is ready."""
    command = [sys.executable, "-m", "web", "--port", str(port), "--inbox", str(inbox), "--no_browser"]
    command += ["--checkpoint_dir", str(options.checkpoint_dir), "--requests_per_minute", "0"]
    command += ["--max_waiting", str(2 * options.visitors)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    with (inbox.parent / "server.log").open("ab") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    while server.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/ready", timeout=5).status_code == 200:
                return server
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit(f"the server has stopped: {(inbox.parent / 'server.log').read_text()[-500:]}")


def picture_of(visitor: int, turn: int) -> bytes:
    """A drawn picture that nobody else sends: a corner of it says who and when."""
    files = sorted((ROOT / "demo").glob("*.jpg"))
    with Image.open(files[visitor % len(files)]) as image:
        pixels = np.array(image.convert("RGB"))
    pixels[:16, :16] = [visitor, turn % 256, turn // 256]
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=92)
    return file.getvalue()


async def post(
    client: httpx.AsyncClient, tally: Tally, what: str, until: float, **form
) -> httpx.Response | None:
    """Send until it is answered; None where that did not happen before the end."""
    while True:
        began = time.perf_counter()
        try:
            answer = await client.post(f"/api/{what}", **form)
        except httpx.HTTPError:
            tally.unanswered += 1
            if time.monotonic() > until + 30:
                return None
            await asyncio.sleep(0.2)
            continue
        if answer.status_code == 503:
            tally.busy += 1
            await asyncio.sleep(0.2)
            continue
        tally.seconds[what].append(time.perf_counter() - began)
        if answer.status_code not in (200, 201):
            tally.errors[f"{answer.status_code} {answer.text[:80]}"] += 1
            return None
        return answer


async def visit(client: httpx.AsyncClient, tally: Tally, visitor: int, until: float) -> None:
    """One visitor: look, correct, send, again."""
    turn = 0
    while time.monotonic() < until:
        data = await asyncio.to_thread(picture_of, visitor, turn)
        found = await post(client, tally, "detections", until, files={"pictures": ("x.jpg", data)})
        boxes = found.json()["pictures"][0]["boxes"] if found else []
        said = [{"box": one["box"], "name": f"visitor {visitor}"} for one in boxes]
        form = {
            "files": {"picture": ("x.jpg", data)},
            "data": {"report": json.dumps({"consent": True, "boxes": said})},
        }
        if kept := await post(client, tally, "reports", until, **form):
            tally.confirmed.add(kept.json()["key"])
        turn += 1


async def load(options: Options, inbox: Path, port: int) -> tuple[Tally, float]:
    """All visitors, and the kill in the middle; what they saw and how long it took."""
    tally = Tally()
    server = start(options, inbox, port)
    began = time.monotonic()
    until = began + options.seconds
    limits = httpx.Limits(max_connections=options.visitors)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, limits=limits) as client:
        visitors = [asyncio.create_task(visit(client, tally, n, until)) for n in range(options.visitors)]
        try:
            if options.kill:
                await asyncio.sleep(options.seconds / 2)
                server.send_signal(signal.SIGKILL)
                server.wait()
                server = await asyncio.to_thread(start, options, inbox, port)
            await asyncio.gather(*visitors)
        finally:
            server.terminate()
            server.wait()
    return tally, time.monotonic() - began


def lost(tally: Tally, inbox: Path) -> list[str]:
    """What is wrong with the inbox, in sentences."""
    from datasets.inbox import Inbox
    from datasets.voc import read_xml

    waiting = {report.key for report in Inbox(inbox).reports()}
    wrong = [f"report {key} was confirmed and is not in the inbox" for key in tally.confirmed - waiting]
    files = {path.stem for path in (inbox / "pending").glob("*.xml")}
    wrong += [f"XML {key} is no report that can be read" for key in files - waiting]
    for key in waiting:
        read_xml(inbox / "pending" / f"{key}.xml")
        with Image.open(inbox / "pending" / f"{key}.jpg") as image:
            image.load()
    return wrong


@command("python -m benchmarks.web_load")
def main(options: Options) -> int:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        inbox = Path(folder, "inbox")
        inbox.mkdir()
        tally, seconds = asyncio.run(load(options, inbox, port))
        wrong = lost(tally, inbox)
    for what, durations in tally.seconds.items():
        spread = np.percentile(durations, (50, 95, 99)) * 1000 if durations else (0.0,) * 3
        print(
            f"{what:10}  {len(durations) / seconds:6.1f} a second   "
            f"50 % {spread[0]:6.0f} ms   95 % {spread[1]:6.0f} ms   99 % {spread[2]:6.0f} ms"
        )
    print(
        f"{options.visitors} visitors for {seconds:.0f} s: {len(tally.confirmed)} reports confirmed, "
        f"{len(wrong)} lost, {sum(tally.errors.values())} errors, {tally.busy} asked to come back, "
        f"{tally.unanswered} sent again"
    )
    for sentence in [*tally.errors, *wrong[:10]]:
        print(sentence, file=sys.stderr)
    return 1 if wrong or tally.errors else 0


if __name__ == "__main__":
    sys.exit(main())
