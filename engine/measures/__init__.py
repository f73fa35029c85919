"""What is measured about a detector, from one table of matches (`engine.average_precision.Matches`)."""
