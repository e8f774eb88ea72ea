"""The figures equal scikit-learn's and those of direct loops, ties included; companions show that a check can fail."""

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
    "f1": lambda shots: reference.f1_score(shots.defect, shots.predicted, zero_division=0),
    "precision": lambda shots: reference.precision_score(shots.defect, shots.predicted, zero_division=0),
    "recall": lambda shots: reference.recall_score(shots.defect, shots.predicted, zero_division=0),
    "roc_auc": lambda shots: reference.roc_auc_score(shots.defect, shots.probability),
    "average_precision": lambda shots: reference.average_precision_score(shots.defect, shots.probability)}


def made_up(seed: int, count: int = 60, levels: int = 12, threshold: float = 0.5) -> Predictions:
    """Make shots of 3 runs in both classes; each class has `levels` probabilities, the defects' a third higher."""
    random = np.random.default_rng(seed)
    defect = random.random(count) < 0.3
    defect[:2] = True, False
    probability = (random.integers(0, levels, count) + levels // 3 * defect) / (1.4 * levels)
    return Predictions(probability, probability >= threshold, defect, random.integers(0, 3, count))


predictions = st.builds(made_up, st.integers(0, 10_000), st.integers(10, 80), st.sampled_from([1, 3, 12, 500]),
                  st.sampled_from([0.0, 0.3, 0.5, 2.0]))


def unit_weights(shots: Predictions) -> np.ndarray:
    """Give every shot the weight one."""
    return np.ones((1, len(shots.defect)))


def repeated(shots: Predictions, counts: np.ndarray) -> Predictions:
    """Repeat every shot as often as it counts."""
    return Predictions(*(np.repeat(part, counts)
                         for part in (shots.probability, shots.predicted, shots.defect, shots.run)))


def figure_of(name: str, shots: Predictions) -> float:
    """Compute a figure with weight one on every shot."""
    return float(FIGURES[name](shots, unit_weights(shots))[0])


def within_run_by_loop(shots: Predictions) -> float:
    """Count pairs of a defect and a good shot of the same run one by one; NaN if no run has any."""
    areas, sizes = [], []
    for run in set(shots.run.tolist()):
        inside = shots.run == run
        bad, good = shots.probability[inside & shots.defect], shots.probability[inside & ~shots.defect]
        if len(bad) and len(good):
            areas.append(np.mean([(high > low) + (high == low) / 2 for high in bad for low in good]))
            sizes.append(inside.sum())
    return float(np.average(areas, weights=sizes)) if areas else float("nan")


@pytest.mark.parametrize("name", REFERENCES)
@settings(deadline=None)
@given(shots=predictions)
def test_a_figure_equals_that_of_scikit_learn(name: str, shots: Predictions) -> None:
    """With ties, with no shot and with every shot predicted defective."""
    assert figure_of(name, shots) == pytest.approx(REFERENCES[name](shots), abs=TOLERANCE)


@pytest.mark.parametrize("name", REFERENCES)
def test_that_check_fails_on_a_label_turned_round(name: str) -> None:
    """One good shot that is predicted defective and relabelled moves every figure further than the tolerance."""
    shots = made_up(1)
    corrupted = shots.defect.copy()
    corrupted[np.flatnonzero(shots.predicted & ~shots.defect)[0]] = True
    assert abs(figure_of(name, replace(shots, defect=corrupted)) - REFERENCES[name](shots)) > 1000 * TOLERANCE


@settings(deadline=None)
@given(shots=predictions)
def test_within_run_equals_the_direct_loop(shots: Predictions) -> None:
    """Runs of one class count for nothing; where all are, there is no figure."""
    area = figure_of("within_run_roc_auc", shots)
    assert area == pytest.approx(within_run_by_loop(shots), abs=TOLERANCE, nan_ok=True)


def test_within_run_does_not_credit_knowing_the_run() -> None:
    """A probability that is the run's rate is at chance inside it; the same shots in one run are not."""
    shots = made_up(2, 400)
    rates = np.array([shots.defect[shots.run == run].mean() for run in range(3)])
    run_only = replace(shots, probability=rates[shots.run])
    assert figure_of("within_run_roc_auc", run_only) == 0.5
    one_run = replace(run_only, run=np.zeros(400, int))
    assert figure_of("within_run_roc_auc", one_run) == figure_of("roc_auc", run_only) > 0.5


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "ece"])
@settings(deadline=None)
@given(shots=predictions, seed=st.integers(0, 1000))
def test_a_weight_is_a_repeated_shot(name: str, shots: Predictions, seed: int) -> None:
    """Counts of a resample give what the resampled rows give, so a replicate is a bootstrap replicate."""
    counts = np.random.default_rng(seed).integers(0, 4, len(shots.defect))
    weighted = FIGURES[name](shots, counts[None].astype(float))[0]
    assert weighted == pytest.approx(figure_of(name, repeated(shots, counts)), abs=TOLERANCE, nan_ok=True)


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "ece"])
def test_that_check_fails_on_a_shifted_weight(name: str) -> None:
    """Weights that slipped by one shot give another figure."""
    shots = made_up(3)
    counts = np.random.default_rng(3).integers(0, 4, len(shots.defect))
    slipped = FIGURES[name](shots, np.roll(counts, 1)[None].astype(float))[0]
    assert abs(slipped - figure_of(name, repeated(shots, counts))) > 1000 * TOLERANCE


def test_weights_weigh_the_calibration_error_inside_its_bins() -> None:
    """The bins are those of the shots, not of the resample, so a resample is a direct sum over them.

    Counting every shot twice changes nothing.
    """
    shots = made_up(4, 100, 500)
    weights = resamples(100, 5)
    order = np.argsort(shots.probability, kind="stable").reshape(BINS, -1)
    for row, error in zip(weights, calibration_error(shots, weights), strict=True):
        excess = [abs(float((row[rows] * (shots.probability - shots.defect)[rows]).sum())) for rows in order]
        assert error == pytest.approx(sum(excess) / row.sum(), abs=TOLERANCE)
    assert calibration_error(shots, 2 * unit_weights(shots))[0] == pytest.approx(figure_of("ece", shots), abs=TOLERANCE)


def test_the_calibration_error_of_calibrated_shots_is_zero() -> None:
    """In each bin of 20 shots exactly the stated part is defective; stated 0.1 higher, the error is 0.1."""
    stated = np.repeat(np.arange(BINS) / BINS, 20)
    defect = np.tile(np.arange(20), BINS) < stated * 20 - TOLERANCE
    shots = Predictions(stated, stated >= 0.5, defect, np.zeros(len(stated), int))
    assert figure_of("ece", shots) == pytest.approx(0, abs=TOLERANCE)
    assert figure_of("ece", replace(shots, probability=stated + 0.1)) == pytest.approx(0.1, abs=TOLERANCE)


@settings(deadline=None)
@given(shots=predictions)
def test_no_threshold_is_better_than_the_best(shots: Predictions) -> None:
    """Of all thresholds that call the shots differently, tried one by one with scikit-learn's F1."""
    scores = {threshold: reference.f1_score(shots.defect, shots.probability >= threshold, zero_division=0)
              for threshold in np.unique(shots.probability)}
    best = best_f1_threshold(shots.probability, shots.defect)
    assert scores[best] == pytest.approx(max(scores.values()), abs=TOLERANCE)


def test_that_check_fails_on_the_next_threshold() -> None:
    """Both neighbours of the best threshold are worse here."""
    shots = made_up(5, 200)
    values = np.unique(shots.probability)
    best = int(np.searchsorted(values, best_f1_threshold(shots.probability, shots.defect)))
    scores = [reference.f1_score(shots.defect, shots.probability >= threshold) for threshold in values]
    assert 0 < best < len(values) - 1 and scores[best] > max(scores[best - 1], scores[best + 1])


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "ece"])
def test_an_interval_covers_its_figure(name: str) -> None:
    """The figure lies strictly inside, over 20 tables of 150 shots, and more shots give a narrower interval.

    The calibration error is left out: that of a resample lies above that of the shots, because noise in a bin never
    cancels, so its interval need not cover it.
    """
    for seed in range(20):
        values = figures(made_up(seed, 150), resamples(150, 200))
        low, high = values["interval"][name]
        assert low < values[name] < high
    few, many = (figures(made_up(6, count), resamples(count, 200))["interval"][name] for count in (100, 3000))
    assert many[1] - many[0] < few[1] - few[0]


def test_an_interval_does_not_cover_just_anything() -> None:
    """Chance lies outside the interval of a probability that tells much."""
    shots = made_up(7, 300)
    confident = replace(shots, probability=shots.probability + shots.defect)
    assert figures(confident, resamples(300, 200))["interval"]["roc_auc"][0] > 0.5


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_differs_from_itself(name: str) -> None:
    """The resamples are paired: the difference is 0, and so is its interval; against another one it is not."""
    ours, other, weights = made_up(8), made_up(9), resamples(60, 200)
    assert paired_difference(ours, ours, name, weights) == {"difference": 0, "interval": [0, 0]}
    difference = paired_difference(ours, replace(other, defect=ours.defect, run=ours.run), name, weights)
    assert difference["difference"] != 0 and difference["interval"][0] < difference["interval"][1]


def test_a_paired_interval_is_narrower_than_an_unpaired_one() -> None:
    """If each model has resamples of its own, the spread that the pair shares doubles."""
    ours = made_up(10, 300, 500)
    other = replace(ours, probability=ours.probability + np.random.default_rng(10).normal(0, 0.02, 300))
    weights = resamples(300, 200)
    low, high = paired_difference(ours, other, "roc_auc", weights)["interval"]
    unpaired = FIGURES["roc_auc"](ours, weights) - FIGURES["roc_auc"](other, weights[::-1])
    assert high - low < np.ptp(np.percentile(unpaired, (2.5, 97.5))) / 2


def test_resamples_are_the_same_for_every_model() -> None:
    """As many draws as shots, and the same draws at every call."""
    weights = resamples(50, 20)
    assert (weights.sum(axis=1) == 50).all() and (weights == resamples(50, 20)).all() and weights.std() > 0


def test_a_figure_that_does_not_exist_is_none() -> None:
    """Of good shots alone there is no ROC-AUC, and no number stands in for it."""
    good = replace(made_up(11), defect=np.zeros(60, bool))
    values = figures(good, resamples(60, 20))
    assert values["roc_auc"] is values["within_run_roc_auc"] is values["average_precision"] is None
    assert values["interval"]["roc_auc"] == [None, None] and values["recall"] == 0
    assert np.isnan(within_run_roc_auc(good, unit_weights(good))[0])
