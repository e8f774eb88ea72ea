"""The shots before this one and what inspection found on them, as a request sends them.

The history head of a bundle joins these outcomes with the probability from the shot's own values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle
from shotwise.errors import FieldError, InvalidInput
from shotwise.shot import Shot, read_shot

MAX_SHOTS = 200  # what lies further back has no weight left
OUTCOMES = {"defect": 1.0, "normal": 0.0}


@dataclass(frozen=True)
class History:
    """Inspection results of the run's earlier shots.

    Attributes
    ----------
    outcomes : ndarray of float32, shape (n_shots,)
        Newest last: 1 defect, 0 normal, NaN not known.
    """

    outcomes: NDArray[np.float32]

    @property
    def known_outcomes(self) -> int:
        """How many outcomes are known."""
        return int((~np.isnan(self.outcomes)).sum())


PastShots = list[tuple[Shot, float]]  # each with its outcome: 1 defect, 0 normal, NaN not known


def read_history(history: object, bundle: Bundle) -> PastShots:
    """Check the history of a request.

    Parameters
    ----------
    history : object
        Should be a list of at most MAX_SHOTS `{features, outcome?}`, newest last. A missing or null outcome is not
        known yet.
    bundle : Bundle
        The model that the shots are meant for.

    Raises
    ------
    InvalidInput
        Names every field at fault, or says that the bundle has no history head.
    """
    if bundle.history is None:
        raise InvalidInput([FieldError("history", "no_history_head")])
    if not isinstance(history, list) or len(history) > MAX_SHOTS:
        raise InvalidInput([FieldError("history", "not_a_history", {"max": MAX_SHOTS})])
    errors: list[FieldError] = []
    past_shots = [_past_shot(entry, f"history[{position}]", bundle, errors) for position, entry in enumerate(history)]
    if errors:
        raise InvalidInput(errors)
    return [past_shot for past_shot in past_shots if past_shot]


def history_of(past_shots: PastShots, shot: Shot) -> History:
    """Collect the outcomes of the shots before `shot`.

    Machines sometimes write a shot down twice. A shot that equals the one before it in every value is therefore taken
    as the same shot and counts once.
    """
    return History(_distinct_outcomes([*past_shots, (shot, math.nan)])[:-1])


def _past_shot(entry: Any, path: str, bundle: Bundle, errors: list[FieldError]) -> tuple[Shot, float] | None:
    """A shot and its outcome, or None with what is wrong added to `errors`."""
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
    """The outcomes with repeated shots counted once, each with the latest outcome that is known."""
    outcomes: list[float] = []
    previous: Shot | None = None
    for shot, outcome in past_shots:
        if previous is None or not np.array_equal(shot.values, previous.values, equal_nan=True):
            outcomes.append(outcome)
        elif not math.isnan(outcome):
            outcomes[-1] = outcome
        previous = shot
    return np.array(outcomes, np.float32)
