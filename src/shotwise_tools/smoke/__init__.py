"""The smoke test of a deployment; run it as `python -m shotwise_tools.smoke`."""
