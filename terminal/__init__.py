"""What every command does in a terminal: errors as one line, progress bars, a quiet start."""
