"""The background shots are real, few, the same every time, and represent all better than shots drawn at random."""

from __future__ import annotations

import numpy as np
import pytest

from shotwise_training.export.background import BACKGROUND, background_rows


def clustered(count: int) -> np.ndarray:
    """Make shots of eight runs of unequal spread."""
    random = np.random.default_rng(1)
    centres = random.normal(0, 3, (8, 6))
    return centres[random.integers(8, size=count)] + random.normal(0, 0.6, (count, 6))


@pytest.mark.parametrize("count", [1, 2, 40, 64, 65, 5000])
def test_there_are_as_many_as_allowed(count: int) -> None:
    """At most BACKGROUND different rows of the table, in order; of a small table, as many as it splits into."""
    rows = background_rows(clustered(count))
    assert len(rows) == min(BACKGROUND, 2 ** int(np.log2(count))) and len(set(rows)) == len(rows)
    assert list(rows) == sorted(rows) and rows.max() < count


def test_they_are_the_same_every_time() -> None:
    """Nothing is drawn at random."""
    np.testing.assert_array_equal(background_rows(clustered(900)), background_rows(clustered(900)))


def test_they_represent_all_better_than_random_shots() -> None:
    """Their mean is nearer to the mean of all than that of nine in ten random draws."""
    scaled = clustered(4000)
    random = np.random.default_rng(2)

    def distance(rows: np.ndarray) -> float:
        return float(np.abs(scaled[rows].mean(axis=0) - scaled.mean(axis=0)).sum())

    drawn = [distance(random.choice(len(scaled), BACKGROUND, replace=False)) for _ in range(50)]
    assert distance(background_rows(scaled)) < np.quantile(drawn, 0.1)


def test_a_constant_value_is_no_obstacle() -> None:
    """A column without spread has no direction, and splits nothing."""
    scaled = clustered(500)
    scaled[:, 2] = 1.0
    assert len(background_rows(scaled)) == BACKGROUND
