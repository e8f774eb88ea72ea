"""Turn PDFs into indexed documents.

`pipeline` runs the stages in order: `parse` reads the pages (in a separate process, `parse_worker`), `chunk` splits
them into passages, `expected_questions` finds the passages that answer the questions attached to the PDF, `postings`
counts the terms for the search by words.
"""
