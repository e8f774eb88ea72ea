"""Explain why a shot was predicted as it was, and which settings would change that.

`coalitions` plans which subsets of values to evaluate, `shapley` runs the graph on them and solves for the
contributions. `signals` compares the contributions with two independent checks of each value, `setpoints` searches
settings that would lower the probability, and `explanation` combines all of this for one shot.
"""
