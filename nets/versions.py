"""What a result was made with, for the files beside it."""

import importlib.metadata
import platform

import keras


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python, TensorFlow, Keras, NumPy and more packages by their names on PyPI; the backend."""
    return {
        "python": platform.python_version(),
        "backend": keras.backend.backend(),
        **{name: importlib.metadata.version(name) for name in ("tensorflow", "keras", "numpy", *packages)},
    }
