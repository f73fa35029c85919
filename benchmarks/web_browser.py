"""How long a visitor's browser takes to find everybody in a picture, with WebAssembly in a real Chromium.

    python -m benchmarks.web_browser

Opens the page, lets it look at the drawn pictures again and again, and prints what it measured itself: from
the file to the answer, decoding included. Needs `make setup-dev`, Chromium and `make web` once before.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from terminal.command import command

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Options:
    """Times detection in the browser.

    Attributes:
        checkpoint_dir: of the detector.
        pictures: how many are looked at, after the first two.
        chromium: the browser's program; default: the first on the PATH.
    """

    checkpoint_dir: Path = ROOT / "checkpoints" / "drawn_lite"
    pictures: int = 60
    chromium: str = ""


def measure(page: Page, pictures: int) -> list[int]:
    """Milliseconds of each picture, as the page says them."""
    page.wait_for_selector("body[data-ready]", timeout=120_000)
    page.get_by_label("In this browser").check()
    files = sorted((ROOT / "demo").glob("*.jpg"))
    took = []
    for number in range(pictures + 2):
        page.set_input_files("#choose", files[number % len(files)])
        page.wait_for_selector("article:not([aria-busy]) .status:not(:empty)", timeout=60_000)
        said = re.search(r"(\d+) ms in this browser", page.locator(".status").inner_text())
        if said is None:
            raise ValueError(f"the browser did not look: {page.locator('.status').inner_text()!r}")
        took.append(int(said[1]))
        page.locator(".close").click()
    return took[2:]


@command("python -m benchmarks.web_browser")
def main(options: Options) -> None:
    chromium = options.chromium or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise ValueError("no Chromium on this machine; give --chromium")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = [sys.executable, "-m", "web", f"--port={port}", f"--checkpoint_dir={options.checkpoint_dir}"]
    server = subprocess.Popen(
        line, cwd=ROOT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while server.poll() is None:
            try:
                urllib.request.urlopen(f"{address}/ready", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        model = len(urllib.request.urlopen(address + page_about(address)["browser"]).read())
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_context(locale="en-US").new_page()
            page.goto(address)
            took = measure(page, options.pictures)
            cores = page.evaluate("navigator.hardwareConcurrency")
            isolated = page.evaluate("crossOriginIsolated")
            version = browser.version
            browser.close()
    finally:
        server.terminate()
        server.wait()
    quarters = statistics.quantiles(took, n=20)
    print(
        f"Chromium {version}, {cores} cores, isolated: {isolated}, model {model / 1e6:.1f} MB, "
        f"{len(took)} pictures: median {statistics.median(took):.0f} ms, 95 % within {quarters[18]:.0f} ms"
    )


def page_about(address: str) -> dict:
    """What the server says about itself.

    Raises:
        ValueError: it offers nothing to browsers.
    """
    about = json.loads(urllib.request.urlopen(f"{address}/api/about").read())
    if about["browser"] is None:
        raise ValueError(f"the server offers no detection in the browser: {about['browser_reason']}")
    return about


if __name__ == "__main__":
    sys.exit(main())
