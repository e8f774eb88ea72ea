"""Read the history of a request: earlier shots of the run and the results of their inspections.

The history head of a bundle combines these outcomes with the probability from the shot's own values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle
from shotwise.errors import FieldError, InvalidInput
from shotwise.limits import MAX_PAST_SHOTS
from shotwise.shot import Shot, read_shot

OUTCOMES = {"defect": 1.0, "normal": 0.0}


@dataclass(frozen=True)
class History:
    """Inspection results of the run's earlier shots.

    Attributes
    ----------
    outcomes : ndarray of float32, shape (n_shots,)
        Outcomes, newest last: 1 defect, 0 normal, NaN not inspected.
    """

    outcomes: NDArray[np.float32]

    @property
    def known_outcomes(self) -> int:
        """Number of known outcomes."""
        return int((~np.isnan(self.outcomes)).sum())


PastShots = list[tuple[Shot, float]]  # shots with their outcomes: 1 defect, 0 normal, NaN not inspected


def read_history(history: object, bundle: Bundle) -> PastShots:
    """Check the history of a request.

    Parameters
    ----------
    history : object
        Should be a list of at most MAX_PAST_SHOTS objects `{features, outcome?}`, newest last. The outcome is missing
        or null if it is not known yet.
    bundle : Bundle
        The model that the shots are meant for.

    Raises
    ------
    InvalidInput
        Names every invalid field, or says that the bundle has no history head.
    """
    if bundle.history is None:
        raise InvalidInput([FieldError("history", "no_history_head")])
    if not isinstance(history, list) or len(history) > MAX_PAST_SHOTS:
        raise InvalidInput([FieldError("history", "not_a_history", {"max": MAX_PAST_SHOTS})])
    errors: list[FieldError] = []
    past_shots = [_past_shot(entry, f"history[{position}]", bundle, errors) for position, entry in enumerate(history)]
    if errors:
        raise InvalidInput(errors)
    return [past_shot for past_shot in past_shots if past_shot]


def history_of(past_shots: PastShots, shot: Shot) -> History:
    """Collect the outcomes of the shots before `shot`.

    Machines sometimes record a shot twice. A shot that equals the previous one in every value therefore counts as the
    same shot.
    """
    return History(_distinct_outcomes([*past_shots, (shot, math.nan)])[:-1])


def _past_shot(entry: Any, path: str, bundle: Bundle, errors: list[FieldError]) -> tuple[Shot, float] | None:
    """Read a shot with its outcome; return None for an invalid entry and add what is wrong to `errors`."""
    if not isinstance(entry, dict) or "features" not in entry or not set(entry) <= {"features", "outcome"}:
        errors.append(FieldError(path, "not_a_history_item"))
        return None
    outcome = entry.get("outcome")
    if outcome is not None and (not isinstance(outcome, str) or outcome not in OUTCOMES):
        errors.append(FieldError(f"{path}.outcome", "unknown_outcome"))
        return None
    try:
        shot = read_shot(entry["features"], bundle, f"{path}.features")
    except InvalidInput as error:
        errors += error.errors
        return None
    return shot, math.nan if outcome is None else OUTCOMES[outcome]


def _distinct_outcomes(past_shots: PastShots) -> NDArray[np.float32]:
    """Return one outcome per distinct shot: of a repeated shot, the latest known one."""
    outcomes: list[float] = []
    previous: Shot | None = None
    for shot, outcome in past_shots:
        if previous is None or not np.array_equal(shot.values, previous.values, equal_nan=True):
            outcomes.append(outcome)
        elif not math.isnan(outcome):
            outcomes[-1] = outcome
        previous = shot
    return np.array(outcomes, np.float32)
