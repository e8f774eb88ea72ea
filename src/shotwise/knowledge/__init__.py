"""Search in the plant's own documents, and answers that quote them.

A document is a PDF. Taking one in (`ingestion`): PDF → pages → passages → postings, kept in a `DocumentStore`, and
optionally as vectors in a `PassageSearch`. Answering (`retrieval`, `answering`): question → ranked passages → quotes,
each checked against the text of the page that it cites.

The packages stand on floors. Each may import those below it, never one above or beside it:

    answering               answerer, extract, semantic, generate
    ingestion | retrieval   PDF to indexed document | question to ranked passages
    text | verify           text to search terms | checks of quotes against pages
    ports                   the interfaces that adapters implement
    models                  the dataclasses that travel between all of these

tests/architecture/test_imports.py checks the direction.
"""
