"""Find and rank the passages for a question.

`query_terms` chooses the terms to search for, `bm25` ranks by words, `hybrid_search` fuses that with the rankings by
meaning, `features` measures how much of the question each passage covers, and `rank` orders the passages by those
features and decides whether the documents answer at all. ranking_weights.toml has all their numbers.
"""
