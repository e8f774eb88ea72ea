"""The dataclasses of the knowledge pipeline: `documents` has what is stored, `answers` what is found and answered."""

from shotwise.knowledge.models.answers import Answer, Hit, Query, Source
from shotwise.knowledge.models.documents import (
    Document,
    DocumentSummary,
    ExpectedQuestion,
    IndexedDocument,
    Line,
    Page,
    Passage,
    PassageId,
    Postings,
    Questions,
)

__all__ = ["Answer", "Document", "DocumentSummary", "ExpectedQuestion", "Hit", "IndexedDocument", "Line", "Page",
           "Passage", "PassageId", "Postings", "Query", "Questions", "Source"]
