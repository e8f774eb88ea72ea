"""What the plant's documents say: PDF → passages → index → the passages that answer a question → quotes with pages.

`parse` reads a PDF page by page → `chunk` cuts passages that keep headings, tables and page → `tokens` makes Korean
searchable → an `Index` (adapters/sqlite_index) keeps them → `question` words T3's query from a prediction →
`retrieve` finds passages and decides whether they answer at all → `answer` quotes them and takes recommendations,
leaving out what speaks of the other `direction` → `cite` proves that every quote stands on its page.
"""
