"""Where the inbox is when a command line does not say: the environment, for containers and passwords."""

import os
from pathlib import Path


def default_inbox() -> Path:
    """Its folder: ANIME_SSD_INBOX of the environment, else runs/inbox."""
    return Path(os.environ.get("ANIME_SSD_INBOX") or "runs/inbox")


def index_url(given: str) -> str:
    """The URL of its index: as given, else ANIME_SSD_INBOX_URL of the environment; empty for SQLite in it."""
    return given or os.environ.get("ANIME_SSD_INBOX_URL", "")
