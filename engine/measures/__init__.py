"""What is measured about a detector, each measure in a file."""
