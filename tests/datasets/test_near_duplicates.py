"""Near-duplicates: copies are found, other pictures are not, all with all quickly."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets.near_duplicates import NEAR, near_duplicates, perceptual_hash, perceptual_hash_of_jpeg


def scene(rng, height=240, width=320) -> np.ndarray:
    """A picture with large shapes, as a frame has."""
    coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def jpeg(picture, quality) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "jpeg", quality=quality)
    return file.getvalue()


def bits(a, b) -> int:
    return int(np.bitwise_count(np.uint64(a) ^ np.uint64(b)))


def test_copies_are_near_and_other_pictures_are_not(rng):
    pictures = [scene(rng) for _ in range(12)]
    hashes = [perceptual_hash(picture) for picture in pictures]
    assert hashes[0].dtype == np.uint64
    for picture, known in zip(pictures, hashes, strict=True):
        smaller = cv2.resize(picture, (200, 150), interpolation=cv2.INTER_AREA)
        darker = (0.85 * picture).astype(np.uint8)
        for copy in (smaller, darker):
            assert bits(perceptual_hash(copy), known) <= NEAR
        assert bits(perceptual_hash_of_jpeg(jpeg(picture, 60)), known) <= NEAR
    assert min(bits(a, b) for i, a in enumerate(hashes) for b in hashes[:i]) > NEAR


def test_a_picture_of_one_colour_has_a_hash():
    black, white = (np.full((20, 30, 3), value, np.uint8) for value in (0, 255))
    assert bits(perceptual_hash(black), perceptual_hash(black)) == 0
    assert perceptual_hash(white).dtype == np.uint64


def test_pairs_by_hand():
    a = np.array([0b0000, 0b1111], np.uint64)
    b = np.array([0b0001, 0b1111, 0b0111], np.uint64)
    assert near_duplicates(a, b, max_distance=1).tolist() == [[0, 0], [1, 1], [1, 2]]
    assert near_duplicates(a, b, max_distance=0).tolist() == [[1, 1]]
    assert near_duplicates(b, max_distance=1).tolist() == [[1, 2]]


def test_blocks_give_the_pairs_of_all_with_all(rng):
    hashes = rng.integers(0, 2**64, 3000, dtype=np.uint64)
    hashes[2500:2600] = hashes[100:200] ^ np.uint64(3)  # two bits away
    found = near_duplicates(hashes, max_distance=2)
    assert found.tolist() == [[i, i + 2400] for i in range(100, 200)]
    crossed = near_duplicates(hashes[:2500], hashes[2500:], max_distance=2)
    assert crossed.tolist() == [[i, i - 100] for i in range(100, 200)]


def test_nothing_to_compare():
    empty = np.zeros(0, np.uint64)
    assert near_duplicates(empty).shape == (0, 2)
    assert near_duplicates(empty, np.ones(3, np.uint64)).shape == (0, 2)


def test_wrong_shape_is_said():
    with pytest.raises(ValueError, match=r"uint64 \[N\]; got \(2, 2\)"):
        near_duplicates(np.zeros((2, 2), np.uint64))
