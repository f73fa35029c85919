"""Pictures on their way into a network: decoding, resizing and augmentation, as pure functions of a seed."""
