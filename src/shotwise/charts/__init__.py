"""Draw charts of attributions as PNG: `waterfall` for one shot, `summary` for many (beeswarm, bar, dependence).

They are drawn directly on matplotlib's figure, in fractions of its width and height. Matplotlib's axes would take more
time than everything else, and a diagnosis waits for its chart.
"""
