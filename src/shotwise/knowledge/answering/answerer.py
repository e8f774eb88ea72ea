"""A question → an answer that can be checked: as a whole, or piece by piece while it is being worded.

Without a writer the answer is extractive: quotes of the documents. With one it is worded by a language model, claim by
claim, and each claim is proven before it is let out. Recommendations are statements of the documents either way.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from shotwise.errors import KnowledgeError
from shotwise.knowledge.answering.extract import Searched, source_of, statements
from shotwise.knowledge.answering.generate import Claim, claims, instructions, lines, prompt
from shotwise.knowledge.answering.semantic import alike
from shotwise.knowledge.models import Answer, DocumentSummary, Hit, Passage, Query, Source
from shotwise.knowledge.ports import Embedder, TextGenerator
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.retrieval.rank import rank_passages
from shotwise.knowledge.text.question import Question, Topic, language_of

QUOTES, RECOMMENDATIONS, EVIDENCE = 4, 4, 8
MIN_EVIDENCE = 0.2  # relevance of a passage that a writer is shown, where no vector speaks for it
EXTRACTIVE = "extractive"
WORDS = {
    "ko": {"found": "문서에서 찾은 내용입니다.",
           "none": "이 질문에 대한 내용은 문서에 없습니다. 질문을 바꾸거나 관련 문서를 추가하십시오."},
    "en": {"found": "This is what the documents say.",
           "none": "The documents do not answer this. Ask in other words, or add a document that does."},
}
Event = Hit | str | Answer  # a passage that the answer rests on, a piece of its text, the whole of it at the end


@dataclass
class _Draft:
    """An answer in the making. end: the time by which it has to be written; degraded: (step, error) of what did not
    work."""

    language: str
    end: float
    sources: list[Source] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    dropped: int = 0
    degraded: list[tuple[str, str]] = field(default_factory=list)

    def degrade(self, step: str, error: Exception) -> None:
        """Note that a step did not work, each once."""
        if (entry := (step, type(error).__name__)) not in self.degraded:
            self.degraded.append(entry)

    def cite(self, source: Source) -> int:
        """The number of a source, from 1."""
        if source not in self.sources:
            self.sources.append(source)
        return self.sources.index(source) + 1

    def add(self, line: str) -> str:
        """A further line; what it adds to the text."""
        self.text.append(line)
        return line if len(self.text) == 1 else f"\n{line}"

    def finished(self, remedies: Sequence[Source], generator: str) -> Answer:
        """The whole, or the refusal where nothing was said."""
        degraded = tuple(self.degraded)
        if not self.text:
            return Answer(WORDS[self.language]["none"], (), (), (), False, generator, self.dropped, degraded)
        places = tuple(self.cite(remedy) - 1 for remedy in remedies)
        return Answer("\n".join(self.text), tuple(self.sources), tuple(remedy.quote for remedy in remedies), places,
                      True, generator, self.dropped, degraded)


class Answerer:
    """Answers questions from the documents of a store. similar: the least cosine of a statement that is quoted for its meaning alone;
    it depends on the embedder. seconds: after which a writer that is still writing is stopped."""

    def __init__(self, hybrid_search: HybridSearch, embedder: Embedder | None = None, text_generator: TextGenerator | None = None,
                 similar: float = 0.5, seconds: float = 60.0) -> None:
        self.hybrid_search = hybrid_search
        self.name = text_generator.name if text_generator else EXTRACTIVE
        self._embedder = embedder
        self._text_generator = text_generator
        self._similar = similar
        self._seconds = seconds

    def answer(self, question: Question) -> Answer:
        """The whole answer. Only quotes that stand on the page they name are given; where no passage answers,
        `grounded` is False, the text says so and there are no sources.

        Raises KnowledgeError where the search does not answer. An embedder or a writer that fails is told in
        `degraded`, and the answer is searched by words, or extractive.
        """
        *_, last = self.events(question)
        assert isinstance(last, Answer)
        return last

    def search(self, text: str, limit: int) -> list[Hit]:
        """The passages for a text, best first, whether or not they answer it; by words alone where the embedder does
        not answer. Raises KnowledgeError where the search does not."""
        ((_, query),) = self._searched([Topic(text)], _Draft("ko", 0.0))
        return list(rank_passages(query, self.hybrid_search, limit).hits)

    def events(self, question: Question) -> Generator[Event, None, None]:
        """The passages that the answer rests on, its text in pieces, and the Answer. Closing the iterator stops the
        writer."""
        draft = _Draft(question.language, time.monotonic() + self._seconds)
        if self._text_generator:
            searched, hits = self._evidence(question, draft)
            yield from hits
            try:
                yield from self._generated(searched, hits, draft, self._text_generator)
                failed = False
            except KnowledgeError as error:
                draft.degrade("generation", error)
                failed = True
            if draft.text or not failed:
                yield draft.finished(self._remedies(searched, draft) if draft.text else (), self._text_generator.name)
                return
        yield from self._extracted(question, draft)

    def _extracted(self, question: Question, draft: _Draft) -> Iterator[Event]:
        for topics in (question.topics, question.otherwise):
            searched = self._searched(topics, draft)
            if quotes := self._statements(searched, QUOTES, draft):
                break
        if quotes:
            yield draft.add(WORDS[question.language]["found"])
        for quote in quotes:
            yield draft.add(f"“{quote.quote}” [{draft.cite(quote)}]")
        yield draft.finished(self._remedies(searched, draft) if quotes else (), EXTRACTIVE)

    def _generated(self, searched: Sequence[Searched], hits: Sequence[Hit], draft: _Draft,
                   writer: TextGenerator) -> Iterator[Event]:
        if not hits:
            return
        asked = "\n".join(topic.text for topic, _ in searched)
        with closing(writer.write(instructions(draft.language), prompt(asked, hits))) as pieces:
            for claim in claims(lines(_until(draft.end, pieces)), hits, self.hybrid_search):
                yield from self._said(claim, draft)

    @staticmethod
    def _said(claim: Claim | None, draft: _Draft) -> Iterator[str]:
        if claim is None:
            draft.dropped += 1
        else:
            yield draft.add(f"{claim.text} [{draft.cite(source_of(claim.hit, claim.quote))}]")

    def _searched(self, topics: Sequence[Topic], draft: _Draft) -> list[Searched]:
        """The topics, each with what is searched for it."""
        vectors: Sequence[tuple[float, ...] | None] = [None] * len(topics)
        if self._embedder and topics:
            try:
                vectors = self._embedder.embed([topic.text for topic in topics])
            except KnowledgeError as error:
                draft.degrade("embedding", error)
        return [(topic, Query(topic.text, vector)) for topic, vector in zip(topics, vectors, strict=True)]

    def _statements(self, searched: Sequence[Searched], most: int, draft: _Draft, *,
                    action_only: bool = False) -> list[Source]:
        found = statements(searched, self.hybrid_search, most, action_only=action_only)
        if not found and self._embedder:
            try:
                return alike(searched, self.hybrid_search, self._embedder, self._similar, most, action_only=action_only)
            except KnowledgeError as error:
                draft.degrade("embedding", error)
        return found

    def _remedies(self, searched: Sequence[Searched], draft: _Draft) -> list[Source]:
        return self._statements(searched, RECOMMENDATIONS, draft, action_only=True)

    def _evidence(self, question: Question, draft: _Draft) -> tuple[list[Searched], list[Hit]]:
        """The topics for which there is anything, and the passages that a writer is shown: the best of each in turn."""
        for topics in (question.topics, question.otherwise):
            searched = self._searched(topics, draft)
            found: dict[Passage, Hit] = {}
            per_topic = [self._hits(query) for _, query in searched]
            for hit in (hits[rank] for rank in range(EVIDENCE) for hits in per_topic if rank < len(hits)):
                if len(found) < EVIDENCE:
                    found.setdefault(hit.passage, hit)
            if found:
                break
        return searched, list(found.values())

    def _hits(self, query: Query) -> list[Hit]:
        found = rank_passages(query, self.hybrid_search)
        return [hit for hit in found.hits if query.vector is not None or hit.relevance >= MIN_EVIDENCE]


def _until(end: float, pieces: Iterable[str]) -> Iterator[str]:
    """The pieces that come in time; KnowledgeError at the first that does not."""
    for piece in pieces:
        if time.monotonic() > end:
            raise KnowledgeError("the model did not finish its answer in time")
        yield piece


def documents_language(entries: Sequence[DocumentSummary]) -> str:
    """The language that most documents are titled in."""
    korean = sum(language_of(entry.title) == "ko" for entry in entries)
    return "en" if korean * 2 < len(entries) else "ko"
