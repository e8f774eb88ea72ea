"""Questions and documents that share no words, and what happens where nothing turns them into vectors."""

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

# A dictionary without the English names, so that only the meaning joins the languages.
PLAIN = Analyzer(Dictionary(frozenset(("미성형", "비스킷")), {}, {}))
ENGLISH = (passage("A thin biscuit means too little metal was poured.", headings=("Short shot",)),
           passage("Pour more when the biscuit is thin.", headings=("Short shot", "Countermeasures"), action=True),
           passage("Check the tonnage of the press every month."))
KOREAN = (passage("비스킷이 얇으면 급탕이 모자란다.", headings=("미성형",)),
          passage("비스킷이 얇으면 급탕을 늘린다.", headings=("미성형", "대책"), action=True),
          passage("형체력을 달마다 잰다."))
ACROSS = [("비스킷이 얇으면 무슨 일이 생기나요?", ENGLISH, "ko"),
          ("What happens when the biscuit is thin?", KOREAN, "en")]


def answerer_of(passages: tuple[Passage, ...], embedder: FakeEmbedder | None, writer: FakeTextGenerator | None = None,
                similar: float = 0.6) -> Answerer:
    """What answers from these passages, by words and, where there is an embedder, by meaning."""
    library, searcher = InMemoryDocumentStore(), FakePassageSearch()
    kept = indexed_document(PLAIN, *passages)
    library.put(kept)
    searcher.put(kept, FakeEmbedder().embed([each.text for each in passages]))
    return Answerer(HybridSearch(library, PLAIN, searcher if embedder else None), embedder, writer, similar)


@pytest.mark.parametrize(("question", "passages", "language"), ACROSS, ids=["ko-en", "en-ko"])
def test_the_other_language_is_found_by_meaning(question: str, passages: tuple[Passage, ...], language: str) -> None:
    """A Korean question finds what English documents say, and the reverse: their own words, the nearest first, framed
    in the question's language, with countermeasures from sections of countermeasures."""
    found = answerer_of(passages, FakeEmbedder()).answer(question_from_user(question, None))
    assert found.grounded and found.text.startswith(PHRASES[language]["introduction"]) and found.generator == "extractive"
    quotes = [source.quote for source in found.sources]
    assert passages[0].lines[0].quote in quotes and passages[2].lines[0].quote not in quotes
    assert found.recommendations == (passages[1].lines[0].quote,)
    near = [source.relevance for source in found.sources]
    assert near == sorted(near, reverse=True) and 0.6 <= min(near) <= max(near) <= 1.0001


@pytest.mark.parametrize(("question", "passages", "language"), ACROSS, ids=["ko-en", "en-ko"])
def test_without_an_embedder_it_is_refused(question: str, passages: tuple[Passage, ...], language: str) -> None:
    """Words alone find nothing across languages, and nothing is made up."""
    found = answerer_of(passages, None).answer(question_from_user(question, None))
    assert found == Answer(PHRASES[language]["not_answered"], (), (), (), False, "extractive")


@pytest.mark.parametrize("question", ["점심은 무엇인가요?", "밸브는 어디에 있나요?", "회식 장소?", "?"])
def test_what_is_not_near_is_refused(question: str) -> None:
    """The nearest passage of all is no answer where it is about something else."""
    found = answerer_of(ENGLISH, FakeEmbedder()).answer(question_from_user(question, None))
    assert not found.grounded and found.sources == found.recommendations == () and found.degraded == ()


def test_how_near_is_a_setting() -> None:
    """A stricter one leaves out what a looser one quotes."""
    question = question_from_user("비스킷이 얇고 온도가 높고 기공이 있으면?", None)
    loose, strict = (answerer_of(ENGLISH, FakeEmbedder(), similar=similar).answer(question) for similar in (0.3, 0.9))
    assert loose.grounded and not strict.grounded


def test_words_come_before_meaning() -> None:
    """Where the words find an answer, no line is embedded: only the question is."""
    embedder = FakeEmbedder()
    found = answerer_of(KOREAN, embedder).answer(question_from_user("비스킷이 얇으면 무슨 일이 생기나요?", None))
    assert found.grounded and embedder.texts == [["비스킷이 얇으면 무슨 일이 생기나요?"]]


def test_a_quote_found_by_meaning_is_proven_too() -> None:
    """A line that does not stand on its page is as good as absent, however near."""
    answerer = answerer_of(ENGLISH, FakeEmbedder())
    library = InMemoryDocumentStore()
    library.put(indexed_document(PLAIN, *ENGLISH, pages=["Another page."]))
    answerer.hybrid_search.document_store = library
    assert not answerer.answer(question_from_user(ACROSS[0][0], None)).grounded


def test_an_embedder_that_fails_leaves_the_words() -> None:
    """The answer is that of the words, and says that the embedding failed, once."""
    question = question_from_user("비스킷이 얇으면 무슨 일이 생기나요?", None)
    found = answerer_of(KOREAN, FakeEmbedder(fails_from=1)).answer(question)
    assert found.degraded == (("embedding", "KnowledgeError"),)
    assert replace(found, degraded=()) == answerer_of(KOREAN, None).answer(question)


def test_an_embedder_that_fails_refuses_across_languages() -> None:
    """What only the meaning would find is refused, and it says why."""
    found = answerer_of(ENGLISH, FakeEmbedder(fails_from=1)).answer(question_from_user(ACROSS[0][0], None))
    assert not found.grounded and found.degraded == (("embedding", "KnowledgeError"),)


@pytest.mark.parametrize("call", [2, 3])
def test_an_embedder_that_fails_later_is_told_as_well(call: int) -> None:
    """Where the question is embedded and the lines, or those of the countermeasures, are not, what there is is the
    answer: the embedder's failure is nobody's error."""
    found = answerer_of(ENGLISH, FakeEmbedder(fails_from=call)).answer(question_from_user(ACROSS[0][0], None))
    assert found.degraded == (("embedding", "KnowledgeError"),) and found.grounded == (call == 3)


def test_a_model_is_shown_what_the_meaning_finds() -> None:
    """With a writer, evidence in another language is enough, though it shares no word with the question."""
    writer = FakeTextGenerator('{"claim": "급탕이 모자라다.", "source": 1, "quote": "A thin biscuit means too little metal"}')
    found = answerer_of(ENGLISH, FakeEmbedder(), writer).answer(question_from_user(ACROSS[0][0], None))
    assert found.text == "급탕이 모자라다. [1]" and found.sources[0].quote == "A thin biscuit means too little metal"
    assert answerer_of(ENGLISH, None, FakeTextGenerator()).answer(question_from_user(ACROSS[0][0], None)).grounded is False


def test_a_model_is_asked_where_the_embedder_failed() -> None:
    """Each is degraded for itself: what the words find is worded by the model, and the failure is told."""
    writer = FakeTextGenerator('{"claim": "급탕이 모자라다.", "source": 1, "quote": "비스킷이 얇으면 급탕이 모자란다."}')
    found = answerer_of(KOREAN, FakeEmbedder(fails_from=1), writer).answer(question_from_user("비스킷이 얇으면 급탕은?", None))
    assert found.generator == "fake-writer" and found.degraded == (("embedding", "KnowledgeError"),)


def test_the_refusal_of_a_model_holds_where_the_embedder_failed() -> None:
    """The model was asked and said that the passages do not answer: that is the answer, not what it was shown."""
    found = answerer_of(KOREAN, FakeEmbedder(fails_from=1), FakeTextGenerator('{"none": true}')).answer(
        question_from_user("비스킷이 얇으면 급탕은?", None))
    assert not found.grounded and found.generator == "fake-writer"


def test_the_same_concept_is_near_in_both_languages() -> None:
    """The fake does what the tests need of it: translations are one direction, other concepts another."""
    thin, duenn, lunch = FakeEmbedder().embed(["비스킷이 얇다", "the biscuit is thin", "점심"])
    assert thin == duenn and sum(a * b for a, b in zip(thin, lunch, strict=True)) == 0
