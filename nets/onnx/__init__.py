"""A detector as one ONNX file: plain pixels in, boxes, scores and classes out."""
