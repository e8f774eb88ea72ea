"""The errors that the smoke test finds in logs: in a file, and in a log group of a stand-in for CloudWatch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from shotwise_tools.smoke.logs import FileLogs, GroupLogs, LogsError, is_error

ERROR = json.dumps({"level": "ERROR", "message": "failed", "service": "rag_query"})


@pytest.mark.parametrize(("line", "error"), [
    (ERROR, True), ('{"level": "CRITICAL"}', True), ('{"timestamp": "…", "level": "FATAL", "message": "x"}', True),
    ('{"level": "INFO", "message": "ERROR is a word"}', False), ('{"time": "…", "type": "platform.report"}', False),
    ('{"type": "platform.report", "record": {"status": "timeout"}}', True),
    ('{"type": "platform.report", "record": {"status": "success"}}', False),
    ('{"message": "2026-01-02T03:04:05Z 1f Task timed out after 3.00 seconds"}', True),
    ("2026-01-02T03:04:05Z 1f Task timed out after 3.00 seconds", True), ("Traceback (most recent call last):", True),
    ("[ERROR] ValueError: x", True), ("INFO: started", False), ("[1, 2]", False), ("", False)])
def test_errors_are_recognised_by_level_and_by_how_an_invocation_ended(line: str, error: bool) -> None:
    """In the formats of the functions, of Lambda and of Python."""
    assert is_error(line) is error


def test_a_log_without_a_line_is_no_proof(tmp_path: Path) -> None:
    """A log that stays silent may be the wrong one. One that was started anew is read from its start."""
    log = tmp_path / "api.log"
    with pytest.raises(LogsError, match="cannot be read"):
        FileLogs(log)
    log.write_text("before, and long\n", "utf-8")
    logs = FileLogs(log)
    with pytest.raises(LogsError, match="nothing was logged"):
        logs.errors()
    log.write_text("{}\n", "utf-8")
    assert logs.errors() == []


@pytest.fixture
def group() -> Iterator[tuple[Any, Callable[[str], None]]]:
    """A log group at a stand-in for CloudWatch: its client, and a function that logs a line."""
    with mock_aws():
        client = botocore.session.Session().create_client("logs", region_name="ap-northeast-2")
        client.create_log_group(logGroupName="/aws/lambda/plant")
        client.create_log_stream(logGroupName="/aws/lambda/plant", logStreamName="one")

        def log(message: str) -> None:
            client.put_log_events(logGroupName="/aws/lambda/plant", logStreamName="one", logEvents=[
                {"timestamp": int(time.time() * 1000), "message": message}])

        yield client, log


def test_errors_of_a_log_group_are_found(group: tuple[Any, Callable[[str], None]]) -> None:
    """Those since the run began, whatever the filter lets through besides."""
    client, log = group
    log(ERROR)
    time.sleep(0.01)
    logs = GroupLogs(client, "/aws/lambda/plant", first_line_wait=0, last_lines_wait=0)
    with pytest.raises(LogsError, match="nothing was logged"):
        logs.errors()
    log('{"level": "INFO", "message": "an ERROR of old"}')
    assert logs.errors() == []
    log(ERROR)
    log('{"type": "platform.report", "record": {"status": "timeout"}}')
    assert len(logs.errors()) == 2


def test_a_log_group_that_cannot_be_read_is_bad_input(group: tuple[Any, Callable[[str], None]]) -> None:
    """It is found out before anything is uploaded."""
    with pytest.raises(LogsError, match="/aws/lambda/absent cannot be read"):
        GroupLogs(group[0], "/aws/lambda/absent")
