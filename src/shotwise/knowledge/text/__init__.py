"""Text to search terms.

`dictionary` reads the words of the trade, `analyzer` splits Korean and English into terms by them, and `question` words
what the documents are asked.
"""
