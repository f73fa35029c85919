"""Programs on top of the networks: input pipeline, training, evaluation and its measures."""
