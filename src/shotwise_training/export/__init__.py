"""Export a fitted pipeline as a model bundle: ONNX graphs, background shots, manifest and model card."""
