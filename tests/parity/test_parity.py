"""The served graph equals the torch + scikit-learn pipeline that was trained, over all shots at hand.

Tolerances. The autoencoder runs in float64 on both sides and its latents are rounded to float32, so both sides read
the same latents; the tree thresholds are rounded down to float32, so every shot takes the same branches. What is left
is the order in which some 100 float32 leaf values are added: about 100 × 2⁻²⁴ × the margin's size, below 1e-5 in
log-odds and, with a slope of at most 1/4, below 2.5e-6 in probability. One shot sent down another branch would show
as 1e-3 or more. Latents may differ in the last digit of a float32 (values up to 1): 2⁻²³.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from shotwise.adapters.onnx import OnnxGraph
from shotwise.bundle import Bundle
from shotwise.graph import GraphOutput
from shotwise_training.data.protocol import DELAY
from shotwise_training.export.graph import floor32, fuse
from shotwise_training.export.pipeline_files import FittedModels, load_pipeline
from shotwise_training.metrics import best_f1_threshold
from shotwise_training.models.history import HALF_LIFE
from shotwise_training.models.pipeline import Pipeline, PipelineOutput

ROOT = Path(__file__).parents[2]
PROBABILITY, LATENT = 2.5e-6, 2.0**-23


@pytest.fixture(scope="module")
def fitted() -> FittedModels:
    """Everything that was trained: pipeline, history head and defect types."""
    return load_pipeline(ROOT / "src/shotwise_training/pipelines/shotwise")


@pytest.fixture(scope="module")
def pipeline(fitted: FittedModels) -> Pipeline:
    """The pipeline as it was trained."""
    return fitted.pipeline


@pytest.fixture(scope="module")
def both(pipeline: Pipeline, bundle: Bundle, shots: Any) -> tuple[PipelineOutput, GraphOutput]:
    """The outputs of pipeline and graph for all shots."""
    return pipeline(shots.features), bundle.graph.run(shots.features)


def test_probability(both: tuple[PipelineOutput, GraphOutput]) -> None:
    """No shot's probability differs by more than float32 addition explains."""
    np.testing.assert_allclose(both[1].probability, both[0].probability, rtol=0, atol=PROBABILITY)


def test_latents(both: tuple[PipelineOutput, GraphOutput]) -> None:
    """The 12 latents are equal to the last digit of a float32."""
    np.testing.assert_allclose(both[1].latent, both[0].latent, rtol=0, atol=LATENT)


def test_reconstruction_errors(both: tuple[PipelineOutput, GraphOutput]) -> None:
    """Errors are equal per feature and in the mean, relative to their size."""
    np.testing.assert_allclose(both[1].feature_error, both[0].feature_error, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(both[1].reconstruction_error, both[0].reconstruction_error, rtol=1e-5, atol=1e-8)


def test_distance(both: tuple[PipelineOutput, GraphOutput]) -> None:
    """Distances are equal; as roots of a difference of float64 squares they keep only about 1e-6 near zero."""
    np.testing.assert_allclose(both[1].distance, both[0].distance, rtol=1e-5, atol=1e-5)


def test_missing_values(pipeline: Pipeline, bundle: Bundle, shots: Any) -> None:
    """Both sides impute alike, also values that the schema does not allow to be missing."""
    random = np.random.default_rng(0)
    rows = shots.features[random.integers(len(shots.features), size=500)].copy()
    rows[random.random(rows.shape) < 0.2] = np.nan
    np.testing.assert_allclose(bundle.graph.probability(rows), pipeline(rows).probability, rtol=0, atol=PROBABILITY)


def test_extreme_values(pipeline: Pipeline, bundle: Bundle, shots: Any) -> None:
    """Both sides agree far outside the range seen, where attribution and a broken sensor may go."""
    rows = shots.features[:200] * np.random.default_rng(1).choice([-3, 0, 1, 5], shots.features[:200].shape)
    rows = rows.astype(np.float32)
    np.testing.assert_allclose(bundle.graph.probability(rows), pipeline(rows).probability, rtol=0, atol=PROBABILITY)


def test_the_shipped_graph_is_the_exported_pipeline(pipeline: Pipeline, bundle: Bundle, shots: Any) -> None:
    """A new export of the saved pipeline gives the same numbers as the shipped graph, bit for bit."""
    exported = OnnxGraph(fuse(pipeline).SerializeToString())
    np.testing.assert_array_equal(exported.probability(shots.features), bundle.graph.probability(shots.features))


def test_a_drifted_graph_would_be_noticed(pipeline: Pipeline, both: tuple[PipelineOutput, GraphOutput],
                                          shots: Any) -> None:
    """The tolerance catches means that are off by 1 % of their scale, and probabilities off by 1e-5."""
    scaling = pipeline.scaling
    shifted = replace(pipeline, scaling=replace(scaling, mean=scaling.mean + np.float32(0.01) * scaling.scale))
    drifted = OnnxGraph(fuse(shifted).SerializeToString()).probability(shots.features)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(drifted, both[0].probability, rtol=0, atol=PROBABILITY)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(both[1].probability + 1e-5, both[0].probability, rtol=0, atol=PROBABILITY)


def test_thresholds_round_down() -> None:
    """Comparing a float32 with a threshold or with its floor32 is the same, at the float32 values beside it."""
    random = np.random.default_rng(2)
    for threshold in random.normal(size=500) * 10.0 ** random.integers(-3, 4, 500):
        nearest = np.float32(threshold)
        for x in (nearest, np.nextafter(nearest, np.float32(np.inf)), np.nextafter(nearest, np.float32(-np.inf))):
            assert (float(x) <= threshold) == bool(x <= floor32(threshold))


def test_types(fitted: FittedModels, bundle: Bundle, shots: Any) -> None:
    """The share of each defect type is equal up to the float32 sum of 100 leaves."""
    assert fitted.types and bundle.defect_type_graph
    rows = shots.features[:500].copy()
    rows[np.random.default_rng(5).random(rows.shape) < 0.05] = np.nan
    served = bundle.defect_type_graph(rows)
    assert served.shape == (500, len(bundle.defect_types)) and served.min() >= 0
    np.testing.assert_allclose(served, fitted.types(rows), rtol=0, atol=100 * 2.0**-23)


def test_history(fitted: FittedModels, bundle: Bundle) -> None:
    """The history graph equals the fitted head for any history; results within the delay count as at the delay."""
    assert fitted.history and bundle.history
    always = replace(fitted.history, thresholds=replace(fitted.history.thresholds, evidence=0))
    random = np.random.default_rng(4)
    for count in (0, 1, 10, 200):
        outcomes = random.choice(np.float32([0, 1, np.nan]), count)
        weights = 0.5 ** (np.maximum(np.arange(count, 0, -1), DELAY) / HALF_LIFE) * ~np.isnan(outcomes)
        probability = random.random()
        expected = always(np.array([probability]), np.array([weights @ (outcomes == 1)]), np.array([weights.sum()]))
        assert bundle.history.graph(probability, outcomes) == pytest.approx((expected[0], weights.sum()), abs=1e-6)


def test_the_saved_booster_needs_no_pickle(pipeline: Pipeline) -> None:
    """The booster is loaded by skops as the class that it was."""
    assert isinstance(pipeline.booster, HistGradientBoostingRegressor)


def test_the_threshold_has_the_best_f1() -> None:
    """No other threshold gives a higher F1 on the same shots."""
    random = np.random.default_rng(3)
    defect = random.random(300) < 0.3
    probability = np.clip(random.normal(0.3 + 0.2 * defect, 0.15), 0, 1)

    def f1(threshold: float) -> float:
        predicted = probability >= threshold
        return float(2 * (predicted & defect).sum() / (predicted.sum() + defect.sum()))

    assert f1(best_f1_threshold(probability, defect)) == max(f1(value) for value in probability)
