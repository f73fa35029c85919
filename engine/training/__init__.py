"""One training run: options, start, steps, folder and resume."""
