"""Draws a film of the drawn people; the way to it that documents name: python -m datasets.drawn_video."""

from datasets.drawn.film import main

if __name__ == "__main__":
    raise SystemExit(main())
