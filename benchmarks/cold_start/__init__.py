"""The cold start of predict: the built artefact beside the layout of the proof of concept, in one run."""
