"""A fitted pipeline as a model bundle: one ONNX `graph`, background shots, manifest and model card."""
