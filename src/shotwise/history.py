"""What inspection found on the shots before this one, as a request tells it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle
from shotwise.errors import FieldError, InvalidInput
from shotwise.shot import Shot, read_shot

MOST = 200  # shots; what lies further back has no weight left
OUTCOMES = {"defect": 1.0, "normal": 0.0}


@dataclass(frozen=True)
class History:
    """outcomes: float32 [H] of the shots of the run before this one, newest last: 1 defect, 0 normal, NaN not known."""

    outcomes: NDArray[np.float32]

    @property
    def results(self) -> int:
        """How many outcomes are known."""
        return int((~np.isnan(self.outcomes)).sum())


Earlier = list[tuple[Shot, float]]  # each with its outcome: 1 defect, 0 normal, NaN not known


def read_history(given: object, bundle: Bundle) -> Earlier:
    """`[{features, outcome?}, …]`, newest last; an absent or null outcome is not known yet. Raises InvalidInput with
    every field at fault, and where the bundle has no history head."""
    if bundle.history is None:
        raise InvalidInput([FieldError("history", "cannot be used: this model has no history head; send the shot "
                                                  "alone")])
    if not isinstance(given, list) or len(given) > MOST:
        raise InvalidInput([FieldError("history", f"must be a list of up to {MOST} shots of the run, newest last, each "
                                                  "with features and, where inspected, outcome")])
    errors: list[FieldError] = []
    earlier = [_earlier(item, f"history[{place}]", bundle, errors) for place, item in enumerate(given)]
    if errors:
        raise InvalidInput(errors)
    return [one for one in earlier if one]


def history_of(earlier: Earlier, shot: Shot) -> History:
    """What `earlier` shots of its run tell of `shot`. A shot that repeats the one before it in every value is that shot
    again, as machines write it down twice, and counts once."""
    return History(_once([*earlier, (shot, math.nan)])[:-1])


def _earlier(item: Any, path: str, bundle: Bundle, errors: list[FieldError]) -> tuple[Shot, float] | None:
    """A shot and its outcome, or None with what is wrong added to `errors`."""
    if not isinstance(item, dict) or "features" not in item or not set(item) <= {"features", "outcome"}:
        errors.append(FieldError(path, "must be an object with features and, where inspected, outcome"))
        return None
    outcome = item.get("outcome")
    if outcome is not None and (not isinstance(outcome, str) or outcome not in OUTCOMES):
        errors.append(FieldError(f"{path}.outcome", f"must be {' or '.join(OUTCOMES)}, or null where not known yet"))
        return None
    try:
        shot = read_shot(item["features"], bundle, f"{path}.features")
    except InvalidInput as error:
        errors += error.errors
        return None
    return shot, math.nan if outcome is None else OUTCOMES[outcome]


def _once(shots: Earlier) -> NDArray[np.float32]:
    """The outcomes, repeated shots counted once: with the latest outcome that is known of them."""
    kept: list[float] = []
    before: Shot | None = None
    for shot, outcome in shots:
        if before is None or not np.array_equal(shot.values, before.values, equal_nan=True):
            kept.append(outcome)
        elif not math.isnan(outcome):
            kept[-1] = outcome
        before = shot
    return np.array(kept, np.float32)
