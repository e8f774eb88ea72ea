"""The users. run.py drives them; `locust -f loadtests/locustfile.py --host URL` does too, with Locust's own page.

A diagnosis is always asked for with all its steps: half the samples are good shots, for which the workflow would stop
after the prediction, and the P50 of a mixture of 30 ms and 200 ms says nothing of either.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from locust import FastHttpUser, User, events, task
from locust.env import Environment

sys.path.insert(0, str(Path(__file__).parent.parent))

from frontend.signing import SigningError
from loadtests.replies import Repeats, content_flaw, diagnose_flaw, predict_flaw, status_flaw
from loadtests.shots import ApiError, bodies, fetch_shots
from loadtests.signing import Sign, signer
from loadtests.targets import SHIPPED, Profile, TargetsError, read_profile


class ShotUser(FastHttpUser):
    """Sends one shot after the other and looks at every answer. `prepare` fills in what the classes share."""

    abstract = True
    insecure = False  # Locust would not check certificates, and signed requests go out here
    network_timeout = 30.0  # API Gateway gives up after 29 s
    connection_timeout = 10.0
    endpoint: ClassVar[str]
    pace_seconds: ClassVar[float]
    sign: ClassVar[Sign]
    repeats: ClassVar[Repeats]
    requests: ClassVar[Iterator[tuple[int, bytes]]]
    check: ClassVar[Callable[[Any], str | None]]  # what is wrong with a reply; None when nothing is

    def wait_time(self) -> float:
        """Until the next request. Exactly even paces would keep users in step: those that start together would collide
        for ever, or never. Half a pace either way breaks that and leaves the average."""
        return max(0.0, self._started + self.pace_seconds * random.uniform(0.5, 1.5) - time.monotonic())

    @task
    def send(self) -> None:
        """One request, one verdict."""
        self._started = time.monotonic()
        shot, body = next(self.requests)
        path = f"/{self.endpoint}"
        headers = type(self).sign("POST", f"{self.host}{path}", body)
        with self.client.post(path, data=body, headers=headers, name=self.endpoint, catch_response=True) as response:
            # The error is Locust's; of an answer that broke off, reading the content again would raise.
            flaw = status_flaw(response.status_code, response.request_meta["exception"]) \
                or self._flaw(shot, response.content)
            if flaw:
                response.failure(flaw)
            else:
                response.success()

    def _flaw(self, shot: int, content: bytes | None) -> str | None:
        reply, flaw = content_flaw(content, self.check)
        return flaw or self.repeats.flaw(shot, self.prediction_of(reply))

    def prediction_of(self, reply: dict[str, Any]) -> dict[str, Any]:
        """The prediction within a reply."""
        return reply


class PredictUser(ShotUser):
    """Asks whether the part is defective."""

    endpoint = "predict"
    check = staticmethod(predict_flaw)


class DiagnoseUser(ShotUser):
    """Asks for the whole diagnosis, all steps."""

    endpoint = "diagnose"
    check = staticmethod(diagnose_flaw)

    def prediction_of(self, reply: dict[str, Any]) -> dict[str, Any]:
        """The prediction within a diagnosis."""
        found: dict[str, Any] = reply["prediction"]
        return found


def prepare(profile: Profile, host: str) -> list[type[User]]:
    """The profile's user classes, ready to send: weights, paces, shots, signatures. Raises ApiError, SigningError."""
    sign = signer(host, os.environ.get("SHOTWISE_SIGN_REGION", ""))
    shots = fetch_shots(host, sign)
    asked = {"predict": bodies(shots), "diagnose": bodies(shots, always=["importance", "knowledge"])}
    repeats = Repeats()
    users: list[type[User]] = []
    for user in (PredictUser, DiagnoseUser):
        if user.endpoint not in profile.mix:
            continue
        users.append(user)
        user.host = host
        user.weight = profile.mix[user.endpoint]
        user.pace_seconds = profile.pace_seconds[user.endpoint]
        user.sign = staticmethod(sign)
        user.repeats = repeats
        user.requests = itertools.cycle(enumerate(asked[user.endpoint]))
    return users


@events.init.add_listener
def _prepare_for_locust(environment: Environment, **_: Any) -> None:
    """Under the `locust` command: --host as ever, and --profile names a profile of targets.toml."""
    options = environment.parsed_options
    if not options or not environment.host:
        sys.exit("say where the API is: --host http://127.0.0.1:8000")
    try:
        profile = read_profile(SHIPPED, options.profile or "smoke")
        environment.user_classes = prepare(profile, environment.host.rstrip("/"))
    except (ApiError, SigningError, TargetsError) as error:
        sys.exit(str(error))
