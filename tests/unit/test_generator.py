"""The synthetic shots are what their documentation says."""

from __future__ import annotations

import numpy as np
from shots import generate

from shotwise.bundle import Bundle


def test_the_same_seed_gives_the_same_shots(bundle: Bundle) -> None:
    """Runs can be compared."""
    np.testing.assert_array_equal(generate(bundle, 50, 1), generate(bundle, 50, 1))
    assert not np.array_equal(generate(bundle, 50, 1), generate(bundle, 50, 2), equal_nan=True)


def test_values_stay_in_the_range_seen(bundle: Bundle) -> None:
    """Constants stay constant, categories stay codes, the rest stays inside its range, some values are missing."""
    rows = generate(bundle, 500, 1)
    for index, feature in enumerate(bundle.features):
        if not feature.categories:
            low, high = np.float32(feature.seen)
            assert np.nanmin(rows[:, index]) >= low and np.nanmax(rows[:, index]) <= high
        else:
            assert set(rows[:, index]) <= set(range(len(feature.categories)))
        assert np.isnan(rows[:, index]).any() == feature.missing
