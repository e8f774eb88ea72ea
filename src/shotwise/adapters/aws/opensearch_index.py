"""Settings and mappings of the OpenSearch index: an analyzer for Korean text and a graph of vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

VECTOR = "embedding"
# The inner product of unit vectors is their cosine, and every version of faiss in the service supports it.
SPACE = "innerproduct"
KOREAN = {"type": "text", "analyzer": "korean"}
QUESTIONS = "questions"
# The mapping that is missing in an index from before passages had questions.
QUESTIONS_MAPPING = {"properties": {QUESTIONS: KOREAN}}


def index_body(dimensions: int, dictionary_words: Sequence[str] = (), *, engine: bool = True) -> dict[str, Any]:
    """Return the body of the request that creates the index.

    Parameters
    ----------
    dimensions : int
        Length of the vectors; 0 for an index without vectors.
    dictionary_words : sequence of str
        Words that OpenSearch's tokenizer must not split. Words with a space or # are left out, because these have
        another meaning in its rules.
    engine : bool
        Whether to name the engine, faiss. Without it, a classic collection uses an engine that cannot filter; some
        newer collections refuse the name and use faiss anyway.
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
    """Return the settings of OpenSearch's own analyzer for Korean text.

    Its part-of-speech filter drops endings and particles by its default tags, because the names of tags differ between
    versions of the service.
    """
    tokenizer: dict[str, Any] = {"type": "nori_tokenizer", "decompound_mode": "mixed"}
    # Distinct words, because the service refuses repeated ones.
    rules = [word for word in dict.fromkeys(dictionary_words) if word and "#" not in word and word.split() == [word]]
    if rules:
        tokenizer["user_dictionary_rules"] = rules
    return {"tokenizer": {"korean": tokenizer},
            "analyzer": {"korean": {"type": "custom", "tokenizer": "korean",
                                    "filter": ["nori_part_of_speech", "lowercase"]}}}
