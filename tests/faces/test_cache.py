import numpy as np
import pytest

from faces.cache import Entry, FeatureCache

FACE, OTHER = "0" * 31 + "1", "0" * 31 + "2"
WAY = {"backbone": "vgg16", "weights": "abc", "image_size": 32}


def entry(rng, views=("a", "b"), size=6) -> Entry:
    return Entry(np.uint64(2**63 + 5), {view: rng.normal(size=size).astype(np.float16) for view in views})


def test_what_was_kept_is_found(tmp_path, rng):
    cache, kept = FeatureCache(tmp_path, WAY, 6), entry(rng)
    cache.write(FACE, kept)
    found = FeatureCache(tmp_path, WAY, 6).read(FACE)
    assert found is not None
    assert found.hash == kept.hash
    assert list(found.rows) == ["a", "b"]
    np.testing.assert_array_equal(found.rows["b"], kept.rows["b"])
    assert cache.read(OTHER) is None


@pytest.mark.parametrize("change", [{"weights": "abd"}, {"image_size": 33}, {"version": 2}])
def test_another_way_finds_nothing(tmp_path, rng, change):
    FeatureCache(tmp_path, WAY, 6).write(FACE, entry(rng))
    assert FeatureCache(tmp_path, {**WAY, **change}, 6).read(FACE) is None


@pytest.mark.parametrize("damage", ["short", "text", "pickle", "shape", "type", "infinite", "no hash"])
def test_damaged_entries_are_nothing(tmp_path, rng, damage):
    cache = FeatureCache(tmp_path, WAY, 6)
    cache.write(FACE, entry(rng))
    (path,) = cache.folder.rglob(f"{FACE}.npz")
    arrays = dict(np.load(path))
    if damage == "short":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "text":
        path.write_text("no zip")
    else:
        if damage == "pickle":
            arrays["views"] = np.array([{}, {}], object)
        elif damage == "shape":
            arrays["features"] = arrays["features"][:, :5]
        elif damage == "type":
            arrays["features"] = arrays["features"].astype(np.float64)
        elif damage == "infinite":
            arrays["features"][0, 0] = np.inf
        else:
            del arrays["hash"]
        np.savez(path, allow_pickle=True, **arrays)
    assert cache.read(FACE) is None
    cache.write(FACE, entry(rng))
    assert cache.read(FACE) is not None


def test_no_temporary_file_stays_and_names_are_digests(tmp_path, rng):
    cache = FeatureCache(tmp_path, WAY, 6)
    cache.write(FACE, entry(rng))
    assert sorted(path.name for path in cache.folder.rglob("*") if path.is_file()) == [
        f"{FACE}.npz",
        "way.json",
    ]
    with pytest.raises(ValueError, match="is no digest of a face"):
        cache.read("../../x")
