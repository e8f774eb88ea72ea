"""Settings and mappings of the OpenSearch index: Korean analysis for words, a vector graph for meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

VECTOR = "embedding"
# The product of unit vectors ranks as their cosine does, and every version of faiss in the service has it.
SPACE = "innerproduct"
KOREAN = {"type": "text", "analyzer": "korean"}
QUESTIONS = "questions"
# What an index lacks that was made before passages came with questions.
QUESTIONS_MAPPING = {"properties": {QUESTIONS: KOREAN}}


def index_body(dimensions: int, dictionary_words: Sequence[str] = (), *, engine: bool = True) -> dict[str, Any]:
    """Return the body of the request that creates the index.

    Parameters
    ----------
    dimensions : int
        Length of the vectors; 0 for an index without vectors.
    dictionary_words : sequence of str
        Words that the tokenizer does not split. Those with a space or # are left out, because a rule reads them
        otherwise.
    engine : bool
        Whether faiss is named. A classic collection would else take an engine that cannot filter; some newer ones
        refuse the name and take faiss by themselves.
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
    """The analyzer for Korean text.

    Its part-of-speech filter drops endings and particles by default tags: tag names differ between versions of the
    service, so none is named here.
    """
    tokenizer: dict[str, Any] = {"type": "nori_tokenizer", "decompound_mode": "mixed"}
    rules = [word for word in dict.fromkeys(dictionary_words) if word and "#" not in word and word.split() == [word]]
    if rules:  # a word twice would be refused
        tokenizer["user_dictionary_rules"] = rules
    return {"tokenizer": {"korean": tokenizer},
            "analyzer": {"korean": {"type": "custom", "tokenizer": "korean",
                                    "filter": ["nori_part_of_speech", "lowercase"]}}}
