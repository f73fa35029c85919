"""The art of the drawn demo set, in Skia: faces, hair, clothes, places and whole scenes.

Everything here is geometry and paint: no file is read or written (that is ``datasets.drawn``).

Coordinates: a head is drawn in *head units*, with the middle of the face at (0, 0), the chin at (0, 1), the
crown of the skull at about (0, -1) and y pointing down. A figure is placed in a picture by one matrix.
"""
