"""What `python -m web` can be told."""

from dataclasses import dataclass, field
from pathlib import Path

import tyro

from datasets.inbox import default_inbox

# Hosts that only this machine reaches.
LOOPBACK = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::")
# What a visitor may send.
MAX_BYTES = 20_000_000  # in one request
MAX_PIXELS = 25_000_000  # of one picture, checked before it is decoded
MAX_PICTURES = 8  # in one request
MAX_BOXES = 100  # in one request
SECONDS_TO_SEND = 60.0  # the body of a request


@dataclass(frozen=True)
class WebOptions:
    """Serves the page: open a picture, see who is in it, say what is wrong."""

    #: checkpoint folder: the --train_dir of a training.
    checkpoint_dir: Path = Path("checkpoints/drawn_lite")
    #: label these pictures instead: LabelImg's folders, with drafts of tools.propose_faces or
    #: tools.preannotate (make label). What is said on the page is in the folder's XML at once.
    dataset_dir: Path | None = None
    #: with --dataset_dir: train on what has been labelled so far, beside the page (tools.train_drafts), and
    #: show what that detector sees.
    train: bool = False
    #: address to listen at. The default is reached from this machine only; with any other, visitors need the
    #: access token.
    host: str = "127.0.0.1"
    port: int = 8000  #: to listen at.
    #: folder for what visitors report; `python -m tools.inbox` reads it. Default: ANIME_SSD_INBOX of the
    #: environment, else runs/inbox.
    inbox: Path = field(default_factory=default_inbox)
    #: what visitors must know; better given in the environment variable ANIME_SSD_TOKEN, which other users of
    #: the machine cannot see. Default: none at the loopback address, else a random one.
    access_token: str = ""
    #: names under which the page is reached, where it is not the address itself (a server's, or a proxy's in
    #: front of it). Others then reach it, so that visitors need the token.
    allowed_hosts: tuple[str, ...] = ()
    batch_size: int = 8  #: pictures that the network sees at once, at most.
    #: lowest score of a box that is shown, 0 to 1; default: 0.35, or lower where the checkpoint reports a
    #: name from a lower score on.
    show_from: float | None = None
    browser: bool = True  #: offer detection in the visitor's browser.
    requests_per_minute: int = 600  #: of one address; 0: any number.
    max_waiting: int = 64  #: pictures that may wait for the network; more are told to come back.
    #: the access token was made at the start, so nobody knows it yet.
    token_is_new: tyro.conf.Suppress[bool] = False

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError(f"--port {self.port}: must be in 1...65535")
        if self.train and self.dataset_dir is None:
            raise ValueError("--train: it learns from what is labelled on the page; give --dataset_dir, too")
        if self.show_from is not None and not 0 < self.show_from <= 1:
            raise ValueError(f"--show_from {self.show_from}: must be above 0 and at most 1")
        for name, least in (("batch_size", 1), ("max_waiting", 1), ("requests_per_minute", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"--{name} {getattr(self, name)}: must be at least {least}")

    @property
    def is_private(self) -> bool:
        """Whether only this machine's users reach the page, so that there may be no token."""
        return {self.host, *self.allowed_hosts} <= set(LOOPBACK)

    @property
    def hosts(self) -> tuple[str, ...]:
        """What the Host header may name; empty: anything.

        At the loopback address a page elsewhere could otherwise reach this one under a name of its own; at
        all addresses (0.0.0.0) the token stands against that.
        """
        if self.host in EVERYWHERE and not self.allowed_hosts:
            return ()
        return (*self.allowed_hosts, self.host, *LOOPBACK)
