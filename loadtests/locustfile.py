"""The users of the load test, started by run.py, or by `locust -f loadtests/locustfile.py --host URL`.

A diagnosis is always requested with all its steps. Half the samples are good shots, for which the workflow would stop
after the prediction, and the P50 of a mixture of 30 ms and 200 ms describes neither.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from locust import FastHttpUser, User, events, task
from locust.env import Environment

sys.path.insert(0, str(Path(__file__).parent.parent))

from frontend.signing import SigningError
from loadtests.replies import ProbabilityLog, content_flaw, diagnose_flaw, predict_flaw, status_flaw
from loadtests.shots import ApiError, encode_bodies, fetch_shots
from loadtests.signing import SignHeaders, signer
from loadtests.targets import SHIPPED_TARGETS, Profile, TargetsError, read_profile


class ShotUser(FastHttpUser):
    """Sends one shot after the other and checks every reply.

    `prepare_users` sets the class attributes.

    Attributes
    ----------
    endpoint : str
        Path of the requests, without the slash.
    reply_flaw : callable
        Tells what is wrong with a reply; None if nothing is.
    pace_seconds : float
        Average seconds between the starts of two requests.
    sign : callable
        Makes the headers of a request.
    probabilities : ProbabilityLog
        Probability of every shot so far.
    requests : iterator of tuple
        (number of the shot, body) of the requests to send, endless.
    """

    abstract = True
    insecure = False  # check certificates, because requests are signed; Locust by default does not
    network_timeout = 30.0  # API Gateway gives up after 29 s
    connection_timeout = 10.0
    endpoint: ClassVar[str]
    reply_flaw: ClassVar[staticmethod[[Any], str | None]]
    pace_seconds: ClassVar[float]
    sign: ClassVar[SignHeaders]
    probabilities: ClassVar[ProbabilityLog]
    requests: ClassVar[Iterator[tuple[int, bytes]]]

    def wait_time(self) -> float:
        """Return the seconds until the next request.

        With an exact pace, users that start together would collide every time, or never. A pace that varies by half
        either way avoids that, and has the same average.
        """
        return max(0.0, self._started + self.pace_seconds * random.uniform(0.5, 1.5) - time.monotonic())

    @task
    def send(self) -> None:
        """Send one request and record whether it succeeded."""
        self._started = time.monotonic()
        shot, body = next(self.requests)
        path = f"/{self.endpoint}"
        headers = type(self).sign("POST", f"{self.host}{path}", body)
        with self.client.post(path, data=body,  # type: ignore[arg-type]  # Locust takes bytes too
                              headers=headers, name=self.endpoint, catch_response=True) as response:
            # Locust's own error is used, because reading the content of a broken answer again would raise.
            flaw = status_flaw(response.status_code, response.request_meta["exception"]) \
                or self._flaw(shot, response.content)
            if flaw:
                response.failure(flaw)
            else:
                response.success()

    def _flaw(self, shot: int, content: bytes | None) -> str | None:
        reply, flaw = content_flaw(content, self.reply_flaw)
        return flaw or self.probabilities.flaw(shot, self.prediction_of(reply))

    def prediction_of(self, reply: dict[str, Any]) -> dict[str, Any]:
        """Return the prediction within a reply."""
        return reply


class PredictUser(ShotUser):
    """Sends shots to /predict."""

    endpoint = "predict"

    reply_flaw = staticmethod(predict_flaw)


class DiagnoseUser(ShotUser):
    """Sends shots to /diagnose, with all steps."""

    endpoint = "diagnose"

    reply_flaw = staticmethod(diagnose_flaw)

    def prediction_of(self, reply: dict[str, Any]) -> dict[str, Any]:
        """Return the prediction within a diagnosis."""
        prediction: dict[str, Any] = reply["prediction"]
        return prediction


def prepare_users(profile: Profile, host: str) -> list[type[User]]:
    """Set up the profile's user classes and return them. Raises ApiError and SigningError."""
    sign = signer(host, os.environ.get("SHOTWISE_SIGN_REGION", ""))
    shots = fetch_shots(host, sign)
    bodies = {"predict": encode_bodies(shots), "diagnose": encode_bodies(shots, always=["importance", "knowledge"])}
    probabilities = ProbabilityLog()
    users: list[type[User]] = []
    for user in (PredictUser, DiagnoseUser):
        if user.endpoint not in profile.mix:
            continue
        users.append(user)
        user.host = host
        user.weight = profile.mix[user.endpoint]
        user.pace_seconds = profile.pace_seconds[user.endpoint]
        user.sign = staticmethod(sign)
        user.probabilities = probabilities
        user.requests = itertools.cycle(enumerate(bodies[user.endpoint]))
    return users


@events.init.add_listener  # type: ignore[untyped-decorator]
def _prepare_for_locust(environment: Environment, **_: Any) -> None:
    """Set up the users for the `locust` command: --host is the API, --profile a profile of targets.toml."""
    options = environment.parsed_options
    if not options or not environment.host:
        sys.exit("name the API, such as --host http://127.0.0.1:8000")
    try:
        profile = read_profile(SHIPPED_TARGETS, options.profile or "smoke")
        environment.user_classes = prepare_users(profile, environment.host.rstrip("/"))
    except (ApiError, SigningError, TargetsError) as error:
        sys.exit(str(error))
