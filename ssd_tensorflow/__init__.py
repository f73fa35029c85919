"""Compatibility with SSD-Tensorflow: its flags and its checkpoints, both ways."""
