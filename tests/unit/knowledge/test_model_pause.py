"""A model that ran out of time or fails again and again is not asked for a while, and then by one request first."""

from __future__ import annotations

import pytest

from shotwise.errors import KnowledgeError, ModelPaused, TimeLimitExceeded
from shotwise.knowledge.answering.model_pause import ModelPause
from shotwise.limits import MAX_MODEL_FAILURES, MODEL_PAUSE_SECONDS


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


def ask(pause: ModelPause, error: Exception | None = None) -> None:
    """Ask a model that fails with the error."""
    with pause.asking():
        if error:
            raise error


def test_a_model_that_answers_is_asked_again(clock: Clock) -> None:
    """Neither an answer nor a single error that came in time begins a pause."""
    pause = ModelPause(clock)
    for _ in range(3):
        ask(pause)
        with pytest.raises(KnowledgeError):
            ask(pause, KnowledgeError("no"))


def test_a_model_that_fails_again_is_not_asked(clock: Clock) -> None:
    """After two errors with no answer between them there is a pause."""
    pause = ModelPause(clock)
    for _ in range(MAX_MODEL_FAILURES):
        with pytest.raises(KnowledgeError, match="no"):
            ask(pause, KnowledgeError("no"))
    with pytest.raises(ModelPaused):
        ask(pause)
    clock.now += MODEL_PAUSE_SECONDS
    ask(pause)
    ask(pause)


def test_a_model_that_ran_out_of_time_is_not_asked(clock: Clock) -> None:
    """It is asked again by a single request, and by all once that was answered."""
    pause = ModelPause(clock)
    with pytest.raises(TimeLimitExceeded):
        ask(pause, TimeLimitExceeded("late"))
    clock.now += MODEL_PAUSE_SECONDS - 1
    with pytest.raises(ModelPaused):
        ask(pause)
    clock.now += 2
    with pause.asking(), pytest.raises(ModelPaused):
        ask(pause)
    ask(pause)


@pytest.mark.parametrize("error", [KnowledgeError("no"), TimeLimitExceeded("late")])
def test_a_try_that_fails_begins_another_pause(clock: Clock, error: Exception) -> None:
    """Whatever the error is."""
    pause = ModelPause(clock)
    with pytest.raises(TimeLimitExceeded):
        ask(pause, TimeLimitExceeded("late"))
    clock.now += MODEL_PAUSE_SECONDS
    with pytest.raises(type(error)):
        ask(pause, error)
    with pytest.raises(ModelPaused):
        ask(pause)


def test_a_model_that_runs_out_of_time_again_gets_another_pause(clock: Clock) -> None:
    """The pause begins when the time is over."""
    pause = ModelPause(clock)
    for _ in range(2):
        with pytest.raises(TimeLimitExceeded):
            ask(pause, TimeLimitExceeded("late"))
        with pytest.raises(ModelPaused):
            ask(pause)
        clock.now += MODEL_PAUSE_SECONDS + 1
    ask(pause)


def test_a_request_that_is_dropped_does_not_end_the_pause(clock: Clock) -> None:
    """If the request that tries again is cancelled, the next one tries after another pause."""
    pause = ModelPause(clock)
    with pytest.raises(TimeLimitExceeded):
        ask(pause, TimeLimitExceeded("late"))
    clock.now += MODEL_PAUSE_SECONDS
    with pytest.raises(GeneratorExit):
        ask(pause, GeneratorExit())  # type: ignore[arg-type]
    with pytest.raises(ModelPaused):
        ask(pause)
    clock.now += MODEL_PAUSE_SECONDS
    ask(pause)
