"""Which values drove a prediction: Shapley values of the fused graph, and what follows from them.

`coalitions` plans which subsets of values are asked, `shapley` asks the graph and solves for the contributions,
`signals` sets them beside two independent checks of each value, `setpoints` searches settings that would lower the
probability, and `explanation` joins all of it for one shot.
"""
