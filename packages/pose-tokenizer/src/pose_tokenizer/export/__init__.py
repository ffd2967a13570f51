"""Models as ONNX and TorchScript graphs."""
