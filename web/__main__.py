"""Serves the page: `python -m web --checkpoint_dir=RUN`, or `make web`.

With --dataset_dir, or `make label DATASET=my_set`, it serves the page for labelling.

Open the printed address in a browser. By default only this machine reaches it; with another --host visitors
need the access token, which is part of the printed address.

Exit status: 0 after it was stopped (Ctrl-C); 1 if it cannot start, with one line that says why; 2 for wrong
flags.
"""

import importlib.util
import os
import secrets
import socket
import sys
from contextlib import suppress
from dataclasses import replace

from rich.console import Console

from terminal.bars import counting_bars
from terminal.command import command
from terminal.quiet import start_tensorflow
from visualization.text import one_line
from web.options import EVERYWHERE, WebOptions

# A visitor's picture is on its way or in the network for so long at most when the server is told to stop.
_SECONDS_TO_FINISH = 30
_BACKLOG = 512


@command("python -m web")
def main(options: WebOptions) -> None:
    with suppress(KeyboardInterrupt):  # passed on by uvicorn when everything has been finished
        serve(with_token(options))


def with_token(options: WebOptions) -> WebOptions:
    """The options with an access token wherever one is needed."""
    token = options.access_token or os.environ.get("ANIME_SSD_TOKEN", "")
    if not token and not options.is_private:
        return replace(options, access_token=secrets.token_urlsafe(24), token_is_new=True)
    if token and len(token) < 16:
        why = "so it could be guessed; take a longer one"
        raise ValueError(f"the access token is shorter than 16 characters, {why}")
    return replace(options, access_token=token)


def serve(options: WebOptions) -> None:
    """Load everything, then serve until told to stop.

    ValueError where a package or the checkpoint is missing or damaged, OSError where the port is taken.
    """
    for package in ("fastapi", "uvicorn", "tf2onnx"):
        if importlib.util.find_spec(package) is None:
            raise ValueError(f"the package {package} is not installed; run: make setup WEB=1")
    # The port before anything slow: another program may have it.
    with _listen(options) as listening:
        start_tensorflow()
        import uvicorn

        app = _labelling(options) if options.dataset_dir else _recognition(options)
        print(f"Open {address(options)}   (Ctrl-C stops)", flush=True)
        config = uvicorn.Config(
            app,
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_SECONDS_TO_FINISH,
            limit_concurrency=1000,
            backlog=_BACKLOG,
        )
        uvicorn.Server(config).run(sockets=[listening])


def _recognition(options: WebOptions):
    from datasets.inbox import Inbox
    from nets.detector import Detector
    from web.observing import log_to
    from web.pages import create_app
    from web.services import Services

    detector = Detector.load(options.checkpoint_dir)
    log_to(sys.stderr)
    return create_app(Services(options, detector, Inbox(options.inbox)))


def _labelling(options: WebOptions):
    from labelling.desk import Desk
    from nets.detector import HEADS
    from nets.likeness import Likeness
    from web.labelling import create_app

    console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    assert options.dataset_dir is not None
    with counting_bars(console) as progress:
        desk = Desk(options.dataset_dir, Likeness.load(HEADS), progress)
    for problem in desk.problems:
        console.print(one_line(f"left out: {problem}"))
    return create_app(desk, options)


def address(options: WebOptions) -> str:
    """Where a browser finds the page; a token that its operator chose is not shown to who reads the log."""
    host = options.host
    if options.allowed_hosts:
        host = options.allowed_hosts[0]
    elif host in EVERYWHERE:
        host = _own_address()
    query = ""
    if options.access_token:
        query = "?token=" + (options.access_token if options.token_is_new else "YOUR_TOKEN")
    return f"http://{f'[{host}]' if ':' in host else host}:{options.port}/{query}"


def _own_address() -> str:
    """This machine's address in its network, for the address line: a phone cannot open 0.0.0.0."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))  # an address of nobody; connecting UDP sends nothing
            return asking.getsockname()[0]
        except OSError:
            return "127.0.0.1"


def _listen(options: WebOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = (error.strerror or "").partition(" (")[0]
        port = f"port {options.port} of {options.host}"
        raise OSError(f"{port} cannot be taken ({reason}); choose another --port") from None


if __name__ == "__main__":
    sys.exit(main())
