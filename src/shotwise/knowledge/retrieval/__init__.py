"""Question to ranked passages.

`query_terms` says what is searched for, `bm25` ranks by words, `hybrid_search` fuses that with the rankings by meaning,
`features` measures how much of the question each passage covers, and `rank` orders the passages by those features and
decides whether the documents answer at all. Every number they use is in ranking_weights.toml.
"""
