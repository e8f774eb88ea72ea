"""The figures against scikit-learn and direct loops, over made-up shots with ties; and that each check can fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from shotwise_training.metrics import (
    BINS,
    FIGURES,
    Predictions,
    best_f1_threshold,
    calibration_error,
    figures,
    paired_difference,
    resamples,
    within_run_roc_auc,
)

# Sums of the same numbers in another order: 1e-9 is far above their rounding and far below one shot's share.
TOLERANCE = 1e-9
REFERENCES = {
    "f1": lambda held: reference.f1_score(held.defect, held.predicted, zero_division=0),
    "precision": lambda held: reference.precision_score(held.defect, held.predicted, zero_division=0),
    "recall": lambda held: reference.recall_score(held.defect, held.predicted, zero_division=0),
    "roc_auc": lambda held: reference.roc_auc_score(held.defect, held.probability),
    "average_precision": lambda held: reference.average_precision_score(held.defect, held.probability)}


def made_up(seed: int, count: int = 60, levels: int = 12, threshold: float = 0.5) -> Predictions:
    """Shots of 3 runs in both classes; each class has `levels` probabilities, the defects' a third higher."""
    random = np.random.default_rng(seed)
    defect = random.random(count) < 0.3
    defect[:2] = True, False
    probability = (random.integers(0, levels, count) + levels // 3 * defect) / (1.4 * levels)
    return Predictions(probability, probability >= threshold, defect, random.integers(0, 3, count))


shots = st.builds(made_up, st.integers(0, 10_000), st.integers(10, 80), st.sampled_from([1, 3, 12, 500]),
                  st.sampled_from([0.0, 0.3, 0.5, 2.0]))


def once(held: Predictions) -> np.ndarray:
    """Weight one on every shot."""
    return np.ones((1, len(held.defect)))


def repeated(held: Predictions, counts: np.ndarray) -> Predictions:
    """Every shot as often as it counts."""
    return Predictions(*(np.repeat(part, counts) for part in (held.probability, held.predicted, held.defect, held.run)))


def value(name: str, held: Predictions) -> float:
    """The figure itself."""
    return float(FIGURES[name](held, once(held))[0])


def within_by_loop(held: Predictions) -> float:
    """Pairs of a defect and a good shot of the same run, counted one by one; nan where no run has any."""
    areas, sizes = [], []
    for run in set(held.run.tolist()):
        inside = held.run == run
        bad, good = held.probability[inside & held.defect], held.probability[inside & ~held.defect]
        if len(bad) and len(good):
            areas.append(np.mean([(one > other) + (one == other) / 2 for one in bad for other in good]))
            sizes.append(inside.sum())
    return float(np.average(areas, weights=sizes)) if areas else float("nan")


@pytest.mark.parametrize("name", REFERENCES)
@settings(deadline=None)
@given(held=shots)
def test_a_figure_is_scikit_learns(name: str, held: Predictions) -> None:
    """With ties, with nothing called and with everything called."""
    assert value(name, held) == pytest.approx(REFERENCES[name](held), abs=TOLERANCE)


@pytest.mark.parametrize("name", REFERENCES)
def test_that_check_fails_on_a_label_turned_round(name: str) -> None:
    """A single shot of the other class, a called good one, moves every figure further than the tolerance."""
    held = made_up(1)
    corrupted = held.defect.copy()
    corrupted[np.flatnonzero(held.predicted & ~held.defect)[0]] = True
    assert abs(value(name, replace(held, defect=corrupted)) - REFERENCES[name](held)) > 1000 * TOLERANCE


@settings(deadline=None)
@given(held=shots)
def test_within_run_is_the_direct_loop(held: Predictions) -> None:
    """Runs of one class count for nothing; where all are, there is no figure."""
    assert value("within_run_roc_auc", held) == pytest.approx(within_by_loop(held), abs=TOLERANCE, nan_ok=True)


def test_within_run_sees_which_run_a_shot_is_of() -> None:
    """A probability that is the run's rate is at chance inside it; the same shots in one run are not."""
    held = made_up(2, 400)
    rates = np.array([held.defect[held.run == run].mean() for run in range(3)])
    blind = replace(held, probability=rates[held.run])
    assert value("within_run_roc_auc", blind) == 0.5
    assert value("within_run_roc_auc", replace(blind, run=np.zeros(400, int))) == value("roc_auc", blind) > 0.5


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "ece"])
@settings(deadline=None)
@given(held=shots, seed=st.integers(0, 1000))
def test_a_weight_is_a_repeated_shot(name: str, held: Predictions, seed: int) -> None:
    """Counts of a resample give what the resampled rows give, so a replicate is a bootstrap replicate."""
    counts = np.random.default_rng(seed).integers(0, 4, len(held.defect))
    weighted = FIGURES[name](held, counts[None].astype(float))[0]
    assert weighted == pytest.approx(value(name, repeated(held, counts)), abs=TOLERANCE, nan_ok=True)


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "ece"])
def test_that_check_fails_on_a_shifted_weight(name: str) -> None:
    """Weights that slipped by one shot give another figure."""
    held = made_up(3)
    counts = np.random.default_rng(3).integers(0, 4, len(held.defect))
    slipped = FIGURES[name](held, np.roll(counts, 1)[None].astype(float))[0]
    assert abs(slipped - value(name, repeated(held, counts))) > 1000 * TOLERANCE


def test_weights_weigh_the_calibration_error_inside_its_bins() -> None:
    """Every bin counted twice changes nothing; its bins are those of the shots, not of the resample, so a resample is
    a direct sum over them."""
    held = made_up(4, 100, 500)
    weights = resamples(100, 5)
    order = np.argsort(held.probability, kind="stable").reshape(BINS, -1)
    for row, found in zip(weights, calibration_error(held, weights), strict=True):
        off = [abs(float((row[rows] * (held.probability - held.defect)[rows]).sum())) for rows in order]
        assert found == pytest.approx(sum(off) / row.sum(), abs=TOLERANCE)
    assert calibration_error(held, 2 * once(held))[0] == pytest.approx(value("ece", held), abs=TOLERANCE)


def test_the_calibration_error_of_what_is_calibrated_is_zero() -> None:
    """In each bin of 20 shots exactly the stated part is defective; stated 0.1 higher, the error is 0.1."""
    stated = np.repeat(np.arange(BINS) / BINS, 20)
    defect = np.tile(np.arange(20), BINS) < stated * 20 - TOLERANCE
    held = Predictions(stated, stated >= 0.5, defect, np.zeros(len(stated), int))
    assert value("ece", held) == pytest.approx(0, abs=TOLERANCE)
    assert value("ece", replace(held, probability=stated + 0.1)) == pytest.approx(0.1, abs=TOLERANCE)


@settings(deadline=None)
@given(held=shots)
def test_no_threshold_is_better_than_the_best(held: Predictions) -> None:
    """Of all thresholds that call the shots differently, tried one by one with scikit-learn's F1."""
    scores = {threshold: reference.f1_score(held.defect, held.probability >= threshold, zero_division=0)
              for threshold in np.unique(held.probability)}
    best = best_f1_threshold(held.probability, held.defect)
    assert scores[best] == pytest.approx(max(scores.values()), abs=TOLERANCE)


def test_that_check_fails_on_the_next_threshold() -> None:
    """Both neighbours of the best threshold are worse here."""
    held = made_up(5, 200)
    values = np.unique(held.probability)
    best = int(np.searchsorted(values, best_f1_threshold(held.probability, held.defect)))
    scores = [reference.f1_score(held.defect, held.probability >= threshold) for threshold in values]
    assert 0 < best < len(values) - 1 and scores[best] > max(scores[best - 1], scores[best + 1])


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "ece"])
def test_an_interval_covers_its_figure(name: str) -> None:
    """Over 20 tables of 150 shots, strictly inside; and narrower of more shots. (The calibration error of a resample
    lies above that of the shots: noise in a bin never cancels. Its interval need not cover it.)"""
    for seed in range(20):
        found = figures(made_up(seed, 150), resamples(150, 200))
        low, high = found["interval"][name]
        assert low < found[name] < high
    few, many = (figures(made_up(6, count), resamples(count, 200))["interval"][name] for count in (100, 3000))
    assert many[1] - many[0] < few[1] - few[0]


def test_an_interval_does_not_cover_just_anything() -> None:
    """Chance lies outside the interval of a probability that tells much."""
    held = made_up(7, 300)
    sure = replace(held, probability=held.probability + held.defect)
    assert figures(sure, resamples(300, 200))["interval"]["roc_auc"][0] > 0.5


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_differs_from_itself(name: str) -> None:
    """The resamples are paired: the difference is 0, and so is its interval; against another one it is not."""
    ours, other, weights = made_up(8), made_up(9), resamples(60, 200)
    assert paired_difference(ours, ours, name, weights) == {"difference": 0, "interval": [0, 0]}
    found = paired_difference(ours, replace(other, defect=ours.defect, run=ours.run), name, weights)
    assert found["difference"] != 0 and found["interval"][0] < found["interval"][1]


def test_a_paired_interval_is_narrower_than_an_unpaired_one() -> None:
    """Resamples of its own for each one, the corrupted pairing, double the spread that the pair shares."""
    ours = made_up(10, 300, 500)
    other = replace(ours, probability=ours.probability + np.random.default_rng(10).normal(0, 0.02, 300))
    weights = resamples(300, 200)
    low, high = paired_difference(ours, other, "roc_auc", weights)["interval"]
    loose = FIGURES["roc_auc"](ours, weights) - FIGURES["roc_auc"](other, weights[::-1])
    assert high - low < np.ptp(np.percentile(loose, (2.5, 97.5))) / 2


def test_resamples_are_the_same_for_everyone() -> None:
    """As many draws as shots, and the same draws at every call."""
    weights = resamples(50, 20)
    assert (weights.sum(axis=1) == 50).all() and (weights == resamples(50, 20)).all() and weights.std() > 0


def test_a_figure_that_does_not_exist_is_none() -> None:
    """Of good shots alone there is no ROC-AUC, and no number stands in for it."""
    good = replace(made_up(11), defect=np.zeros(60, bool))
    found = figures(good, resamples(60, 20))
    assert found["roc_auc"] is found["within_run_roc_auc"] is found["average_precision"] is None
    assert found["interval"]["roc_auc"] == [None, None] and found["recall"] == 0
    assert np.isnan(within_run_roc_auc(good, once(good))[0])
