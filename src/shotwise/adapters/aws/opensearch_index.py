"""The OpenSearch index as it is created: Korean analysis for words, a graph of vectors for meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

VECTOR = "embedding"
# The product of unit vectors ranks as their cosine does, and every version of faiss in the service knows it.
SPACE = "innerproduct"
KOREAN = {"type": "text", "analyzer": "korean"}
QUESTIONS = "questions"
# What an index lacks that was made before passages came with questions.
QUESTIONS_MAPPING = {"properties": {QUESTIONS: KOREAN}}


def index_body(dimensions: int, dictionary_words: Sequence[str] = (), *, engine: bool = True) -> dict[str, Any]:
    """Settings and mappings. dimensions: 0 for an index without vectors; dictionary_words: kept whole by the
    tokenizer, those with a space or # left out, because a rule reads them otherwise.

    engine: faiss by name. A classic collection would else take an engine that cannot filter; some newer ones refuse
    the name and take faiss by themselves.
    """
    body: dict[str, Any] = {
        "settings": {"index": {"analysis": _analysis(dictionary_words)}},
        "mappings": {"dynamic": "strict", "properties": {
            "document": {"type": "keyword"}, "version": {"type": "keyword"}, "number": {"type": "integer"},
            "page": {"type": "integer"}, "action": {"type": "boolean"},
            "headings": KOREAN, "text": KOREAN, QUESTIONS: KOREAN}}}
    if dimensions:
        body["settings"]["index"]["knn"] = True
        body["mappings"]["properties"][VECTOR] = {
            "type": "knn_vector", "dimension": dimensions,
            **({"method": {"name": "hnsw", "engine": "faiss", "space_type": SPACE}} if engine
               else {"space_type": SPACE})}
    return body


def _analysis(dictionary_words: Sequence[str]) -> dict[str, Any]:
    """The part-of-speech filter drops endings and particles by its default tags: their names differ from version to
    version, so none is named here."""
    tokenizer: dict[str, Any] = {"type": "nori_tokenizer", "decompound_mode": "mixed"}
    rules = [word for word in dict.fromkeys(dictionary_words) if word and "#" not in word and word.split() == [word]]
    if rules:  # a word twice would be refused
        tokenizer["user_dictionary_rules"] = rules
    return {"tokenizer": {"korean": tokenizer},
            "analyzer": {"korean": {"type": "custom", "tokenizer": "korean",
                                    "filter": ["nori_part_of_speech", "lowercase"]}}}
