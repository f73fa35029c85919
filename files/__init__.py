"""What every program does with files: whole files or none, arrays without pickle, reading in threads."""
