"""Programs around the training: the set-up, data preparation, conversion of checkpoints."""
