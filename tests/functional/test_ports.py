"""A port that cannot be used ends the start with a sentence that names the setting."""

from __future__ import annotations

import socket
from pathlib import Path

from rights import sentence, shotwise


def test_a_taken_port_of_the_page_is_named(tmp_path: Path) -> None:
    """It is looked at before anything slow begins, though the page starts last."""
    with socket.socket() as taken, socket.socket() as free:
        for each in (taken, free):
            each.bind(("127.0.0.1", 0))
        taken.listen()
        port, other = taken.getsockname()[1], free.getsockname()[1]
        free.close()
        process = shotwise("serve", "--ui", SHOTWISE_HOME=tmp_path, SHOTWISE_API_PORT=str(other),
                           SHOTWISE_UI_PORT=str(port))
    first = process.stderr.splitlines()[0]
    assert first == f"shotwise: port {port} cannot be used (Address already in use); set SHOTWISE_UI_PORT to a free one"
    assert sentence(process) == "shotwise: stopped"


def test_the_page_cannot_have_the_port_of_the_api(tmp_path: Path) -> None:
    """Otherwise the page would be started again and again beside the API."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    process = shotwise("serve", "--ui", SHOTWISE_HOME=tmp_path, SHOTWISE_API_PORT=port, SHOTWISE_UI_PORT=port)
    assert sentence(process) == "shotwise: stopped"
    assert f"SHOTWISE_API_PORT and SHOTWISE_UI_PORT are both {port}; set one of them to another" in process.stderr
