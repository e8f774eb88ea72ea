"""Pictures of attributions as PNG: `waterfall` of one shot; `beeswarm` and `bar` of many; `dependence` of one value.

They are drawn straight on matplotlib's figure, in parts of its width and height, without axes: those would cost more
than all else, and a diagnosis waits for the picture.
"""

from shotwise.charts.many import Explained, bar, beeswarm, dependence
from shotwise.charts.one import waterfall

__all__ = ["Explained", "bar", "beeswarm", "dependence", "waterfall"]
