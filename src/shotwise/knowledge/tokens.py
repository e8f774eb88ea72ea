"""Words → search tokens. Korean runs become character bigrams, so particles and compounds need no analyser.

"비스킷이" and "비스킷두께" both hold 비스 and 스킷: the words meet without a dictionary. Bigrams cost nothing at
start-up, unlike a morpheme analyser (about 3 s and 500 MB), and are within a few points of it in nDCG@10.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_RUN = re.compile(r"[가-힣]+|[a-z0-9]+(?:\.[0-9]+)?")
_PLURAL = re.compile("[a-z]{2,}[^s0-9]s")
_ZERO_WIDTH = dict.fromkeys([0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_COPULAS = ("인가요", "이에요", "입니까", "예요")
_PARTICLES = (*_COPULAS, "이랑", "이란", "에서는", "으로는", "이라는", "에서", "에게", "으로",
              "까지", "부터", "보다", "처럼", "하고", "이나", "라는",
              "은", "는", "이", "가", "을", "를", "에", "의", "로", "와", "과", "도", "만")
# Short runs that end so are as often nouns (표면, 재고, 기한), so they need one syllable more.
_ENDING = re.compile(r"(?:.요|.까|.죠|.줘|..[면나려며고게지다데한된될할는던도야을]|.[아어여해]서|.면서|^.[은을]"
                     "|[아어여해려져겨쳐켜펴꿔워춰둬봐돼]야|.[려져겨쳐켜펴꿔워춰둬봐돼]서?)$")
# One spelling for the words of a trade that mean the same, and for the forms of the adjectives that tell a direction.
_SAME = {"주탕": "급탕", "국자": "래들", "런너": "러너", "쇳물": "용탕", "크랙": "균열", "불량": "결함", "두껍": "두꺼",
         "temperature": "temp"}
_SAME_RUN = re.compile("|".join(_SAME))
_DIRECTION = re.compile("(낮|높|짧|얇|많)[음은을아게고]")
# Words that ask rather than tell: a passage need not hold them to be the answer.
_ASKING_WORDS = """
    왜 원인 대책 무엇 뭐 어떻게 어떤 어디 언제 얼마 얼마나 몇 누가 경우 때 있나요 있나 인가요 인가 하나요 하나
    되나요 되나 할까요 할까 해야 뭐야 뭔가요 뭐가 뭐예요 무엇부터 먼저 너무 더 잘 가장 보통 혹시 정도 일 일이 있어
    없어 있는 없는 되면 될까 돼 해 해도 나와 봐야 한 번 번에 개 개의 개를 하면 하려면 해줘 알려줘 알려 주세요 나요
    합니까 입니까 생기나요 생기는 생긴 생길 발생 발생하는 발생하나요 발생하면 이유 방법 관련 대해 대한 것 수 및
    또는 그리고 많이 자주 계속 갑자기 문제 무슨 좀 what why how when where which who is are do does the a an of in
    on to for and or can should i we it be cause causes tell me about high low countermeasure countermeasures
    remedy
"""
_ASKING = frozenset(_ASKING_WORDS.split())
_WHICH = frozenset(("어떤", "무슨", "which"))
# What a question word asks for, as documents head it.
_ASKS_FOR = {"왜": "원인", "이유": "원인", "원인": "원인", "why": "원인", "cause": "원인", "causes": "원인",
             "방법": "대책", "대책": "대책", "how": "대책", "countermeasure": "대책", "remedy": "대책"}


def normalise(text: str) -> str:
    """One spelling for what looks the same: compatibility forms, case, zero-width characters."""
    return unicodedata.normalize("NFKC", text).translate(_ZERO_WIDTH).lower()


def tokens(text: str) -> list[str]:
    """The tokens of `text` in order, repeated ones included; English plurals as singulars."""
    return [token for run in _runs(text) for token in _split(run)]


def asked_for(question: str) -> list[str]:
    """The tokens of the headings that such a question is answered under: why → 원인, how → 대책."""
    headings = dict.fromkeys(_ASKS_FOR[run] for run in map(_stem, _runs(question)) if run in _ASKS_FOR)
    return [token for heading in headings for token in tokens(heading)]


@dataclass(frozen=True)
class Word:
    """A word of a question, particles cut off. inflected: it looks like a verb form, of which only the first two
    syllables count, as an answer may end it otherwise."""

    tokens: tuple[str, ...]
    inflected: bool


def content_words(question: str) -> list[Word]:
    """The words of a question that an answer should hold. The word after 어떤, 무슨 or which is what is asked for:
    an answer to 어떤 결함 names the defect instead."""
    runs = _runs(question)
    kept = [run for before, run in zip(["", *runs], runs, strict=False)
            if run not in _ASKING and run not in _PARTICLES and before not in _WHICH]
    stems = {_stem(run): run for run in reversed(kept)}
    return [_word(run, stem) for stem, run in reversed(stems.items()) if stem not in _ASKING and not _past(stem)]


def _word(run: str, stem: str) -> Word:
    inflected = bool(_ENDING.search(stem)) or run.endswith(("이는", "하는", "되는", "지는"))
    return Word(tuple(_split(stem)[:1] if inflected else _split(stem)), inflected)


def _past(stem: str) -> bool:
    """A past tense tells when, not what: its last syllable closes with ㅆ, as no noun's does."""
    return "가" <= stem[-1] <= "힣" and (ord(stem[-1]) - 0xAC00) % 28 == 20


def _runs(text: str) -> list[str]:
    """The words of `text`, Korean and Latin apart, in one spelling."""
    folded = _SAME_RUN.sub(lambda found: _SAME[found[0]], normalise(text))
    return _RUN.findall(_DIRECTION.sub(r"\1으", folded))


def _stem(run: str) -> str:
    for particle in _PARTICLES:
        if run.endswith(particle) and len(run) - len(particle) >= (1 if particle in _COPULAS else 2):
            return run[: -len(particle)]
    return run


def _split(run: str) -> list[str]:
    if not "가" <= run[0] <= "힣":
        return [run[:-1] if _PLURAL.fullmatch(run) else run]
    if len(run) == 1:
        return [run]
    return [run[index: index + 2] for index in range(len(run) - 1)]
