"""Run a load profile against an API and compare the figures with its targets.

    python loadtests/run.py --profile smoke [--host URL] [--targets FILE] [--json FILE]

Exit status 0: every target met, 1: a target missed, 2: bad input (unknown profile, API not reachable, …).
"""

# ruff: noqa: E402
from __future__ import annotations

# Before all other imports: the users are greenlets, and sockets or ssl imported before the patch would block them.
from gevent import monkey

monkey.patch_all()

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gevent
from locust import User
from locust.env import Environment

sys.path.insert(0, str(Path(__file__).parent.parent))

from frontend.signing import SigningError
from loadtests.locustfile import prepare_users
from loadtests.measurements import Recorder
from loadtests.report import json_report, text_table
from loadtests.shots import ApiError
from loadtests.targets import SHIPPED_TARGETS, Profile, TargetsError, compare, read_profile

STOP_TIMEOUT_S = 35  # longer than any request may take, so that none is cut off


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the profile and return the exit status."""
    options = _parser().parse_args(arguments)
    host = options.host.rstrip("/")
    try:
        profile = read_profile(options.targets, options.profile)
        if options.json and not options.json.absolute().parent.is_dir():
            raise TargetsError(f"{options.json} cannot be written: its folder does not exist")
        users = prepare_users(profile, host)
    except (TargetsError, SigningError, ApiError) as error:
        print(f"load: {error}", file=sys.stderr)
        return 2
    print(f"load: {profile.name} on {host}: {profile.users} users, {profile.warmup_seconds:g} s of warm-up, "
          f"then {profile.seconds:g} s measured …", file=sys.stderr)
    try:
        recorder = run_load(profile, host, users)
    except KeyboardInterrupt:
        return 130
    checks = compare(recorder.figures(), profile.targets)
    print(text_table(checks, recorder))
    if options.json:
        report = json_report(profile, host, checks, recorder)
        options.json.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return 0 if all(check.met for check in checks) else 1


def run_load(profile: Profile, host: str, users: list[type[User]]) -> Recorder:
    """Warm up, measure, wait for the last replies, and return the recorded requests."""
    environment = Environment(user_classes=users, host=host, stop_timeout=STOP_TIMEOUT_S)
    recorder = Recorder()

    def record(name: str, start_time: float, response_time: float, exception: Exception | None, **_: Any) -> None:
        recorder.record(name, start_time, response_time, None if exception is None else str(exception))

    add_listener = environment.events.request.add_listener
    add_listener(record)  # type: ignore[no-untyped-call]
    runner = environment.create_local_runner()
    try:
        runner.start(profile.users, spawn_rate=profile.spawn_rate)
        gevent.sleep(profile.warmup_seconds)
        recorder.start(time.time())
        gevent.sleep(profile.seconds)
        recorder.stop(time.time())
    finally:
        runner.quit()
    return recorder


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("loadtests/run.py",
                                     description="Run a load profile; exit 1 if a target is missed.")
    parser.add_argument("--profile", required=True, help="a profile of the targets file, such as smoke")
    parser.add_argument("--host", default=f"http://127.0.0.1:{os.environ.get('SHOTWISE_API_PORT', '8000')}",
                        help="the API's address, with no path other than the stage (default: %(default)s)")
    parser.add_argument("--targets", type=Path, default=SHIPPED_TARGETS,
                        help="the file of profiles and targets (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="also write figures, profile and missed targets to this file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
