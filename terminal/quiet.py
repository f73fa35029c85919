"""Starts TensorFlow as a neighbour: no remarks that no switch stops, and no GPU memory that is not needed."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

# Remarks, and "errors" that only say that there is no GPU, which of two kernels transposes integers, and what
# LiteRT's converter passes over. TF_CPP_MIN_LOG_LEVEL does not reach them (TensorFlow 2.21).
REMARK = re.compile(
    rb"WARNING: All log messages before absl|I0000 |W0000 |INFO: Created TensorFlow Lite|fully_quantize: "
    rb"|E0000 .*(cuInit|cuda_platform|oneDNN supports|NodeDef mentions)"
)


@contextmanager
def without_remarks() -> Iterator[None]:
    """Hold back what is written to standard error during the block; then let all but remarks through."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            held.seek(0)
            for line in held:
                if not REMARK.match(line):
                    os.write(2, line)


@contextmanager
def plain_keras() -> Iterator[None]:
    """Keras, imported in the block, passes over another project's keras.json; KERAS_BACKEND counts."""
    home = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")  # noqa: PTH111
    os.environ["KERAS_HOME"] = os.devnull  # no folder: nothing is read there, and nothing written
    yield
    from keras.src.backend import config

    os.environ["KERAS_HOME"] = config._KERAS_DIR = home  # where downloads are  # pyright: ignore[reportPrivateUsage]


def start_tensorflow() -> None:
    """Import TensorFlow and look for devices, quietly. TF_CPP_MIN_LOG_LEVEL=0 keeps the remarks.

    It takes seconds: commands call this, and import what needs it, once flags and paths are read.
    Unless the environment says otherwise a GPU's memory is taken as it is needed, so that an evaluation finds
    room beside a training (SSD-Tensorflow divided it with --gpu_memory_fraction).
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # JAX
    with plain_keras(), nullcontext() if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0" else without_remarks():
        import tensorflow as tf

        tf.config.list_physical_devices()
        # Says once a process that oneDNN does not do this one, which is no news to anybody.
        tf.function(tf.transpose)(tf.zeros([2, 3], tf.int64))
