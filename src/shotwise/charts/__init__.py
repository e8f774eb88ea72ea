"""Charts of attributions as PNG: `waterfall` for one shot, `summary` for many (beeswarm, bar, dependence).

They are drawn straight on matplotlib's figure, in fractions of its width and height, without matplotlib's axes: those
would cost more time than everything else, and a diagnosis waits for its chart.
"""
