"""Read the numbers that rank passages from ranking_weights.toml, which explains them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any

FILE = "ranking_weights.toml"


@dataclass(frozen=True)
class RankingWeights:
    """The weights, limits and thresholds of retrieval.

    The comments in ranking_weights.toml explain the attributes, in the same order.
    """

    k1: float
    b: float
    bigram_weight: float
    fusion_depth: int
    rrf_k: int
    related_term_weight: float
    max_weak_weight: float
    unseen_weak_weight: float
    single_syllable_factor: float
    expansion_only_weight: float
    unknown_weight: float
    unknown_foreign_weight: float
    decisive_weight: float
    expansion_credit: float
    stated_credit: float
    min_expected_questions: int
    candidates: int
    rank_decay: float
    headings_weight: float
    headings_with_questions_weight: float
    line_weight: float
    line_with_questions_weight: float
    answer_depth: int
    missing_penalty: float
    min_coverage: float
    missing_penalty_with_questions: float
    min_coverage_with_questions: float
    line_and_headings_weight: float
    line_similarity_weight: float
    min_line_similarity: float


def read_weights(text: str) -> RankingWeights:
    """Read weights from TOML.

    Raises
    ------
    ValueError
        The text is not TOML, or a weight is missing, unknown or not a number of its type; the message names it.
    """
    content: dict[str, Any] = tomllib.loads(text)
    types: dict[str, Any] = {field.name: int if field.type == "int" else float for field in fields(RankingWeights)}
    missing, unknown = types.keys() - content.keys(), content.keys() - types.keys()
    if missing or unknown:
        faults = [f"lacks {', '.join(sorted(missing))}"] * bool(missing) \
            + [f"has unknown {', '.join(sorted(unknown))}"] * bool(unknown)
        raise ValueError(f"{FILE} {' and '.join(faults)}")
    for name, number in content.items():
        if type(number) is not int and (types[name] is int or type(number) is not float):
            expected = "a whole number" if types[name] is int else "a number"
            raise ValueError(f"{FILE}: {name} must be {expected}, not {number!r}")
    return RankingWeights(**{name: types[name](number) for name, number in content.items()})


WEIGHTS = read_weights(resources.files(__package__).joinpath(FILE).read_text("utf-8"))
