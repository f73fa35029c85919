import keras
import numpy as np
import pytest

from nets.imagenet_mobilenet import load_imagenet_mobilenet
from nets.ssd_300_mobilenet_v2 import NETWORK


@pytest.mark.tensorflow_only  # run without a graph JAX compiles each of 260 operations
def test_features_equal_those_of_keras_applications(rng, tmp_path):
    published = keras.applications.MobileNetV2((300, 300, 3), include_top=False, weights=None)
    for weight in published.weights:  # so that a mistaken order of variables shows
        if weight.path.endswith(("gamma", "moving_variance")):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif weight.path.endswith(("beta", "moving_mean")):
            weight.assign(rng.normal(0, 0.1, weight.shape))
    model = NETWORK.build(2)
    published.save_weights(tmp_path / "mobilenet.weights.h5")
    report = load_imagenet_mobilenet(model, tmp_path / "mobilenet.weights.h5")
    assert len(report.restored) == len(published.weights) == 260
    assert not report.skipped
    image = rng.uniform(0, 255, (1, 300, 300, 3)).astype("f")
    features = keras.Model(model.inputs[0], model.get_layer("FeatureExtractor.MobilenetV2.Conv_1").output)
    expected = np.asarray(keras.ops.convert_to_numpy(published(image / 127.5 - 1.0)))
    found = np.asarray(keras.ops.convert_to_numpy(features(image)))
    assert expected.std() > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.tensorflow_only  # files and names, which no backend changes
def test_a_file_that_is_not_there_or_no_weights_file(tmp_path):
    with pytest.raises(ValueError, match=r"No file .*mobile\.h5"):
        load_imagenet_mobilenet(keras.Model(), tmp_path / "mobile.h5")
    (tmp_path / "mobile.h5").write_text("nothing")
    with pytest.raises(ValueError, match=r"mobile\.h5 could not be read"):
        load_imagenet_mobilenet(keras.Model(), tmp_path / "mobile.h5")
