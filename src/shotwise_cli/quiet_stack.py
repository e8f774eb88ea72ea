"""Open the local stack inside a command, without its logs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shotwise_cli.console import note

if TYPE_CHECKING:
    from shotwise_local.gateway import Gateway
    from shotwise_local.lambda_host import LambdaHost
    from shotwise_local.workflow import Workflow


@contextmanager
def quiet_stack() -> Iterator[tuple[LambdaHost, Workflow, Gateway]]:
    """Open the local stack, with logs and metrics switched off: standard output belongs to the command."""
    os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")
    os.environ.setdefault("POWERTOOLS_METRICS_DISABLED", "true")
    from shotwise.settings import Settings
    from shotwise_local.reconciliation import report_unread
    from shotwise_local.stack import open_stack, prepare

    prepare(os.environ, note)
    report_unread(Settings.from_mapping(os.environ), note)
    with open_stack() as stack:
        yield stack
