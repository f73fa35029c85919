"""Small faces of four characters, and a small VGG that sees colours: enough to train on in a second."""

from pathlib import Path

import numpy as np
from PIL import Image

from faces.backbone import open_backbone
from faces.encoder import FaceEncoder

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


def write_vgg(path: Path, rng: np.random.Generator, *, width: int = 6, blocks: int = 5) -> Path:
    """Convolutions of a VGG-16 with few channels under tf-slim's names."""
    arrays, before = {}, 3
    for block, count in list(enumerate((2, 2, 3, 3, 3), start=1))[:blocks]:
        for number in range(1, count + 1):
            name = f"vgg_16/conv{block}/conv{block}_{number}"
            deviation = np.sqrt(2 / (9 * before))
            arrays[f"{name}/weights"] = rng.normal(0, deviation, (3, 3, before, width)).astype(np.float16)
            arrays[f"{name}/biases"] = np.zeros(width, np.float32)
            before = width
    np.savez(path, **arrays)
    return path


def small_encoder(
    folder: Path, rng: np.random.Generator, *, size: int = 32, strides: tuple[int, ...] = (4,), cells: int = 1
) -> FaceEncoder:
    """On such a VGG, written into the folder."""
    weights = write_vgg(folder / "vgg.npz", rng)
    return FaceEncoder(open_backbone("vgg16", str(weights), image_size=size, strides=strides), cells)
