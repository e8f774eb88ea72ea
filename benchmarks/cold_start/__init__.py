"""Measure the cold start of predict: the built artefact, and the layout of the proof of concept."""
