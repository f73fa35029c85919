"""The face classifier, whole: its folder, splits, features, training, measures and report."""
