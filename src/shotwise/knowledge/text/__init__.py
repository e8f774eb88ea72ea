"""Text to terms: the `dictionary` of the trade, the `analyzer` of Korean and English, the wording of a `question`."""
