"""Answers to questions that share no words with the documents, and what happens where the embedder fails."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import FakeEmbedder, FakePassageSearch, FakeTextGenerator, InMemoryDocumentStore
from sample_documents import indexed_document, passage

from shotwise.knowledge.answering.answerer import PHRASES, Answerer
from shotwise.knowledge.models import Answer, Passage
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer, Dictionary
from shotwise.knowledge.text.question import question_from_user

# A dictionary without English names, so that only the meaning connects the languages.
PLAIN = Analyzer(Dictionary(frozenset(("미성형", "비스킷")), {}, {}))
ENGLISH = (passage("A thin biscuit means too little metal was poured.", headings=("Short shot",)),
           passage("Pour more when the biscuit is thin.", headings=("Short shot", "Countermeasures"), action=True),
           passage("Check the tonnage of the press every month."))
KOREAN = (passage("비스킷이 얇으면 급탕이 모자란다.", headings=("미성형",)),
          passage("비스킷이 얇으면 급탕을 늘린다.", headings=("미성형", "대책"), action=True),
          passage("형체력을 달마다 잰다."))
ACROSS = [("비스킷이 얇으면 무슨 일이 생기나요?", ENGLISH, "ko"),
          ("What happens when the biscuit is thin?", KOREAN, "en")]


def answerer_of(passages: tuple[Passage, ...], embedder: FakeEmbedder | None,
                text_generator: FakeTextGenerator | None = None, min_similarity: float = 0.6) -> Answerer:
    """An answerer for these passages, by words and, where there is an embedder, by meaning."""
    store, passage_search = InMemoryDocumentStore(), FakePassageSearch()
    indexed = indexed_document(PLAIN, *passages)
    store.put(indexed)
    passage_search.put(indexed, FakeEmbedder().embed([source.text for source in passages]))
    hybrid_search = HybridSearch(store, PLAIN, passage_search if embedder else None)
    return Answerer(hybrid_search, embedder, text_generator, min_similarity)


@pytest.mark.parametrize(("question", "passages", "language"), ACROSS, ids=["ko-en", "en-ko"])
def test_the_other_language_is_found_by_meaning(question: str, passages: tuple[Passage, ...], language: str) -> None:
    """A Korean question finds statements of English documents, and the other way round.

    They are quoted in their own words, the nearest first, with an introduction in the question's language and
    recommendations from sections of countermeasures.
    """
    answer = answerer_of(passages, FakeEmbedder()).answer(question_from_user(question, None))
    assert answer.grounded and answer.text.startswith(PHRASES[language]["introduction"])
    assert answer.generator == "extractive"
    quotes = [source.quote for source in answer.sources]
    assert passages[0].lines[0].quote in quotes and passages[2].lines[0].quote not in quotes
    assert answer.recommendations == (passages[1].lines[0].quote,)
    cosines = [source.relevance for source in answer.sources]
    assert cosines == sorted(cosines, reverse=True) and 0.6 <= min(cosines) <= max(cosines) <= 1.0001


@pytest.mark.parametrize(("question", "passages", "language"), ACROSS, ids=["ko-en", "en-ko"])
def test_without_an_embedder_it_is_refused(question: str, passages: tuple[Passage, ...], language: str) -> None:
    """Words alone find nothing across languages, and nothing is invented."""
    answer = answerer_of(passages, None).answer(question_from_user(question, None))
    assert answer == Answer(PHRASES[language]["not_answered"], (), (), (), False, "extractive")


@pytest.mark.parametrize("question", ["점심은 무엇인가요?", "밸브는 어디에 있나요?", "회식 장소?", "?"])
def test_a_question_without_a_similar_statement_is_refused(question: str) -> None:
    """The nearest passage is no answer where it is about something else."""
    answer = answerer_of(ENGLISH, FakeEmbedder()).answer(question_from_user(question, None))
    assert not answer.grounded and answer.sources == answer.recommendations == () and answer.degraded == ()


def test_the_smallest_similarity_is_a_setting() -> None:
    """A stricter one leaves out what a looser one quotes."""
    question = question_from_user("비스킷이 얇고 온도가 높고 기공이 있으면?", None)
    loose, strict = (answerer_of(ENGLISH, FakeEmbedder(), min_similarity=min_similarity).answer(question)
                     for min_similarity in (0.3, 0.9))
    assert loose.grounded and not strict.grounded


def test_words_come_before_meaning() -> None:
    """Where words find an answer, only the question is embedded and no line."""
    embedder = FakeEmbedder()
    answer = answerer_of(KOREAN, embedder).answer(question_from_user("비스킷이 얇으면 무슨 일이 생기나요?", None))
    assert answer.grounded and embedder.texts == [["비스킷이 얇으면 무슨 일이 생기나요?"]]


def test_a_quote_found_by_meaning_is_verified_too() -> None:
    """A line that does not stand on its page is not quoted, however similar it is."""
    answerer = answerer_of(ENGLISH, FakeEmbedder())
    store = InMemoryDocumentStore()
    store.put(indexed_document(PLAIN, *ENGLISH, pages=["Another page."]))
    answerer.hybrid_search.document_store = store
    assert not answerer.answer(question_from_user(ACROSS[0][0], None)).grounded


def test_an_embedder_that_fails_leaves_the_search_by_words() -> None:
    """The answer is that of a search by words, and notes once that embedding failed."""
    question = question_from_user("비스킷이 얇으면 무슨 일이 생기나요?", None)
    answer = answerer_of(KOREAN, FakeEmbedder(fails_from=1)).answer(question)
    assert answer.degraded == (("embedding", "KnowledgeError"),)
    assert replace(answer, degraded=()) == answerer_of(KOREAN, None).answer(question)


def test_without_the_embedder_another_language_is_refused() -> None:
    """What only the meaning would find is refused, and the answer notes why."""
    answer = answerer_of(ENGLISH, FakeEmbedder(fails_from=1)).answer(question_from_user(ACROSS[0][0], None))
    assert not answer.grounded and answer.degraded == (("embedding", "KnowledgeError"),)


@pytest.mark.parametrize("call", [2, 3])
def test_an_embedder_that_fails_later_is_noted_as_well(call: int) -> None:
    """It may fail for the lines, or for those of countermeasures: the answer is what there is, and raises nothing."""
    answer = answerer_of(ENGLISH, FakeEmbedder(fails_from=call)).answer(question_from_user(ACROSS[0][0], None))
    assert answer.degraded == (("embedding", "KnowledgeError"),) and answer.grounded == (call == 3)


def test_a_model_is_shown_what_the_meaning_finds() -> None:
    """Passages in another language are evidence, though they share no word with the question."""
    text_generator = FakeTextGenerator(
        '{"claim": "급탕이 모자라다.", "source": 1, "quote": "A thin biscuit means too little metal"}')
    answer = answerer_of(ENGLISH, FakeEmbedder(), text_generator).answer(question_from_user(ACROSS[0][0], None))
    assert answer.text == "급탕이 모자라다. [1]" and answer.sources[0].quote == "A thin biscuit means too little metal"
    without_embedder = answerer_of(ENGLISH, None, FakeTextGenerator())
    assert without_embedder.answer(question_from_user(ACROSS[0][0], None)).grounded is False


def test_a_model_is_asked_where_the_embedder_failed() -> None:
    """What words find is worded by the model, and the failure is noted."""
    text_generator = FakeTextGenerator(
        '{"claim": "급탕이 모자라다.", "source": 1, "quote": "비스킷이 얇으면 급탕이 모자란다."}')
    answer = answerer_of(KOREAN, FakeEmbedder(fails_from=1), text_generator).answer(
        question_from_user("비스킷이 얇으면 급탕은?", None))
    assert answer.generator == "fake-model" and answer.degraded == (("embedding", "KnowledgeError"),)


def test_a_refusal_of_the_model_stands_where_the_embedder_failed() -> None:
    """The model was asked and said that the passages do not answer: they are not quoted instead."""
    answer = answerer_of(KOREAN, FakeEmbedder(fails_from=1), FakeTextGenerator('{"none": true}')).answer(
        question_from_user("비스킷이 얇으면 급탕은?", None))
    assert not answer.grounded and answer.generator == "fake-model"


def test_the_fake_embedder_knows_both_languages() -> None:
    """A translation has the same vector, another concept an orthogonal one."""
    korean, english, lunch = FakeEmbedder().embed(["비스킷이 얇다", "the biscuit is thin", "점심"])
    assert korean == english and sum(a * b for a, b in zip(korean, lunch, strict=True)) == 0
