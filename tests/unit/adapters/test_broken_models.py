"""A model that is broken, in whatever way, costs a call no more than its time and a bounded amount of memory."""

from __future__ import annotations

import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from broken_models import KINDS, broken_model, wait_until
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shotwise.adapters.openai.embedder import OpenAIEmbedder
from shotwise.adapters.openai.generator import OpenAIGenerator
from shotwise.deadline import Deadline
from shotwise.errors import Cancelled, KnowledgeError, TimeLimitExceeded

SECONDS = 0.5
# What a call may read of an endless response, and what the buffers of both ends of a connection take besides.
MAX_READ_BYTES = 8 * 2**20 + 8 * 2**20
STAYS_CONNECTED = [kind for kind in KINDS if kind.startswith(("no_headers", "silent", "drip", "an_event_each"))]


def write(url: str, deadline: Deadline) -> list[str]:
    """Let a text generator write an answer."""
    return list(OpenAIGenerator(url, "m").write("system", "prompt", deadline))


def embed(url: str, deadline: Deadline) -> Any:
    """Let an embedder embed a question."""
    return OpenAIEmbedder(url, "m", 1024).embed(["왜?"], deadline)


@pytest.mark.parametrize("call", [write, embed])
@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_model_costs_no_more_than_its_time(kind: str, call: Any) -> None:
    """The call is a KnowledgeError by its deadline, has hung up, and has read no more than is allowed."""
    with broken_model(kind) as model:
        start = time.monotonic()
        if call is write and kind in ("endless_tokens", "endless_lines_of_text"):
            take_until_closed(model.url)  # what is written is bounded by who reads it
        else:
            with pytest.raises(KnowledgeError):
                call(model.url, Deadline(SECONDS))
        assert time.monotonic() - start < SECONDS + 0.5
        assert wait_until(lambda: model.open_connections == 0, 1), "the connection is still open"
        assert model.sent_bytes < MAX_READ_BYTES and model.requests <= 1


@pytest.mark.parametrize("kind", ["endless_headers", "endless_informational"])
def test_a_response_that_never_begins_costs_little(kind: str) -> None:
    """Headers or preliminary responses without end are given up long before the deadline."""
    with broken_model(kind) as model:
        start = time.monotonic()
        with pytest.raises(KnowledgeError, match="did not answer: "):
            write(model.url, Deadline(30))
        assert time.monotonic() - start < 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a model")])
    now = datetime.now(UTC)
    signed = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
              .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
              .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
              .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
              .sign(key, hashes.SHA256()))
    path = tmp_path_factory.mktemp("tls") / "model.pem"
    path.write_bytes(signed.public_bytes(Encoding.PEM)
                     + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.mark.parametrize("kind", [*STAYS_CONNECTED, "endless_line", "endless_informational", "endless_comments"])
def test_https_has_the_same_limits(kind: str, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS replaces the socket of a connection; deadline and cancelling reach it nevertheless."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    with broken_model(kind, tls) as model:
        deadline = Deadline(30 if kind in STAYS_CONNECTED else SECONDS)
        threading.Timer(SECONDS, deadline.cancel).start()
        start = time.monotonic()
        with pytest.raises((KnowledgeError, Cancelled)):
            write(model.url, deadline)
        assert time.monotonic() - start < SECONDS + 0.5 and model.requests == 1
        assert wait_until(lambda: model.open_connections == 0, 1), "the connection is still open"


def test_a_silent_handshake_has_the_same_limits() -> None:
    """A server that accepts a connection and says nothing of TLS is hung up, too."""
    with broken_model("no_headers") as model:
        start = time.monotonic()
        with pytest.raises(TimeLimitExceeded):
            write(model.url.replace("http:", "https:"), Deadline(SECONDS))
        assert time.monotonic() - start < SECONDS + 0.5
        assert wait_until(lambda: model.open_connections == 0, 1), "the connection is still open"


def take_until_closed(url: str) -> None:
    """Read a thousand pieces of an answer and close it."""
    pieces = OpenAIGenerator(url, "m").write("system", "prompt", Deadline(SECONDS))
    for _ in range(1000):
        next(pieces)
    pieces.close()


@pytest.mark.parametrize("call", [write, embed])
@pytest.mark.parametrize("kind", STAYS_CONNECTED)
def test_a_cancelled_call_ends_at_once(kind: str, call: Any) -> None:
    """Cancelling in another thread ends the call and its connection, however silent the model is."""
    with broken_model(kind) as model:
        deadline = Deadline(30)
        threading.Timer(0.2, deadline.cancel).start()
        start = time.monotonic()
        with pytest.raises(Cancelled):
            call(model.url, deadline)
        assert 0.1 < time.monotonic() - start < 0.7
        assert wait_until(lambda: model.open_connections == 0, 1), "the connection is still open"


def test_nothing_is_sent_for_a_call_that_was_cancelled_before() -> None:
    """A call with a cancelled deadline ends before it has connected, or at once after it."""
    with broken_model("silent") as model:
        deadline = Deadline(30)
        deadline.cancel()
        with pytest.raises(Cancelled):
            write(model.url, deadline)
        assert wait_until(lambda: model.open_connections == 0, 1)


def test_many_calls_to_a_silent_model_all_end_in_time() -> None:
    """No call waits for the connection of another beyond its own deadline, and no thread stays behind."""
    generator_errors: list[Exception] = []
    before = threading.active_count()

    def ask(generator: OpenAIGenerator) -> None:
        try:
            list(generator.write("system", "prompt", Deadline(SECONDS)))
        except KnowledgeError as error:
            generator_errors.append(error)

    with broken_model("silent") as model:
        generator = OpenAIGenerator(model.url, "m")
        threads = [threading.Thread(target=ask, args=(generator,)) for _ in range(32)]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - start < SECONDS + 2 and len(generator_errors) == 32
        assert wait_until(lambda: model.open_connections == 0)
    assert wait_until(lambda: threading.active_count() <= before + 1)
