"""Starts TensorFlow without the remarks that its C++ part prints before any of its switches can stop it."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# Remarks, and two "errors" that only say that there is no GPU and which of two kernels transposes integers.
# TF_CPP_MIN_LOG_LEVEL does not reach them (TensorFlow 2.21).
REMARK = re.compile(
    rb"WARNING: All log messages before absl|I0000 |W0000 |E0000 .*(cuInit|cuda_platform|oneDNN supports)"
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


def start_tensorflow() -> None:
    """Import TensorFlow and look for devices, quietly. TF_CPP_MIN_LOG_LEVEL=0 keeps the remarks."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0":
        return
    with without_remarks():
        import tensorflow as tf

        tf.config.list_physical_devices()
        # Says once a process that oneDNN does not do this one, which is no news to anybody.
        tf.function(tf.transpose)(tf.zeros([2, 3], tf.int64))
