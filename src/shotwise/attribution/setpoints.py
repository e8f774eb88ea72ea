"""What to change: the smallest change of settings that brings a shot's probability under the threshold.

Only what the schema calls controllable moves, on the machine's resolution and inside the limits of good shots of the
product; every other value stays as it was measured. Every proposal was scored by the graph itself, and none is a shot
that the model could not speak about. Each setting is tried alone, then every pair on a coarser lattice, then a third
one beside the best pairs. The fewest changes win; the smallest of as many are each moved back, step by step, as far as
they may, and the smallest of these is proposed.
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
ALONE = 96  # values of a setting that is tried alone
LATTICE = 12  # of one that is tried beside others; more find hardly more and cost their square
BEST_PAIRS = 48  # beside which a third setting is tried
MOVED_BACK = 6  # plans, the smallest of other settings each
FINE = 24  # values of a setting on its way back that are asked at a time


@dataclass(frozen=True)
class Change:
    """One setting, from → to, in `unit`."""

    feature: str
    before: float
    after: float
    unit: str


@dataclass(frozen=True)
class Setpoints:
    """changes: at most MAX_CHANGES, none where there is no proposal. probability and advice (accept or inspect): of
    the changed shot, None without a proposal. state: "found"; or why there is none: "not_needed", the shot is under
    the threshold; "no_settings", nothing that was measured can be set; "unusual_shot", the model cannot speak about the
    shot whatever its settings; "unusual_change", nor about what each change that would do makes of it;
    "out_of_reach", no change would do."""

    state: str
    changes: tuple[Change, ...] = ()
    probability: float | None = None
    advice: str | None = None


@dataclass(frozen=True)
class _Setting:
    """A column that may move between its limits, and its value before."""

    column: int
    feature: Feature
    low: float
    high: float
    before: float

    @property
    def step(self) -> float:
        """Of the machine; of a value without one, a thousandth of the limits' width."""
        return self.feature.resolution or (self.high - self.low) / 1000 or 1.0

    def between(self, start: float, stop: float, count: int) -> list[float]:
        """At most `count` of the machine's values from start to stop inside the limits, without the present one."""
        step = self.step
        first, last = sorted(min(max(bound, self.low), self.high) / step for bound in (start, stop))
        lowest, highest = math.ceil(first - 1e-6), math.floor(last + 1e-6)
        if lowest > highest:
            return []
        places = max(3 - math.floor(math.log10(step)), 0)
        values = (round(float(tick) * step, places)
                  for tick in np.unique(np.round(np.linspace(lowest, highest, min(count, highest - lowest + 1)))))
        return [value for value in values if self.low <= value <= self.high and abs(value - self.before) > step / 2]

    def cost(self, value: float) -> float:
        """Of moving there, in parts of the limits' width."""
        return abs(value - self.before) / ((self.high - self.low) or 1.0)


Move = tuple[int, float]  # a setting's number and its new value
Plan = tuple[Move, ...]


@dataclass(frozen=True)
class _Scored:
    """A plan that would do. cost: its settings' together."""

    cost: float
    probability: float
    plan: Plan


def setpoints(shot: Shot, bundle: Bundle) -> Setpoints:
    """The smallest change of at most MAX_CHANGES settings that was found, or why there is none."""
    own = bundle.graph.run(shot.values[None, :])
    if own.probability[0] < bundle.thresholds.decision:
        return Setpoints("not_needed")
    settings = _settings(shot, bundle)
    if not settings:
        return Setpoints("no_settings")
    search = _Search(shot, bundle, settings)
    for plans in (search.alone, search.pairs, search.triples):
        found = search.score(plans())
        if found:
            return search.proposal(found)
    if not search.usual and not usual_mask(shot.values[None, :], own, bundle)[0]:
        return Setpoints("unusual_shot")
    return Setpoints("unusual_change" if search.lowered else "out_of_reach")


def _settings(shot: Shot, bundle: Bundle) -> list[_Setting]:
    limits = bundle.limits[bundle.product_type(shot.values)]
    found = []
    for column, feature in enumerate(bundle.features):
        before = shot.measured[feature.name]
        if feature.controllable and feature.name in limits and isinstance(before, int | float):
            found.append(_Setting(column, feature, *limits[feature.name], float(before)))
    return found


class _Search:
    """The search for one shot. lowered: some plan brought it under the threshold; usual: some plan gave a usual shot;
    promising: the plans scored last, those that gave a usual shot and the lowest probability first."""

    def __init__(self, shot: Shot, bundle: Bundle, settings: Sequence[_Setting]) -> None:
        self._shot, self._bundle, self._settings = shot, bundle, settings
        self._lattice = [setting.between(setting.low, setting.high, LATTICE) for setting in settings]
        self.promising: list[Plan] = []
        self.lowered = self.usual = False

    def alone(self) -> list[Plan]:
        """Every setting alone."""
        return [((number, value),) for number, setting in enumerate(self._settings)
                for value in setting.between(setting.low, setting.high, ALONE)]

    def pairs(self) -> list[Plan]:
        """Every pair of settings on the lattice."""
        return [((first, one), (second, other)) for first, second in combinations(range(len(self._lattice)), 2)
                for one in self._lattice[first] for other in self._lattice[second]]

    def triples(self) -> list[Plan]:
        """The most promising pairs, and every third setting beside them."""
        return [(*pair, (number, value)) for pair in self.promising[:BEST_PAIRS]
                for number, values in enumerate(self._lattice) if number not in (pair[0][0], pair[1][0])
                for value in values]

    def score(self, plans: Sequence[Plan]) -> list[_Scored]:
        """Ask the graph about the plans, and give those that would do, the smallest first."""
        if not plans:
            return []
        rows = np.repeat(self._shot.values[None, :], len(plans), axis=0)
        for place in range(len(plans[0])):
            columns = [self._settings[plan[place][0]].column for plan in plans]
            rows[np.arange(len(plans)), columns] = [plan[place][1] for plan in plans]
        parts = map_rows(self._ask, rows)
        probability, good = (np.concatenate(column) for column in zip(*parts, strict=True))
        under = probability < self._bundle.thresholds.decision
        self.lowered |= bool(under.any())
        self.usual |= bool(good.any())
        self.promising = [plans[int(index)] for index in np.lexsort((probability, ~good))]
        found = [_Scored(self._cost(plans[int(index)]), float(probability[index]), plans[int(index)])
                 for index in np.flatnonzero(under & good)]
        return sorted(found, key=lambda scored: scored.cost)

    def _ask(self, rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        output = self._bundle.graph.run(rows)
        return output.probability, usual_mask(rows, output, self._bundle)

    def _cost(self, plan: Plan) -> float:
        return sum(self._settings[number].cost(value) for number, value in plan)

    def proposal(self, found: Sequence[_Scored]) -> Setpoints:
        """The smallest of the plans after moving back; of every choice of settings the smallest plan is tried."""
        smallest: dict[tuple[int, ...], _Scored] = {}
        for scored in found:
            smallest.setdefault(tuple(number for number, _ in scored.plan), scored)
        best = min((self._moved_back(scored) for scored in list(smallest.values())[:MOVED_BACK]),
                   key=lambda scored: scored.cost)
        settings = [(self._settings[number], value) for number, value in best.plan]
        changes = (Change(setting.feature.name, setting.before, value, setting.feature.unit)
                   for setting, value in settings)
        accepted = best.probability < self._bundle.thresholds.accept_below
        return Setpoints("found", tuple(changes), best.probability, "accept" if accepted else "inspect")

    def _moved_back(self, scored: _Scored) -> _Scored:
        """Each setting in turn nearer to where it was, between values that were asked, until none is left between."""
        for place in range(len(scored.plan)):
            number, _ = scored.plan[place]
            setting, near = self._settings[number], self._settings[number].before
            while True:
                value = scored.plan[place][1]
                values = [step for step in setting.between(near, value, FINE) if step not in (near, value)]
                finer = self.score([(*scored.plan[:place], (number, step), *scored.plan[place + 1:])
                                    for step in values])
                if finer and finer[0].cost < scored.cost:
                    scored = finer[0]
                nearer = [step for step in values if setting.cost(step) < setting.cost(scored.plan[place][1])]
                if not nearer:
                    break
                near = max(nearer, key=setting.cost)
        return scored
