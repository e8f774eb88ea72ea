"""Turn texts into search terms.

`dictionary` reads the vocabulary of die casting, `analyzer` splits Korean and English into terms by it, and `question`
words questions to the documents.
"""
