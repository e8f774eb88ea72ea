"""A question → an answer that quotes the documents and invents nothing (extractive)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from shotwise.knowledge.cite import stands_on_page
from shotwise.knowledge.passage import Answer, Hit, Index, Line, Source
from shotwise.knowledge.question import Question
from shotwise.knowledge.retrieve import GROUNDED, Weights, overlap, retrieve, word_weights
from shotwise.knowledge.tokens import tokens

QUOTES, RECOMMENDATIONS = 4, 4
WORDS = {
    "ko": {"found": "문서에서 찾은 내용입니다.", "none": "이 질문에 대한 내용은 문서에 없습니다. 질문을 바꾸거나 관련 문서를 추가하십시오."},
    "en": {"found": "This is what the documents say.",
           "none": "The documents do not answer this. Ask in other words, or add a document that does."},
}


def answer(question: Question, index: Index) -> Answer:
    """Search every topic, quote the best statements, take recommendations from countermeasure sections.

    Only quotes that stand on the page they name are given. Where no passage answers, `grounded` is False, the text
    says so and there are no sources.
    """
    quotes = _interleave([_statements(topic, index) for topic in question.topics], QUOTES)
    if not quotes:
        return Answer(WORDS[question.language]["none"], (), (), (), False, "extractive")
    remedies = _interleave([_statements(topic, index, action_only=True) for topic in question.topics], RECOMMENDATIONS)
    sources = list(dict.fromkeys([*quotes, *remedies]))
    return Answer(_text(quotes, sources, question.language), tuple(sources),
                  tuple(remedy.quote for remedy in remedies), tuple(sources.index(remedy) for remedy in remedies),
                  True, "extractive")


def _text(quotes: Sequence[Source], sources: Sequence[Source], language: str) -> str:
    lines = [f"“{quote.quote}” [{sources.index(quote) + 1}]" for quote in quotes]
    return "\n".join([WORDS[language]["found"], *lines])


def _statements(topic: str, index: Index, *, action_only: bool = False) -> Iterator[Source]:
    """The statements of the passages that answer `topic`, best first, each proven on its page."""
    weights = word_weights(topic, index)
    hits = [hit for hit in retrieve(topic, index, action_only=action_only) if hit.relevance >= GROUNDED]
    for hit, line in _best_lines(hits, weights, per_passage=3 if action_only else 1):
        passage = hit.passage
        if stands_on_page(line.quote, passage.document, passage.page, index):
            yield Source(passage.document, passage.title, passage.page, round(hit.relevance, 4), line.quote)


def _best_lines(hits: Iterable[Hit], weights: Weights, per_passage: int) -> Iterator[tuple[Hit, Line]]:
    for hit in hits:
        ranked = sorted(hit.passage.lines, key=lambda line: -overlap(set(tokens(line.text)), weights))
        yield from ((hit, line) for line in ranked[:per_passage])


def _interleave(streams: Sequence[Iterator[Source]], most: int) -> list[Source]:
    """One of each topic in turn, so that no topic crowds the others out; no quote twice."""
    found: dict[str, Source] = {}
    waiting = list(streams)
    while waiting and len(found) < most:
        for stream in list(waiting):
            source = next((source for source in stream if source.quote not in found), None)
            if source is None:
                waiting.remove(stream)
            elif len(found) < most:
                found[source.quote] = source
    return list(found.values())
