"""What tells one file's content from another's."""

import hashlib
from pathlib import Path

_BLOCK = 1 << 20  # bytes read at once


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits; 1 to 2 s for a GB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
