"""What the plant's documents say: PDF → passages → library → the passages that answer a question → quotes with pages.

Taking in (`ingest`): `parse` reads a PDF page by page → `chunk` cuts passages that keep headings, tables and page →
`analyzer` splits Korean by the words of `dictionary` → `postings` says what stands where → a `DocumentStore` keeps them, a
`PassageSearch` finds them by meaning (`ports`, adapters).
Asking (`answer`): `question` words T3's query from a prediction → `asking` says what is wanted → `index` searches by
words (`lexical`) and by meaning → `retrieve` ranks and decides whether there is an answer at all → `extract` quotes,
leaving out what speaks of the other `direction`; `meaning` does so across languages; `generate` lets a model word
claims → `cite` proves that every quote stands on its page.
"""
