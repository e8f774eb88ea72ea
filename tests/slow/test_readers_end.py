"""No reader of PDFs outlives the stack that started it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from unit.knowledge.poison_pdfs import save_nested_forms

from .running import stack
from .test_documents_served import upload, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bad_pdf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A PDF that takes minutes until it fails."""
    return save_nested_forms(tmp_path_factory.mktemp("bad") / "bad.pdf", [None]).read_bytes()


def readers_of(process: subprocess.Popen[bytes]) -> set[int]:
    """The processes that read PDFs for a stack, by the session that they share with it."""
    listing = subprocess.run(["ps", "-ww", "-s", str(process.pid), "-o", "pid=,args="], capture_output=True, text=True,
                             check=False).stdout
    return {int(line.split()[0]) for line in listing.splitlines() if "parse_worker" in line}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_no_reader_outlives_its_stack(tmp_path: Path, bad_pdf: bytes, signal_number: int) -> None:
    """It would use a core for half a minute more, and nobody would read its pages."""
    with stack(tmp_path / "home") as running:
        for number in range(3):
            upload(running, f"bad{number}.pdf", bad_pdf)
        wait_until(lambda: bool(readers_of(running.process)))
        running.process.send_signal(signal_number)
        running.process.wait(15)
        wait_until(lambda: not readers_of(running.process), 2)
