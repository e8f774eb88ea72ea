"""Protocols split as they say, and nothing of a test part reaches a fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor

from shotwise_training.data.protocol import DELAY, PROTOCOLS, Rows, applies, late_shots, protocol_shots, splits
from shotwise_training.data.schema import Column
from shotwise_training.data.table import Table
from shotwise_training.evaluation.baselines import delayed_rates, late_rate, run_rate
from shotwise_training.evaluation.evaluate import plan_jobs, score, score_baseline, without_counters
from shotwise_training.models.configuration import POC_BASELINE, SHOTWISE, Configuration

QUICK = replace(SHOTWISE, epochs=20, forest_trees=100,
                booster=HistGradientBoostingRegressor(max_iter=20, early_stopping=False, random_state=0))
ON_LABELS = replace(POC_BASELINE, epochs=20, booster=GradientBoostingClassifier(n_estimators=20, random_state=0))


def column(name: str) -> Column:
    """Make a column of plain numbers."""
    return Column(name, {"ko": name, "en": name}, "process", "", None, False, False, False, False, (), None, None)


def made_table(runs: int = 4, shots: int = 60, copies: int = 2) -> Table:
    """Make runs of different defect rates; each shot stands there `copies` times, in file order within its run."""
    random = np.random.default_rng(0)
    run = np.repeat(np.repeat(np.arange(runs), shots), copies)
    values = np.repeat(random.normal(size=(runs * shots, 3)), copies, axis=0).astype(np.float32)
    values[:, 0] += run
    defect = np.repeat(random.random(runs * shots) < 0.2 + 0.15 * (np.arange(runs * shots) // shots), copies)
    rows = len(run)
    return Table(tuple(map(column, "abc")), (), {}, values, defect, np.zeros((rows, 0), bool), run, np.arange(rows),
                 "0" * 64, "made", False)


def duplicates_across(table: Table, train: Rows, test: Rows) -> int:
    """Count test shots with an exact duplicate in training."""
    seen = {row.tobytes() for row in table.features[train]}
    return sum(row.tobytes() in seen for row in table.features[test])


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if name != "published"])
def test_no_duplicate_crosses_a_split(protocol: str) -> None:
    """Under every protocol but `published`, which is there to show what its duplicates are worth."""
    table = protocol_shots(made_table(), protocol)
    assert all(duplicates_across(table, train, test) == 0 for train, test in splits(table, protocol))


def test_published_shares_duplicates() -> None:
    """The same count finds duplicates where they are kept."""
    table = protocol_shots(made_table(), "published")
    assert all(duplicates_across(table, train, test) > 50 for train, test in splits(table, "published"))


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_a_split_has_no_shot_twice_and_forgets_none(protocol: str) -> None:
    """Training and test part are disjoint and together the whole table."""
    table = protocol_shots(made_table(), protocol)
    for train, test in splits(table, protocol):
        assert sorted([*train, *test]) == list(range(len(table)))


@pytest.mark.parametrize("order", ["file", "time"])
def test_forward_holds_out_the_end_of_every_run(order: str) -> None:
    """By time where it is known, whatever the order of the file."""
    table = made_table().without_duplicates()
    if order == "time":
        table = replace(table, order=np.random.default_rng(1).permutation(len(table)))
    ((train, test),) = splits(table, "forward")
    for run in range(4):
        before, after = (table.order[rows[table.run[rows] == run]] for rows in (train, test))
        assert before.max() < after.min() and len(after) == 18


def test_new_run_needs_runs() -> None:
    """A table without runs has no new ones."""
    table = made_table()
    assert applies(table, "new-run") and not applies(replace(table, run=np.zeros(len(table), np.int64)), "new-run")
    assert all(not set(table.run[train]) & set(table.run[test]) for train, test in splits(table, "new-run"))


def test_a_result_is_known_only_after_the_delay() -> None:
    """A shot's late rate counts the shot DELAY before it, and none that is nearer, nor the shot itself."""
    table = made_table(runs=1).without_duplicates()
    now = 40
    for back, counted in ((0, False), (1, False), (DELAY - 1, False), (DELAY, True), (DELAY + 20, True)):
        changed = table.defect.copy()
        changed[now - back] ^= True
        same = delayed_rates(replace(table, defect=changed), 0.2)[now] == delayed_rates(table, 0.2)[now]
        assert bool(same) is not counted


def flipped(table: Table, rows: Rows) -> Table:
    """Return the table with the labels of some rows turned over."""
    defect = table.defect.copy()
    defect[rows] ^= True
    return replace(table, defect=defect)


def peeking(table: Table, train: Rows, test: Rows) -> tuple[NDArray[np.float64], float]:
    """Predict by the labels of the test shots: a baseline with a planted leak."""
    return table.defect[test] * 0.5, 0.25


def test_labels_of_test_shots_change_nothing() -> None:
    """Probabilities and predicted classes stay the same to the bit when every test label is turned over.

    The same check finds a baseline that reads the test labels.
    """
    table = made_table().without_duplicates()
    ((_, test),) = splits(table, "forward")
    other = flipped(table, test)
    for configuration in (QUICK, ON_LABELS):
        ours, theirs = (score(shots, "forward", configuration) for shots in (table, other))
        np.testing.assert_array_equal(ours.predictions.probability, theirs.predictions.probability)
        np.testing.assert_array_equal(ours.predictions.predicted, theirs.predictions.predicted)
        np.testing.assert_array_equal(ours.novel, theirs.novel)
    for baseline, same in ((run_rate, True), (peeking, False)):
        probabilities = [score_baseline(shots, "forward", baseline).probability for shots in (table, other)]
        assert np.array_equal(*probabilities) is same


def test_values_of_test_shots_move_no_scaler() -> None:
    """A test shot is scored the same whatever the other test shots measured.

    So their values are in no median, scale, threshold or prototype.
    """
    table = made_table().without_duplicates()
    ((_, test),) = splits(table, "forward")
    wild = table.features.copy()
    wild[test[1:]] = 1e6
    ours, theirs = (score(shots, "forward", QUICK) for shots in (table, replace(table, features=wild)))
    assert ours.predictions.probability[0] == theirs.predictions.probability[0]
    assert not np.array_equal(ours.predictions.probability[1:], theirs.predictions.probability[1:])


def test_a_training_part_of_one_class_is_left_out() -> None:
    """A fold without enough shots of each class to train on is left out.

    Where one run has all defects, `new-run` cannot hold that run out and still holds out the others; where the first
    part of every run has none, `forward` cannot be measured at all.
    """
    table = made_table().without_duplicates()
    one_run_defective = replace(table, defect=table.run == 2)
    test_runs = [set(table.run[rows]) for _, rows in splits(one_run_defective, "new-run")]
    assert test_runs == [{0}, {1}, {3}] and applies(one_run_defective, "new-run")
    late_defects = replace(table, defect=late_shots(table))
    assert not applies(late_defects, "forward") and applies(late_defects, "unique")
    assert not [job for job in plan_jobs(late_defects, ["forward"], [QUICK])]


def test_an_evaluation_repeats_the_ablation_and_leaves_the_counter_out() -> None:
    """The jobs of every protocol; one more without the counter where the table has one."""
    table = made_table()
    counted = replace(table, columns=(replace(column("n"), counter=True), *table.columns[1:]))
    names = {job.name for job in plan_jobs(counted, ["unique"], [SHOTWISE])}
    assert {"run-rate", "random-forest", "poc", "poc with 0 latents", "poc with 16 latents", "shotwise"} <= names
    assert "shotwise without n" in names and without_counters(counted).features.shape[1] == 2
    assert not [job for job in plan_jobs(table, ["unique"], [SHOTWISE]) if "without" in job.name]
    with_history = {job.name for job in plan_jobs(table, ["forward-history"], [SHOTWISE])}
    assert with_history == {"run-rate", "late-rate", "shotwise"}


def test_run_rate_knows_the_run_and_nothing_else() -> None:
    """One value a run, the overall rate for a run that training has not."""
    table = made_table().without_duplicates()
    ((train, test),) = splits(table, "forward")
    rates, _ = run_rate(table, train, test)
    assert all(len(np.unique(rates[table.run[test] == run])) == 1 for run in range(4))
    for train, test in splits(table, "new-run"):
        assert set(run_rate(table, train, test)[0]) == {table.defect[train].mean()}
    assert late_rate(table, train, test)[0].shape == test.shape


@pytest.mark.parametrize("configuration", [QUICK, ON_LABELS, replace(QUICK, latents=0)],
                         ids=["distilled", "on labels", "without latents"])
def test_every_kind_of_pipeline_scores(configuration: Configuration) -> None:
    """Probabilities, of which at most about the wanted part is left to a person."""
    served = score(made_table().without_duplicates(), "unique", configuration)
    assert ((served.predictions.probability > 0) & (served.predictions.probability < 1)).all()
    assert 0.05 < served.inspected.mean() < 0.5
