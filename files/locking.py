"""A folder for one at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(folder: Path, otherwise: str = "") -> Iterator[None]:
    """Keeps others who ask for it, too, out of a folder; nobody where there are no locks (Windows).

    Where somebody has it this is a ValueError with the message `otherwise`; without one it waits.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (fcntl.LOCK_NB if otherwise else 0))
    except BlockingIOError:
        os.close(handle)
        raise ValueError(otherwise) from None
    except OSError:  # a drive without locks
        pass
    try:
        yield
    finally:
        os.close(handle)
