"""A question → an answer that quotes the documents and invents nothing (extractive)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from shotwise.knowledge.cite import stands_on_page
from shotwise.knowledge.direction import contradicts
from shotwise.knowledge.passage import Answer, Hit, Index, Line, Passage, Source
from shotwise.knowledge.question import Question, Topic
from shotwise.knowledge.retrieve import GROUNDED, Weights, held, overlap, retrieve, under, word_weights
from shotwise.knowledge.tokens import asked_for

QUOTES, RECOMMENDATIONS = 4, 4
# A statement's score: the part of the topic that it holds + the part that its headings hold + TOGETHER times the part
# that both hold + ASKED under such a heading as the question asks for (왜 → 원인).
TOGETHER, ASKED = 3, 0.5
STATED = 0.45  # the least that a statement and its headings hold of the topic, to be quoted
NEARLY = 0.8  # the least score, against that of the best statement
WORDS = {
    "ko": {"found": "문서에서 찾은 내용입니다.",
           "none": "이 질문에 대한 내용은 문서에 없습니다. 질문을 바꾸거나 관련 문서를 추가하십시오."},
    "en": {"found": "This is what the documents say.",
           "none": "The documents do not answer this. Ask in other words, or add a document that does."},
}


def answer(question: Question, index: Index) -> Answer:
    """Search every topic, quote the best statements, take recommendations from countermeasure sections.

    Only quotes that stand on the page they name are given. Where no passage answers, `grounded` is False, the text
    says so and there are no sources.
    """
    quotes = _found(question, index, QUOTES)
    if not quotes:
        return Answer(WORDS[question.language]["none"], (), (), (), False, "extractive")
    remedies = _found(question, index, RECOMMENDATIONS, action_only=True)
    sources = list(dict.fromkeys([*quotes, *remedies]))
    return Answer(_text(quotes, sources, question.language), tuple(sources),
                  tuple(remedy.quote for remedy in remedies), tuple(sources.index(remedy) for remedy in remedies),
                  True, "extractive")


def _found(question: Question, index: Index, most: int, *, action_only: bool = False) -> list[Source]:
    """The statements for the question's topics, or for its other ones where those find none."""
    for topics in (question.topics, question.otherwise):
        found = _interleave([_statements(topic, index, action_only=action_only) for topic in topics], most)
        if found:
            return found
    return []


def _text(quotes: Sequence[Source], sources: Sequence[Source], language: str) -> str:
    lines = [f"“{quote.quote}” [{sources.index(quote) + 1}]" for quote in quotes]
    return "\n".join([WORDS[language]["found"], *lines])


def _statements(topic: Topic, index: Index, *, action_only: bool = False) -> Iterator[Source]:
    """The statements of the passages that answer `topic`, best first, each proven on its page."""
    weights = word_weights(topic.text, index)
    found = retrieve(topic.text, weights, index, action_only=action_only)
    hits = [hit for hit in found if hit.relevance >= GROUNDED]
    for hit, line in _best_lines(hits, topic, weights, per_passage=3 if action_only else 1):
        passage = hit.passage
        if stands_on_page(line.quote, passage.document, passage.page, index):
            yield Source(passage.document, passage.title, passage.page, round(hit.relevance, 4), line.quote)


def _best_lines(hits: Iterable[Hit], topic: Topic, weights: Weights, per_passage: int) -> list[tuple[Hit, Line]]:
    """The lines of the highest score, in the order of `hits` where equal; those clearly below the best left out."""
    scored = [(score, hit, line) for hit in hits for score, line in _scored(hit.passage, topic, weights)[:per_passage]]
    scored.sort(key=lambda found: -found[0])
    return [(hit, line) for score, hit, line in scored if score >= NEARLY * scored[0][0]]


def _scored(passage: Passage, topic: Topic, weights: Weights) -> list[tuple[float, Line]]:
    headings, wanted = under(passage), held(topic.text)
    base = overlap(headings, weights) + ASKED * bool(headings.intersection(asked_for(topic.text)))
    scored = []
    for line in passage.lines:
        words = held(line.text)
        together = overlap(words | headings, weights)
        if together >= STATED and _fits(line, passage, topic) and not contradicts(words, wanted, remedy=passage.action):
            scored.append((overlap(words, weights) + base + TOGETHER * together, line))
    return sorted(scored, key=lambda found: -found[0])


def _fits(line: Line, passage: Passage, topic: Topic) -> bool:
    """Whether the line is about what it has to be about, by its own words or its section's heading, and, as a
    countermeasure, says something: a table row of figures does not."""
    named = held(line.text) | held(passage.headings[-1] if passage.headings else "")
    return held(topic.about) <= named and not (passage.action and line.quote[-1:].isdigit())


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
