"""An endless cast: any number of different drawn people, on which finders of heads are trained.

`python -m benchmarks.anybody` draws a labelled set of them.
"""
