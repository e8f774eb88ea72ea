"""Score configurations and baselines under every protocol, and report the figures."""
