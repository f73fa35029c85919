"""Train an SSD on TFRecords: `python train_ssd_network.py --help`."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported

import tyro

from engine.training import TrainingOptions, train


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = tyro.cli(TrainingOptions, args=arguments, description=TrainingOptions.__doc__)
    try:
        train(options)
    except (ValueError, FloatingPointError) as error:
        print(f"train_ssd_network.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
