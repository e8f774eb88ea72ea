"""What a model is worth: configurations and baselines scored under every protocol, and the report of it."""
