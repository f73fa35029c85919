"""The page: open a picture, see who is in it, say what is wrong. Start it with `make web`."""
