"""Answer a question with verified sources, at once or in pieces while the answer is being worded.

Without a text generator the answer is extractive: it quotes the documents. With one, a language model words it claim by
claim, and each claim is verified before it is returned. Recommendations are quotes in both cases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeVar

from shotwise.deadline import Deadline
from shotwise.errors import KnowledgeError, ModelPaused
from shotwise.knowledge.answering.extract import TopicQuery, source_from_hit, statements
from shotwise.knowledge.answering.generate import Claim, complete_lines, system_prompt, user_prompt, verified_claims
from shotwise.knowledge.answering.model_pause import PAUSED, ModelPause
from shotwise.knowledge.answering.semantic import statements_by_meaning
from shotwise.knowledge.models import Answer, DocumentSummary, Hit, Passage, Query, Source
from shotwise.knowledge.ports import Embedder, TextGenerator
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.retrieval.rank import rank_passages
from shotwise.knowledge.text.question import Question, Topic, language_of
from shotwise.limits import API_ANSWER_SECONDS, EMBEDDING_SECONDS, EXTRACTION_SECONDS

MAX_QUOTES, MAX_RECOMMENDATIONS, MAX_EVIDENCE = 4, 4, 8
MIN_EVIDENCE_RELEVANCE = 0.2  # of a passage for the language model, if the query has no vector
EXTRACTIVE = "extractive"
PHRASES = {
    "ko": {"introduction": "문서에서 찾은 내용입니다.",
           "not_answered": "이 질문에 대한 내용은 문서에 없습니다. 질문을 바꾸거나 관련 문서를 추가하십시오."},
    "en": {"introduction": "This is what the documents say.",
           "not_answered": "The documents do not answer this. Ask in other words, or add a document that does."},
}
Returned = TypeVar("Returned")
Event = Hit | str | Answer  # a passage given to the language model, a piece of the text, or the complete answer


@dataclass
class _Draft:
    """An unfinished answer, and how long it may take: in total, and until no model is asked any more."""

    language: str
    deadline: Deadline
    models_deadline: Deadline
    sources: list[Source] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    dropped: int = 0
    degraded: list[tuple[str, str]] = field(default_factory=list)
    queries: dict[tuple[Topic, ...], list[TopicQuery]] = field(default_factory=dict)

    def degrade(self, step: str, error: Exception) -> None:
        """Record that a step failed; the same failure is recorded once."""
        if (entry := (step, type(error).__name__)) not in self.degraded:
            self.degraded.append(entry)

    def cite(self, source: Source) -> int:
        """Return the number of a source, from 1, adding it if it is new."""
        if source not in self.sources:
            self.sources.append(source)
        return self.sources.index(source) + 1

    def add_line(self, line: str) -> str:
        """Add a line to the text and return it, after a line break unless it is the first."""
        self.lines.append(line)
        return line if len(self.lines) == 1 else f"\n{line}"

    def finish(self, recommendations: Sequence[Source], generator: str) -> Answer:
        """Return the complete answer; if it has no lines, its text says that the documents do not answer."""
        degraded = tuple(self.degraded)
        if not self.lines:
            text = PHRASES[self.language]["not_answered"]
            return Answer(text, (), (), (), False, generator, self.dropped, degraded)
        indices = tuple(self.cite(source) - 1 for source in recommendations)
        return Answer("\n".join(self.lines), tuple(self.sources), tuple(source.quote for source in recommendations),
                      indices, True, generator, self.dropped, degraded)


class Answerer:
    """Answers questions from the plant's documents.

    Parameters
    ----------
    hybrid_search : HybridSearch
        Finds the passages.
    embedder : Embedder, optional
        Embeds questions. Without it, passages are searched by words alone.
    text_generator : TextGenerator, optional
        Words the answers. Without it, they are extractive.
    min_similarity : float
        Minimum cosine of a statement that is quoted for its meaning alone; it depends on the embedder.
    time_limit_s : float
        Time limit of an answer, in seconds; a call may set a shorter one.
    """

    def __init__(self, hybrid_search: HybridSearch, embedder: Embedder | None = None,
                 text_generator: TextGenerator | None = None, min_similarity: float = 0.5,
                 time_limit_s: float = 60.0) -> None:
        self.hybrid_search = hybrid_search
        self.name = text_generator.name if text_generator else EXTRACTIVE
        self._embedder = embedder
        self._text_generator = text_generator
        self._min_similarity = min_similarity
        self._time_limit_s = time_limit_s
        self._embedder_pause, self._generator_pause = ModelPause(), ModelPause()

    def answer(self, question: Question, seconds: float = API_ANSWER_SECONDS) -> Answer:
        """Return the complete answer within `seconds`.

        It contains only quotes that are on the page they cite. If no passage answers, `grounded` is False, the text
        says so and there are no sources. If the embedder fails, passages are searched by words alone; if the text
        generator fails, the answer is extractive. `degraded` lists both failures.

        Raises
        ------
        KnowledgeError
            The search does not answer in time.
        """
        *_, answer = self.events(question, self.deadline(seconds))
        assert isinstance(answer, Answer)
        return answer

    def search(self, text: str, limit: int) -> list[Hit]:
        """Return the passages for a text, best first, whether or not they answer it.

        If the embedder fails, they are searched by words alone. Raises KnowledgeError if the search does not answer.
        """
        ((_, query),) = self._queries((Topic(text),), _draft("ko", self.deadline(API_ANSWER_SECONDS)))
        return list(rank_passages(query, self.hybrid_search, limit).hits)

    def deadline(self, seconds: float = math.inf) -> Deadline:
        """Return the deadline of an answer that begins now: in `seconds`, or earlier if `time_limit_s` is less."""
        return Deadline(min(seconds, self._time_limit_s))

    def events(self, question: Question, deadline: Deadline | None = None) -> Generator[Event, None, None]:
        """Yield the passages that the language model is given, the text in pieces, and at the end the Answer.

        Closing the generator stops the language model; cancelling the deadline does so from another thread.

        Raises
        ------
        KnowledgeError
            The search does not answer in time.
        Cancelled
            The deadline was cancelled.
        """
        draft = _draft(question.language, deadline or self.deadline())
        if self._text_generator and self._generator_pause.is_on:
            draft.degrade("generation", ModelPaused(PAUSED))  # without searching passages for it
        elif self._text_generator:
            topic_queries, hits = self._evidence(question, draft)
            yield from hits
            failed = False
            try:
                yield from self._generated(topic_queries, hits, draft, self._text_generator)
            except KnowledgeError as error:
                draft.degrade("generation", error)
                failed = True
            if draft.lines or not failed:
                recommendations = self._recommendations(topic_queries, draft) if draft.lines else ()
                yield draft.finish(recommendations, self._text_generator.name)
                return
        yield from self._extracted(question, draft)

    def _extracted(self, question: Question, draft: _Draft) -> Iterator[Event]:
        """Yield the answer as quotes."""
        for topics in (question.topics, question.fallback_topics):
            topic_queries = self._queries(topics, draft)
            if quotes := self._statements(topic_queries, MAX_QUOTES, draft):
                break
        if quotes:
            yield draft.add_line(PHRASES[question.language]["introduction"])
        for source in quotes:
            yield draft.add_line(f"“{source.quote}” [{draft.cite(source)}]")
        yield draft.finish(self._recommendations(topic_queries, draft) if quotes else (), EXTRACTIVE)

    def _generated(self, topic_queries: Sequence[TopicQuery], hits: Sequence[Hit], draft: _Draft,
                   text_generator: TextGenerator) -> Iterator[Event]:
        """Yield the answer as verified claims of a language model."""
        if not hits:
            return
        question = "\n".join(topic.text for topic, _ in topic_queries)
        prompts = system_prompt(draft.language), user_prompt(question, hits)
        try:
            with (self._generator_pause.asking(),
                  closing(text_generator.write(*prompts, draft.models_deadline)) as pieces):
                for claim in verified_claims(complete_lines(pieces), hits, self.hybrid_search):
                    draft.models_deadline.check("the model")
                    yield from self._add_claim(claim, draft)
        finally:
            if draft.lines:  # a model that is slow but of use is asked again
                self._generator_pause.end()

    @staticmethod
    def _add_claim(claim: Claim | None, draft: _Draft) -> Iterator[str]:
        if claim is None:
            draft.dropped += 1
        else:
            yield draft.add_line(f"{claim.text} [{draft.cite(source_from_hit(claim.hit, claim.quote))}]")

    def _queries(self, topics: tuple[Topic, ...], draft: _Draft) -> list[TopicQuery]:
        """Return the topics with their queries, which have vectors unless the embedder is missing or fails."""
        draft.deadline.check("the search")
        if topics not in draft.queries:
            vectors = self._embedded([topic.text for topic in topics], draft)
            draft.queries[topics] = [TopicQuery(topic, Query(topic.text, vector))
                                     for topic, vector in zip(topics, vectors, strict=True)]
        return draft.queries[topics]

    def _embedded(self, texts: list[str], draft: _Draft) -> Sequence[tuple[float, ...] | None]:
        if not texts:
            return []
        return self._with_embedder(draft, lambda embedder, deadline: embedder.embed(texts, deadline)) or [
            None] * len(texts)

    def _statements(self, topic_queries: Sequence[TopicQuery], limit: int, draft: _Draft, *,
                    action_only: bool = False) -> list[Source]:
        """Return the best statements by words or, if there are none, by meaning."""
        draft.deadline.check("the search")
        if sources := statements(topic_queries, self.hybrid_search, limit, action_only=action_only):
            return sources
        return self._with_embedder(draft, lambda embedder, deadline: statements_by_meaning(
            topic_queries, self.hybrid_search, embedder, self._min_similarity, limit, deadline,
            action_only=action_only)) or []

    def _with_embedder(self, draft: _Draft, call: Callable[[Embedder, Deadline], Returned]) -> Returned | None:
        """Return what the call returns; None without an embedder, or if it fails, now or earlier in this answer."""
        if self._embedder is None or any(step == "embedding" for step, _ in draft.degraded):
            return None
        try:
            draft.models_deadline.check("the embedder")
            with self._embedder_pause.asking():
                return call(self._embedder, draft.models_deadline.sooner(EMBEDDING_SECONDS))
        except KnowledgeError as error:
            draft.degrade("embedding", error)
            return None

    def _recommendations(self, topic_queries: Sequence[TopicQuery], draft: _Draft) -> list[Source]:
        return self._statements(topic_queries, MAX_RECOMMENDATIONS, draft, action_only=True)

    def _evidence(self, question: Question, draft: _Draft) -> tuple[list[TopicQuery], list[Hit]]:
        """Return the topics that were searched, and the passages for the model, one of each topic in turn."""
        for topics in (question.topics, question.fallback_topics):
            topic_queries = self._queries(topics, draft)
            evidence: dict[Passage, Hit] = {}
            hits_per_topic = [self._relevant_hits(query) for _, query in topic_queries]
            for hit in (hits[rank] for rank in range(MAX_EVIDENCE) for hits in hits_per_topic if rank < len(hits)):
                if len(evidence) < MAX_EVIDENCE:
                    evidence.setdefault(hit.passage, hit)
            if evidence:
                break
        return topic_queries, list(evidence.values())

    def _relevant_hits(self, query: Query) -> list[Hit]:
        hits = rank_passages(query, self.hybrid_search).hits
        return [hit for hit in hits if query.vector is not None or hit.relevance >= MIN_EVIDENCE_RELEVANCE]


def _draft(language: str, deadline: Deadline) -> _Draft:
    """Begin an answer. No model is asked any more in the last EXTRACTION_SECONDS, or the last quarter of less time."""
    seconds = deadline.seconds_left
    return _Draft(language, deadline, deadline.sooner(seconds - min(EXTRACTION_SECONDS, seconds / 4)))


def documents_language(summaries: Sequence[DocumentSummary]) -> str:
    """Return the language of most titles: "en" if fewer than half are Korean, else "ko"."""
    korean = sum(language_of(summary.title) == "ko" for summary in summaries)
    return "en" if korean * 2 < len(summaries) else "ko"
