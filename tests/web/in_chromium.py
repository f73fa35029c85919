"""A server of the page, and Debian's Chromium to open it in."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.conftest import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)


@contextlib.contextmanager
def serving(inbox, *flags):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "web", "--port", str(port), "--inbox", str(inbox), *flags]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    server = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert server.poll() is None, "the server has stopped"
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/ready", timeout=5):
                break
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        # uvicorn finishes what has begun, then passes the signal on.
        assert server.wait(40) in (0, -signal.SIGTERM)


@contextlib.contextmanager
def started_chromium():
    with sync_playwright() as playwright:
        # In a container Chromium's own sandbox cannot be made; the page is ours.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def open_page(chromium, address, *, ready=True, **options):
    """The page, ready; what goes wrong in it is gathered in `page.errors`, and in the end nothing has."""
    still = {"locale": "en-US", "reduced_motion": "reduce"}  # a page that scrolls cannot be drawn on
    page = chromium.new_context(**{**still, **options}).new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda line: line.type == "error" and page.errors.append(line.text))
    page.goto(address)
    if ready:
        page.wait_for_selector("body[data-ready]", timeout=60_000)
    yield page
    assert page.errors == []
    page.context.close()


def names(page):
    return page.locator(".person .name").all_inner_texts()


def look(page, picture, people, where="server"):
    """Lets the page look at a picture in which it finds so many."""
    page.get_by_label("On the server" if where == "server" else "In this browser").check()
    page.set_input_files("#choose", picture)
    expect(page.locator("article:not([aria-busy]) .person")).to_have_count(people, timeout=60_000)


def draw(page, start=(0.05, 0.05), end=(0.3, 0.3)):
    area = page.locator(".layer").bounding_box()
    (x0, y0), (x1, y1) = (
        (area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in (start, end)
    )
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
    page.mouse.move(x1, y1)
    page.mouse.up()
