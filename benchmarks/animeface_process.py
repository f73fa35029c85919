"""Runs animeface in its own environment: pictures in at standard input, boxes out as JSON at standard output.

In: for each picture "WIDTH HEIGHT" and a newline, then its RGB pixels. Out: for each a list of faces
[x, y, width, height in pixels, likelihood]. This file does not run in the project's environment.
"""

import json
import sys

from PIL import Image


def main() -> None:
    """Answers when all pictures are there."""
    import animeface  # pyright: ignore[reportMissingImports]

    found = []
    while line := sys.stdin.buffer.readline():
        width, height = map(int, line.split())
        pixels = sys.stdin.buffer.read(3 * width * height)
        faces = animeface.detect(Image.frombytes("RGB", (width, height), pixels))
        places = [(face.face.pos, float(face.likelihood)) for face in faces]
        found.append([(place.x, place.y, place.width, place.height, score) for place, score in places])
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
