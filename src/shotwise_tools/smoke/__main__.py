"""Smoke-test a deployment: a document is uploaded, found, cited in a streamed answer, and removed again.

    python -m shotwise_tools.smoke --url URL [--stream-url URL] [--logs FILE|cloudwatch:GROUP] [--wait SECONDS]

It calls the API with the page's own client, signs as the page does, and prints a line for each step. Exit status 0: all
checks passed, 1: a check failed, 2: bad input (no such log, no credentials, …). The document is removed in any case.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import botocore.session
from botocore.exceptions import BotoCoreError

from frontend.client import Client, Unsigned
from frontend.signing import scope_of
from shotwise_tools.smoke.document import make_document
from shotwise_tools.smoke.logs import FileLogs, GroupLogs, Logs, LogsError
from shotwise_tools.smoke.run import MAX_WAIT, SmokeTest

GROUP_PREFIX = "cloudwatch:"


class BadInput(Exception):
    """An argument cannot be used."""


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run the smoke test and return the exit status."""
    options = _parser().parse_args(arguments)
    region = environ.get("SHOTWISE_SIGN_REGION", "")
    try:
        for url in (options.url, options.stream_url or options.url):
            if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
                raise BadInput(f"{url!r} is not the address of an API: it has to begin with http:// or https://")
        logs = _open_logs(options.logs, _region_of(options.url, region)) if options.logs else None
        client = Client(options.url, options.stream_url, region)
        return SmokeTest(client, make_document(random.SystemRandom()), logs, _print, max_wait=options.wait).run()
    except (BadInput, LogsError, Unsigned) as error:
        print(f"smoke: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _open_logs(location: str, region: str | None) -> Logs:
    """Open the logs that `--logs` names. Raises LogsError."""
    if not location.startswith(GROUP_PREFIX):
        return FileLogs(Path(location))
    try:
        client = botocore.session.Session().create_client("logs", region_name=region)
    except BotoCoreError as error:
        raise LogsError(f"{location} cannot be read: {error}") from error
    return GroupLogs(client, location.removeprefix(GROUP_PREFIX))


def _region_of(url: str, region: str) -> str | None:
    """The region of the API; None to let botocore find one in the environment."""
    scope = scope_of(url, region)
    return scope.region if scope else None


def _print(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m shotwise_tools.smoke",
                                     description="Smoke-test a deployment; exit 1 if a check fails.")
    parser.add_argument("--url", required=True, help="the API's address, with no path other than the stage")
    parser.add_argument("--stream-url", default="", help="the address for streamed answers, if it is another")
    parser.add_argument("--logs", default="", help=f"a log file, or {GROUP_PREFIX}GROUP, to search for errors")
    parser.add_argument("--wait", type=float, default=MAX_WAIT,
                        help="seconds to wait for the document at most (default: %(default)g)")
    return parser


if __name__ == "__main__":
    # As an exception, so that a run that is terminated still removes its document.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
