"""Synthetic shots are what their documentation says."""

from __future__ import annotations

import numpy as np
from shots import generate

from shotwise.bundle import Bundle


def test_the_same_seed_gives_the_same_shots(bundle: Bundle) -> None:
    """Test runs are comparable, since the same seed gives the same shots."""
    np.testing.assert_array_equal(generate(bundle, 50, 1), generate(bundle, 50, 1))
    assert not np.array_equal(generate(bundle, 50, 1), generate(bundle, 50, 2), equal_nan=True)


def test_values_stay_in_the_range_seen(bundle: Bundle) -> None:
    """Numbers stay inside their range, categories stay codes, and only values that may be missing are."""
    rows = generate(bundle, 500, 1)
    for column, feature in enumerate(bundle.features):
        if not feature.categories:
            low, high = np.float32(feature.seen)
            assert np.nanmin(rows[:, column]) >= low and np.nanmax(rows[:, column]) <= high
        else:
            assert set(rows[:, column]) <= set(range(len(feature.categories)))
        assert np.isnan(rows[:, column]).any() == feature.missing
