"""What to change: the smallest change of settings that brings a shot's probability under the threshold.

Only what the schema calls controllable moves, on the machine's resolution and inside the limits of good shots of the
product; every other value stays as it was measured. Every proposal was scored by the graph itself, and none is a shot
that the model could not speak about. One setting is tried alone on a lattice, then every pair, then a third one beside
the best pairs; the fewest changes win, of as many the smallest, which then moves back as far as it may.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle, Feature
from shotwise.novelty import usual
from shotwise.shot import Shot

MOST_CHANGES = 3
LATTICE = 12  # values of a setting that are tried; more find hardly more and cost their square
BEST_PAIRS = 48  # beside which a third setting is tried
FINE = 24  # values of one setting between where it was and where it is proposed
CORES = 2


@dataclass(frozen=True)
class Change:
    """One setting, from → to, in `unit`."""

    feature: str
    before: float
    after: float
    unit: str


@dataclass(frozen=True)
class Setpoints:
    """changes: at most MOST_CHANGES, none where there is no proposal. probability and advice (accept or inspect): of
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
    """A column that may move; its values to try, ascending, and what one unit of it counts for."""

    column: int
    feature: Feature
    low: float
    high: float
    before: float

    def between(self, start: float, stop: float, count: int) -> NDArray[np.float64]:
        """At most `count` values of the resolution from start to stop, both inside the limits, without the present."""
        step = self.feature.resolution or (self.high - self.low) / 1000
        first, last = sorted(np.clip([start, stop], self.low, self.high))
        lowest, highest = np.ceil(first / step - 1e-6), np.floor(last / step + 1e-6)
        ticks = np.unique(np.round(np.linspace(lowest, highest, count))) if lowest <= highest else np.zeros(0)
        values: NDArray[np.float64] = np.round(ticks * step, 6)
        return values[np.abs(values - self.before) > step / 2]

    def cost(self, value: float) -> float:
        """Of moving there, in parts of the limits' width."""
        return abs(value - self.before) / ((self.high - self.low) or 1.0)


Move = tuple[int, float]  # a setting's number and its new value
Plan = tuple[Move, ...]


def setpoints(shot: Shot, bundle: Bundle) -> Setpoints:
    """The smallest change of at most MOST_CHANGES settings, or why there is none."""
    if float(bundle.graph.probability(shot.values[None, :])[0]) < bundle.thresholds.decision:
        return Setpoints("not_needed")
    settings = _settings(shot, bundle)
    if not settings:
        return Setpoints("no_settings")
    search = _Search(shot, bundle, settings)
    for plans in (_singles, _pairs, _triples):
        search.score(plans(search))
        if search.feasible:
            return search.proposal()
    if not search.usual:
        return Setpoints("unusual_shot")
    return Setpoints("unusual_change" if search.lowered else "out_of_reach")


class _Search:
    """The plans scored so far for one shot."""

    def __init__(self, shot: Shot, bundle: Bundle, settings: Sequence[_Setting]) -> None:
        self.shot, self.bundle, self.settings = shot, bundle, settings
        self.lattice = [setting.between(setting.low, setting.high, LATTICE) for setting in settings]
        self.feasible: list[tuple[float, float, Plan]] = []  # cost, probability, plan
        self.promising: list[Plan] = []  # the lowest probability first
        self.lowered = self.usual = False  # whether any plan was under the threshold, or gave a usual shot

    def score(self, plans: Sequence[Plan]) -> None:
        """Ask the graph about the plans and keep what comes of them."""
        probability, good = self._asked(plans)
        under = probability < self.bundle.thresholds.decision
        self.lowered |= bool(under.any())
        self.usual |= bool(good.any())
        self.feasible = [(self._cost(plans[int(index)]), float(probability[index]), plans[int(index)])
                         for index in np.flatnonzero(under & good)]
        order = np.argsort(probability, kind="stable")
        self.promising = [plans[int(index)] for index in order]

    def _asked(self, plans: Sequence[Plan]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        if not plans:
            return np.zeros(0, np.float32), np.zeros(0, bool)
        rows = np.repeat(self.shot.values[None, :], len(plans), axis=0)
        for place in range(len(plans[0])):
            columns = [self.settings[plan[place][0]].column for plan in plans]
            rows[np.arange(len(plans)), columns] = [plan[place][1] for plan in plans]

        def ask(part: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
            output = self.bundle.graph.run(part)
            return output.probability, usual(part, output, self.bundle)

        with ThreadPoolExecutor(CORES) as pool:
            parts = list(pool.map(ask, np.array_split(rows, CORES)))
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def _cost(self, plan: Plan) -> float:
        return sum(self.settings[number].cost(value) for number, value in plan)

    def proposal(self) -> Setpoints:
        """The cheapest plan, each of its settings moved back as far as it may."""
        _, probability, plan = min(self.feasible)
        for place, (number, value) in enumerate(plan):
            setting = self.settings[number]
            finer = [(*plan[:place], (number, float(step)), *plan[place + 1:])
                     for step in setting.between(setting.before, value, FINE)]
            found, good = self._asked(finer)
            done = [(self._cost(option), float(chance), option) for option, chance, fits
                    in zip(finer, found, good, strict=True) if fits and chance < self.bundle.thresholds.decision]
            _, probability, plan = min([(self._cost(plan), probability, plan), *done])
        changes = (Change(self.settings[number].feature.name, self.settings[number].before, value,
                          self.settings[number].feature.unit) for number, value in plan)
        advice = "accept" if probability < self.bundle.thresholds.accept_below else "inspect"
        return Setpoints("found", tuple(changes), probability, advice)


def _settings(shot: Shot, bundle: Bundle) -> list[_Setting]:
    limits = bundle.limits[bundle.product(shot.values)]
    return [_Setting(column, feature, *limits[feature.name], float(shot.measured[feature.name] or 0.0))
            for column, feature in enumerate(bundle.features)
            if feature.controllable and feature.name in limits and shot.measured[feature.name] is not None]


def _singles(search: _Search) -> list[Plan]:
    return [((number, float(value)),) for number, values in enumerate(search.lattice) for value in values]


def _pairs(search: _Search) -> list[Plan]:
    return [((first, float(one)), (second, float(other)))
            for first, second in combinations(range(len(search.lattice)), 2)
            for one in search.lattice[first] for other in search.lattice[second]]


def _triples(search: _Search) -> list[Plan]:
    return [(*pair, (number, float(value))) for pair in search.promising[:BEST_PAIRS]
            for number, values in enumerate(search.lattice) if number not in (pair[0][0], pair[1][0])
            for value in values]
