"""Box maths: geometry, anchors, coding, matching and the detections that come out at the end.

The one convention of the whole project: a **box** is `float32 (ymin, xmin, ymax, xmax)` as fractions of
the picture's height and width, with `0 <= min < max <= 1`. Pixels live only in files for people.

Letters in shapes: B pictures, A anchors, C classes with background, G ground-truth boxes (padded with
class 0), N detections.
"""
