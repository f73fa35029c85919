import numpy as np

from video.cuts import CutFinder


def test_cuts_are_found_and_pans_are_none(rng):
    wide = np.kron(rng.integers(0, 256, (6, 40, 3)), np.ones((20, 20, 1))).astype(np.uint8)
    other = np.kron(rng.integers(0, 256, (6, 16, 3)), np.ones((20, 20, 1))).astype(np.uint8)
    finder = CutFinder()
    assert not any(finder.is_cut(wide[:, 4 * i : 4 * i + 320]) for i in range(50))
    assert finder.is_cut(other)
    assert not finder.is_cut(other)
