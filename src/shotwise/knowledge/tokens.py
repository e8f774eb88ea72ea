"""Words → search tokens. Korean runs become character bigrams, so particles and compounds need no analyser.

"비스킷이" and "비스킷두께" both hold 비스 and 스킷: the words meet without a dictionary. Bigrams cost nothing at
start-up, unlike a morpheme analyser (about 3 s and 500 MB), and are within a few points of it in nDCG@10.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_RUN = re.compile(r"[가-힣]+|[a-z0-9]+(?:\.[0-9]+)?")
_ZERO_WIDTH = dict.fromkeys([0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_PARTICLES = ("에서는", "으로는", "이라는", "에서", "에게", "으로", "까지", "부터", "보다", "처럼", "하고", "이나", "라는",
              "은", "는", "이", "가", "을", "를", "에", "의", "로", "와", "과", "도", "만")
_ENDING = re.compile(r"(?:요|까|면|나|려|며|고|서|게|지|다|데|한|된|될|할|는|던|줘)$")
# Words that ask rather than tell: a passage need not hold them to be the answer.
_ASKING = frozenset(
    "왜 무엇 뭐 어떻게 어떤 어디 언제 얼마 얼마나 몇 누가 경우 때 있나요 있나 인가요 인가 하나요 하나 되나요 되나 할까요 할까 해야 "
    "하면 하려면 해줘 알려줘 알려 주세요 나요 합니까 입니까 생기나요 생기는 생긴 생길 발생 발생하는 발생하나요 발생하면 이유 방법 관련 대해 대한 "
    "것 수 및 또는 그리고 많이 자주 계속 갑자기 문제 무슨 좀 what why how when where which who is are do does the a an of in on to for and or can should i "
    "we it be cause causes tell me about".split())


def normalise(text: str) -> str:
    """One spelling for what looks the same: compatibility forms, case, zero-width characters."""
    return unicodedata.normalize("NFKC", text).translate(_ZERO_WIDTH).lower()


def tokens(text: str) -> list[str]:
    """The tokens of `text` in order, repeated ones included."""
    return [token for run in _RUN.findall(normalise(text)) for token in _split(run)]


@dataclass(frozen=True)
class Word:
    """A word of a question, particles cut off. inflected: it looks like a verb form, which an answer may put
    otherwise."""

    tokens: tuple[str, ...]
    inflected: bool


def content_words(question: str) -> list[Word]:
    """The words of a question that an answer should hold."""
    stems = {run: _stem(run) for run in _RUN.findall(normalise(question))}
    return [Word(tuple(_split(stem)), bool(_ENDING.search(stem))) for run, stem in stems.items()
            if run not in _ASKING and stem not in _ASKING and not _past(stem)]


def _past(stem: str) -> bool:
    """A past tense tells when, not what: its last syllable closes with ㅆ, as no noun's does."""
    return "가" <= stem[-1] <= "힣" and (ord(stem[-1]) - 0xAC00) % 28 == 20


def _stem(run: str) -> str:
    for particle in _PARTICLES:
        if run.endswith(particle) and len(run) - len(particle) >= 2:
            return run[: -len(particle)]
    return run


def _split(run: str) -> list[str]:
    if len(run) == 1 or not "가" <= run[0] <= "힣":
        return [run]
    return [run[index: index + 2] for index in range(len(run) - 1)]
