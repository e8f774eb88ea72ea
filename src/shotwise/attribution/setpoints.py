"""Search the smallest change of settings that brings a shot's probability of a defect under the threshold.

Only features that the schema marks as controllable may change, in steps of the machine's resolution and within the
limits of good shots of the product type; all other values stay as measured. The graph scores every candidate, and
candidates that would be unusual shots are rejected.

The search goes from few changes to more and stops at the first number of changes that has a solution: every setting
alone, then every pair of settings on a coarser lattice, then the best pairs with a third setting. The cheapest
solutions are then refined: each changed setting is moved back towards its current value as far as possible. The
cheapest refined solution is the proposal. The search is a heuristic and may miss a smaller change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle, Feature
from shotwise.novelty import usual_mask
from shotwise.parallel import map_rows
from shotwise.shot import Shot

MAX_CHANGES = 3
VALUES_ALONE = 96  # values to try of a setting that changes alone
VALUES_TOGETHER = 12  # values to try of a setting that changes with others; more hardly help and cost their square
MAX_PAIRS = 48  # pairs to extend by a third setting
MAX_REFINED = 6  # solutions to refine, each with different settings
VALUES_REFINING = 24  # values to try at a time while a setting is moved back


@dataclass(frozen=True)
class Change:
    """A change of one setting.

    Attributes
    ----------
    feature : str
        Name of the feature.
    before, after : float
        Current and proposed value, in `unit`.
    unit : str
        Unit of the values; empty for none.
    """

    feature: str
    before: float
    after: float
    unit: str


@dataclass(frozen=True)
class Setpoints:
    """The proposal for a shot, or the reason why there is none.

    Attributes
    ----------
    state : str
        `found`: there is a proposal. Otherwise the reason: `not_needed`, the probability is already under the
        threshold; `no_settings`, no measured value is a setting; `unusual_shot`, the shot is unusual whatever its
        settings; `unusual_change`, every change that is large enough makes the shot unusual; `out_of_reach`, no change
        within the limits is large enough.
    changes : tuple of Change
        The proposed changes, at most MAX_CHANGES; empty without a proposal.
    probability : float or None
        Probability of the changed shot; None without a proposal.
    advice : str or None
        Advice for the changed shot, `accept` or `inspect`; None without a proposal.
    """

    state: str
    changes: tuple[Change, ...] = ()
    probability: float | None = None
    advice: str | None = None


@dataclass(frozen=True)
class _Setting:
    """A feature that may change between the limits of good shots."""

    column: int
    feature: Feature
    low: float
    high: float
    current: float

    @property
    def step(self) -> float:
        """The machine's resolution; if unknown, a thousandth of the width of the limits."""
        return self.feature.resolution or (self.high - self.low) / 1000 or 1.0

    def values_between(self, start: float, stop: float, max_count: int) -> list[float]:
        """List up to `max_count` multiples of the step from start to stop, within the limits, but not `current`."""
        step = self.step
        first, last = sorted(min(max(bound, self.low), self.high) / step for bound in (start, stop))
        min_tick, max_tick = math.ceil(first - 1e-6), math.floor(last + 1e-6)
        if min_tick > max_tick:
            return []
        decimals = max(3 - math.floor(math.log10(step)), 0)
        ticks = np.unique(np.round(np.linspace(min_tick, max_tick, min(max_count, max_tick - min_tick + 1))))
        values = (round(float(tick) * step, decimals) for tick in ticks)
        return [value for value in values if self.low <= value <= self.high and abs(value - self.current) > step / 2]

    def cost(self, value: float) -> float:
        """Return the size of the change to `value`, in widths of the limits."""
        return abs(value - self.current) / ((self.high - self.low) or 1.0)


Move = tuple[int, float]  # position of a setting among the settings, and its new value
Plan = tuple[Move, ...]


@dataclass(frozen=True)
class _Solution:
    """A plan that makes a usual shot under the threshold; its cost is the sum of the costs of its moves."""

    cost: float
    probability: float
    plan: Plan


def setpoints(shot: Shot, bundle: Bundle) -> Setpoints:
    """Search the smallest change of settings that brings `shot` under the decision threshold.

    Parameters
    ----------
    shot : Shot
        The shot. Values that were not measured are not changed; the graph imputes them.
    bundle : Bundle
        The model. Its fused model is used, without history.

    Returns
    -------
    setpoints : Setpoints
        A proposal with as few changes as the search found, or the reason why there is none. The same shot and bundle
        always give the same proposal.
    """
    unchanged = bundle.graph.run(shot.values[None, :])
    if unchanged.probability[0] < bundle.thresholds.decision:
        return Setpoints("not_needed")
    settings = _settings(shot, bundle)
    if not settings:
        return Setpoints("no_settings")
    search = _Search(shot, bundle, settings)
    for make_plans in (search.single_moves, search.pairs, search.triples):
        solutions = search.score(make_plans())
        if solutions:
            return search.proposal(solutions)
    if not search.any_usual and not usual_mask(shot.values[None, :], unchanged, bundle)[0]:
        return Setpoints("unusual_shot")
    return Setpoints("unusual_change" if search.any_under_threshold else "out_of_reach")


def _settings(shot: Shot, bundle: Bundle) -> list[_Setting]:
    limits = bundle.limits[bundle.product_type(shot.values)]
    settings = []
    for column, feature in enumerate(bundle.features):
        current = shot.measured[feature.name]
        if feature.controllable and feature.name in limits and isinstance(current, int | float):
            settings.append(_Setting(column, feature, *limits[feature.name], float(current)))
    return settings


class _Search:
    """The search for one shot.

    Attributes
    ----------
    promising : list of Plan
        The plans that were scored last. Plans that make a usual shot come first, ordered by probability, lowest first.
    any_under_threshold, any_usual : bool
        Whether any plan so far brought the probability under the threshold, or made a usual shot.
    """

    def __init__(self, shot: Shot, bundle: Bundle, settings: Sequence[_Setting]) -> None:
        self._shot, self._bundle, self._settings = shot, bundle, settings
        self._lattice = [setting.values_between(setting.low, setting.high, VALUES_TOGETHER) for setting in settings]
        self.promising: list[Plan] = []
        self.any_under_threshold = self.any_usual = False

    def single_moves(self) -> list[Plan]:
        """List the changes of one setting."""
        return [((position, value),) for position, setting in enumerate(self._settings)
                for value in setting.values_between(setting.low, setting.high, VALUES_ALONE)]

    def pairs(self) -> list[Plan]:
        """List the changes of two settings on the lattice."""
        return [((first, first_value), (second, second_value))
                for first, second in combinations(range(len(self._lattice)), 2)
                for first_value in self._lattice[first] for second_value in self._lattice[second]]

    def triples(self) -> list[Plan]:
        """List the most promising pairs, each with every change of a third setting on the lattice."""
        return [(*pair, (position, value)) for pair in self.promising[:MAX_PAIRS]
                for position, values in enumerate(self._lattice) if position not in (pair[0][0], pair[1][0])
                for value in values]

    def score(self, plans: Sequence[Plan]) -> list[_Solution]:
        """Run the graph on plans of equally many moves and return the solutions among them, the cheapest first."""
        if not plans:
            return []
        rows = np.repeat(self._shot.values[None, :], len(plans), axis=0)
        for move in range(len(plans[0])):
            columns = [self._settings[plan[move][0]].column for plan in plans]
            rows[np.arange(len(plans)), columns] = [plan[move][1] for plan in plans]
        parts = map_rows(self._probability_and_usual, rows)
        probability, usual = (np.concatenate(column) for column in zip(*parts, strict=True))
        under_threshold = probability < self._bundle.thresholds.decision
        self.any_under_threshold |= bool(under_threshold.any())
        self.any_usual |= bool(usual.any())
        self.promising = [plans[int(index)] for index in np.lexsort((probability, ~usual))]
        solutions = [_Solution(self._cost(plans[int(index)]), float(probability[index]), plans[int(index)])
                     for index in np.flatnonzero(under_threshold & usual)]
        return sorted(solutions, key=lambda solution: solution.cost)

    def _probability_and_usual(self, rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        output = self._bundle.graph.run(rows)
        return output.probability, usual_mask(rows, output, self._bundle)

    def _cost(self, plan: Plan) -> float:
        return sum(self._settings[position].cost(value) for position, value in plan)

    def proposal(self, solutions: Sequence[_Solution]) -> Setpoints:
        """Refine the cheapest solution for each set of settings and propose the cheapest refined one."""
        cheapest: dict[tuple[int, ...], _Solution] = {}
        for solution in solutions:
            cheapest.setdefault(tuple(position for position, _ in solution.plan), solution)
        best = min((self._refined(solution) for solution in list(cheapest.values())[:MAX_REFINED]),
                   key=lambda solution: solution.cost)
        changes = []
        for position, value in best.plan:
            setting = self._settings[position]
            changes.append(Change(setting.feature.name, setting.current, value, setting.feature.unit))
        accepted = best.probability < self._bundle.thresholds.accept_below
        return Setpoints("found", tuple(changes), best.probability, "accept" if accepted else "inspect")

    def _refined(self, solution: _Solution) -> _Solution:
        """Move each setting in turn back towards its current value, as far as the plan remains a solution."""
        for move in range(len(solution.plan)):
            position, _ = solution.plan[move]
            setting, near = self._settings[position], self._settings[position].current
            while True:
                far = solution.plan[move][1]
                values = [value for value in setting.values_between(near, far, VALUES_REFINING)
                          if value not in (near, far)]
                refined = self.score([(*solution.plan[:move], (position, value), *solution.plan[move + 1:])
                                      for value in values])
                if refined and refined[0].cost < solution.cost:
                    solution = refined[0]
                failed = [value for value in values if setting.cost(value) < setting.cost(solution.plan[move][1])]
                if not failed:
                    break
                near = max(failed, key=setting.cost)
        return solution
