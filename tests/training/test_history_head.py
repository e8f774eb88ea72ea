"""The history head knows only earlier results, graph and training agree, and too few shots give no head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_protocol import QUICK, flipped, made_table

from shotwise.adapters.onnx import OnnxHistory
from shotwise_training.data.protocol import DELAY, late_shots, splits
from shotwise_training.data.table import Table
from shotwise_training.evaluation.evaluate import score
from shotwise_training.export.graph import history_graph
from shotwise_training.models.history import can_fit_history_head, fit_history_head, known_results


@pytest.fixture(scope="module")
def table() -> Table:
    """Four runs of 100 shots, without duplicates."""
    return made_table(runs=4, shots=100, copies=1)


def test_a_result_is_known_from_the_delay_on_and_in_its_run_alone(table: Table) -> None:
    """Turning one label changes nothing for the shot itself, the nine after it, and the other runs."""
    turned = 130
    before, after = (known_results(shots)[0] for shots in (table, flipped(table, np.array([turned]))))
    changed = np.flatnonzero(before != after)
    assert changed[0] == turned + DELAY and changed[-1] == 199
    assert np.array_equal(changed, np.arange(turned + DELAY, 200))


def test_graph_and_training_agree(table: Table) -> None:
    """A shot's probability by the results that training gathers, and by the outcomes that a request would hold."""
    head = fit_history_head(table, QUICK)
    served = OnnxHistory(history_graph(head).SerializeToString())
    defects, results = known_results(table)
    for shot in (140, 199, 399):
        first = shot - shot % 100
        outcomes = table.defect[first:shot].astype(np.float32)
        outcomes[-(DELAY - 1):] = np.nan
        expected = head(np.array([0.3]), defects[[shot]], results[[shot]])[0]
        assert served(0.3, outcomes) == pytest.approx((expected, results[shot]), abs=1e-6)


def test_labels_that_are_not_known_yet_change_nothing(table: Table) -> None:
    """Under `forward-history`, turning labels that no scored shot knows yet changes nothing.

    Those are the labels of the last shots of each run; turning the earlier ones is noticed.
    """
    ((_, test),) = splits(table, "forward-history")
    place = np.arange(len(table)) % 100
    probabilities = [score(shots, "forward-history", QUICK).predictions.probability for shots in (
        table, flipped(table, np.flatnonzero(place >= 100 - DELAY)), flipped(table, test))]
    assert np.array_equal(probabilities[0], probabilities[1])
    assert not np.array_equal(probabilities[0], probabilities[2])


def test_too_little_evidence_leaves_the_probability_alone(table: Table) -> None:
    """Below the minimum evidence the pipeline's own probability stays."""
    head = fit_history_head(table, QUICK)
    evidence = head.thresholds.evidence
    combined = head(np.array([0.3, 0.3]), np.array([evidence, evidence]), np.array([evidence * 0.99, evidence]))
    assert combined[0] == 0.3 and combined[1] != 0.3


def test_a_table_without_defects_at_its_end_has_no_head(table: Table) -> None:
    """Nothing could be calibrated there."""
    assert can_fit_history_head(table)
    assert not can_fit_history_head(replace(table, defect=table.defect & ~late_shots(table)))
