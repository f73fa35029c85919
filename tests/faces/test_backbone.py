from pathlib import Path

import keras
import numpy as np
import pytest

from faces.backbone import open_backbone, rebuild_backbone
from tests.drawn_faces import write_vgg

# On JAX whole networks would be compiled, a minute of it; `test_face_classifier.py` runs on both.
pytestmark = pytest.mark.tensorflow_only

DETECTOR = Path(__file__).parents[2] / "checkpoints" / "drawn_lite"


def maps(backbone, images: np.ndarray) -> list[np.ndarray]:
    outputs = backbone.model.predict_on_batch(images)
    return [np.asarray(one) for one in (outputs if isinstance(outputs, list) else [outputs])]


def test_maps_of_vgg_have_their_strides(tmp_path, rng):
    path = str(write_vgg(tmp_path / "v.npz", rng))
    backbone = open_backbone("vgg16", path, image_size=64, strides=(16, 4, 8, 32))
    found = maps(backbone, rng.uniform(0, 255, (2, 64, 64, 3)).astype(np.float32))
    assert backbone.spec.strides == (4, 8, 16, 32)
    assert [one.shape for one in found] == [(2, 16, 16, 6), (2, 8, 8, 6), (2, 4, 4, 6), (2, 2, 2, 6)]
    np.testing.assert_allclose(found[3], found[2].reshape(2, 2, 2, 2, 2, 6).max(axis=(2, 4)), rtol=1e-5)
    # Only what the maps need is there.
    assert len(open_backbone("vgg16", path, image_size=32, strides=(8,)).weights()) == 2 * 10


def test_the_real_vgg_gives_what_keras_applications_gives(shared, rng):
    """The same weights in both; keras.applications takes BGR minus a slightly other mean."""
    weights = shared / "weights" / "vgg16_imagenet_conv.npz"
    arrays = dict(np.load(weights))
    theirs = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    for layer in (one for one in theirs.layers if one.weights):
        name = layer.name.removeprefix("block").replace("_conv", "_")  # 1_1
        parts = (arrays[f"vgg_16/conv{name[0]}/conv{name}/{part}"] for part in ("weights", "biases"))
        kernel, bias = (part.astype(np.float32) for part in parts)
        layer.set_weights([kernel[:, :, ::-1] if name == "1_1" else kernel, bias])
    images = rng.uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    ours = open_backbone("vgg16", str(weights), image_size=32, strides=(32,))
    given = (images - (123, 117, 104))[..., ::-1].astype(np.float32)
    np.testing.assert_allclose(maps(ours, images)[0], theirs.predict_on_batch(given), rtol=1e-3, atol=1e-3)


def test_digests_are_of_the_weights_and_random_ones_the_same_everywhere():
    first, second = (open_backbone("vgg16", "none", image_size=32, strides=(4,)) for _ in range(2))
    assert first.digest() == second.digest()
    arrays = first.weights()
    arrays[3] = arrays[3] + np.float32(1e-3)
    assert rebuild_backbone(first.spec, arrays, "").digest() != first.digest()


def test_a_detector_is_a_backbone(rng):
    backbone = open_backbone(str(DETECTOR), None, strides=(8, 16))
    assert [output.shape[1] for output in backbone.model.outputs] == [38, 19]
    again = rebuild_backbone(backbone.spec, backbone.weights(), backbone.source)
    images = rng.uniform(0, 255, (1, 300, 300, 3)).astype(np.float32)
    for one, other in zip(maps(backbone, images), maps(again, images), strict=True):
        np.testing.assert_array_equal(one, other)
    assert backbone.source == "detector drawn_lite"


@pytest.mark.parametrize(
    ("name", "weights", "size", "strides", "message"),
    [
        ("vgg17", None, None, (8,), "--backbone=vgg17: there is no such backbone and no such checkpoint"),
        ("vgg16", None, None, (8,), r"needs --backbone_weights: imagenet \(downloads 59 MB once\)"),
        ("vgg16", "none", 8, (8,), "--image_size=8: vgg16 takes pictures of 32 pixels or more"),
        ("vgg16", "none", 64, (5,), "--strides 5: vgg16 has maps at strides 4, 8, 16, 32"),
        ("vgg16", "gone.h5", 64, (8,), "gone.h5"),
        ("ssd_300_lite", "none", None, (8,), "or the --train_dir of a detector's training"),
        (str(DETECTOR), None, 64, (8,), "ssd_300_lite takes pictures of 300 pixels only"),
        (str(DETECTOR), "none", None, (8,), "brings its own weights; leave it out"),
    ],
)
def test_what_is_no_backbone_is_named(name, weights, size, strides, message):
    with pytest.raises(ValueError, match=message):
        open_backbone(name, weights, image_size=size, strides=strides)


def test_a_file_that_lacks_a_layer_is_named(tmp_path, rng):
    path = str(write_vgg(tmp_path / "v.npz", rng, blocks=4))
    with pytest.raises(ValueError, match=r"v.npz has no conv5_1/weights and conv5_1/biases"):
        open_backbone("vgg16", path, image_size=64, strides=(16,))
    (tmp_path / "torch.npz").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(ValueError, match=r"cannot be read as a NumPy \.npz"):
        open_backbone("vgg16", str(tmp_path / "torch.npz"), image_size=64, strides=(16,))
