"""PDF to indexed document.

`pipeline` runs the stages in order: `parse` reads the pages (in a process of its own, `parse_worker`), `chunk` splits
them into passages, `expected_questions` finds what answers the questions that the document brings along, `postings`
counts the terms for the search by words.
"""
