"""The graph as an ONNX file with the quantizers of QONNX."""
