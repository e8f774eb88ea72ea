"""False credentials, so that no test reaches AWS, and servers on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from fake_opensearch import Store, handler
from opensearch_collection import Collection


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the credentials that moto and signing need."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@cache
def _client(service: str) -> Any:
    return boto3.client(service, region_name="us-east-1")


@pytest.fixture
def aws() -> Callable[[str], Any]:
    """Make a client of a service, for a Stubber; only once, because reading a service's model takes long."""
    return _client


@pytest.fixture
def serve() -> Iterator[Callable[[type[BaseHTTPRequestHandler]], str]]:
    """Start servers by their handler class; each call returns the server's URL."""
    servers = []

    def start(handler: type[BaseHTTPRequestHandler]) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        servers.append(server)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def empty_collection(serve: Callable[..., str]) -> Collection:
    """A collection without an index."""
    store = Store()
    return Collection(serve(handler(store)), store)


@pytest.fixture
def collection(empty_collection: Collection) -> Collection:
    """A collection with an empty index of four dimensions."""
    empty_collection.passage_search.ensure_index()
    empty_collection.store.requests.clear()
    empty_collection.pauses.clear()
    return empty_collection
