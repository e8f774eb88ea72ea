"""Search the plant's own documents and answer questions by quoting them.

A document is a PDF. Ingestion (`ingestion`): PDF → pages → passages → postings, which a `DocumentStore` stores, and
optionally vectors in a `PassageSearch`. Answering (`retrieval`, `answering`): question → ranked passages → quotes, each
verified against the text of the page that it cites.

The packages are layered. Each may import those below it, never one above or beside it:

    answering               answerer, extract, semantic, generate
    ingestion | retrieval   PDF to indexed document | question to ranked passages
    text | verify           text to search terms | checks of quotes against pages
    ports                   the interfaces that adapters implement
    models                  the dataclasses that all of these exchange

tests/architecture/test_imports.py checks the direction.
"""
