"""Pictures of attributions as PNG: `waterfall` of one shot, `summary` of many (beeswarm, bar, dependence).

They are drawn straight on matplotlib's figure, in parts of its width and height, without axes: those would cost more
than all else, and a diagnosis waits for the picture.
"""
