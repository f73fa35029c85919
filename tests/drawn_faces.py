"""Small faces of four characters: enough to train on in seconds."""

from pathlib import Path

import numpy as np
from PIL import Image

HAIR = {"赤井": (200, 40, 40), "ao": (40, 60, 200), "kuro": (30, 30, 30), "ki iro": (240, 220, 90)}


def drawn_face(hair: tuple[int, int, int], rng: np.random.Generator) -> np.ndarray:
    """uint8 [56, 48, 3]: hair above, a face in the middle, some light behind."""
    image = np.full((56, 48, 3), rng.integers(150, 255, 3), np.float64)
    top = int(rng.integers(16, 24))
    image[:top, 4:44] = np.array(hair) + rng.integers(-12, 12, 3)
    image[top:46, 10:38] = (250, 225, 205)
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


def write_faces(folder: Path, rng: np.random.Generator, *, each: int = 10, sources: int = 5) -> Path:
    """A folder per character; `SOURCE_NUMBER.png`."""
    for name, hair in HAIR.items():
        (folder / name).mkdir(parents=True)
        for number in range(each):
            path = folder / name / f"show{chr(97 + number % sources)}_{number:04}.png"
            Image.fromarray(drawn_face(hair, rng)).save(path)
    return folder
