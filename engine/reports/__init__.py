"""Measures as pages, figures, files and sentences."""
