"""The art of the drawn demo set, in Skia: faces, hair, clothes, places and whole scenes.

``dataset``, and ``drawn_video`` beside this folder, write what the rest draws; tables beside the code hold
what is only coordinates.

Coordinates: a head is drawn in *head units*, with the middle of the face at (0, 0), the chin at (0, 1), the
crown of the skull at about (0, -1) and y pointing down. A figure is placed in a picture by one matrix.
"""
