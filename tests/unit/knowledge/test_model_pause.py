"""A model that ran out of time is not asked for a while, and then by one request first."""

from __future__ import annotations

import pytest

from shotwise.errors import KnowledgeError, ModelPaused, TimeLimitExceeded
from shotwise.knowledge.answering.model_pause import ModelPause
from shotwise.limits import MODEL_PAUSE_SECONDS


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
    """Neither an answer nor an error that came in time begins a pause."""
    pause = ModelPause(clock)
    ask(pause)
    with pytest.raises(KnowledgeError):
        ask(pause, KnowledgeError("no"))
    ask(pause)


def test_a_model_that_ran_out_of_time_is_not_asked(clock: Clock) -> None:
    """It is asked again by a single request, and by all once that was answered in time, whatever the answer."""
    pause = ModelPause(clock)
    for outcome in (None, KnowledgeError("no")):
        with pytest.raises(TimeLimitExceeded):
            ask(pause, TimeLimitExceeded("late"))
        clock.now += MODEL_PAUSE_SECONDS - 1
        with pytest.raises(ModelPaused):
            ask(pause)
        clock.now += 2
        try:
            with pause.asking():
                with pytest.raises(ModelPaused):
                    ask(pause)
                if outcome:
                    raise outcome
        except KnowledgeError as error:
            assert error is outcome
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
    pause.begin()
    clock.now += MODEL_PAUSE_SECONDS
    with pytest.raises(GeneratorExit):
        ask(pause, GeneratorExit())  # type: ignore[arg-type]
    with pytest.raises(ModelPaused):
        ask(pause)
    clock.now += MODEL_PAUSE_SECONDS
    ask(pause)
