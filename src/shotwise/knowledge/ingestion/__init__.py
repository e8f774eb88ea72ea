"""PDF to indexed document.

`pipeline` runs the stages in order: `parse` (in a process of its own, `parse_worker`), `chunk` into passages,
`expected_questions` that the document brings along, `postings` for the search by words.
"""
