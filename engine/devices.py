"""What there is to compute with."""

import keras


def has_gpu() -> bool:
    """Whether Keras's backend has a GPU."""
    try:
        return bool(keras.distribution.list_devices("gpu"))
    except RuntimeError:  # JAX's answer where there is none
        return False


def compute_capability() -> float | None:
    """Of the first NVIDIA GPU, e.g. 8.6; None where there is none."""
    if not has_gpu():
        return None
    if keras.backend.backend() == "jax":
        import jax

        found = getattr(jax.devices("gpu")[0], "compute_capability", None)
        return None if found is None else float(found)
    import tensorflow as tf

    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    found = details.get("compute_capability")
    return None if found is None else float(".".join(str(part) for part in found))
