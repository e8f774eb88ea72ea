"""Real processes for the slow tests: the stack on free ports, and the built functions in Lambda's emulator."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BUILD = ROOT / ".aws-sam/build"
BUILT_INDEX = BUILD / "KnowledgeLayer/knowledge/index.sqlite"
AWSLAMBDARIC = ("-m", "awslambdaric")


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Response:
    """An HTTP response."""

    status: int
    content_type: str
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def ask(url: str, body: bytes | None = None, content_type: str = "application/x-www-form-urlencoded",
        seconds: float = 30, **headers: str) -> Response:
    """GET, or POST as `curl -d` does; an error status is returned, not raised.

    Headers are given with underscores: x_amzn_trace_id=….
    """
    all_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None:
        all_headers["Content-Type"] = content_type
    request = urllib.request.Request(url, body, all_headers)
    try:
        with urllib.request.urlopen(request, timeout=seconds) as response:
            return Response(response.status, response.headers.get("Content-Type", ""), response.read())
    except urllib.error.HTTPError as error:
        return Response(error.code, error.headers.get("Content-Type", ""), error.read())


def wait_for(url: str, process: subprocess.Popen[Any], seconds: float = 90) -> None:
    """Wait until `url` answers 200; fail if the process ends before."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, f"the process ended with {process.returncode} before {url} answered"
        try:
            if ask(url, seconds=2).status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer within {seconds} s")


def steady(reply: dict[str, Any]) -> dict[str, Any]:
    """A reply without what differs from call to call."""
    return {name: value for name, value in reply.items()
            if name not in ("prediction_id", "processing_time_ms", "visualization_url")}


@dataclass
class Stack:
    """A running stack: its URLs, its home folder, its process, and the file with its terminal output."""

    api: str
    ui: str
    home: Path
    process: subprocess.Popen[bytes]
    console: Path


@contextmanager
def stack(home: Path, *, ui: bool = False, command: list[str] | None = None) -> Iterator[Stack]:
    """Run `shotwise serve`, or `command`, with ports and a home of its own, until SIGTERM ends it."""
    api_port, ui_port = free_port(), free_port()
    environ = {**os.environ, "SHOTWISE_HOME": str(home), "SHOTWISE_API_PORT": str(api_port),
               "SHOTWISE_UI_PORT": str(ui_port)}
    for name in ("POWERTOOLS_LOG_LEVEL", "POWERTOOLS_METRICS_DISABLED"):
        environ.pop(name, None)  # the tests are quiet, the stack is not
    home.mkdir(parents=True, exist_ok=True)
    console = home / "console.txt"
    command = command or [sys.executable, "-m", "shotwise_cli.main", "serve", *(["--ui"] if ui else [])]
    with console.open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=out, start_new_session=True)
    running = Stack(f"http://127.0.0.1:{api_port}", f"http://127.0.0.1:{ui_port}", home, process, console)
    try:
        wait_for(f"{running.api}/health", process)
        yield running
    finally:
        stop(process)


def stop(process: subprocess.Popen[Any], seconds: float = 15) -> None:
    """Send SIGTERM and wait; fail if the process does not end."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError(f"SIGTERM did not end the process within {seconds} s") from None


def python313() -> Path:
    """Lambda's version of Python: on PATH, or one of pyenv's."""
    on_path = shutil.which("python3.13")
    if on_path and subprocess.run([on_path, "--version"], capture_output=True, check=False).returncode == 0:
        return Path(on_path).resolve()
    pythons = sorted((Path.home() / ".pyenv/versions").glob("3.13*/bin/python3.13"))
    assert pythons, "sam build and the emulator need Python 3.13: put python3.13 on PATH"
    return pythons[-1]


def sam(*arguments: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
    """Run this environment's sam with Lambda's version of Python on PATH."""
    python = python313()
    environ = {**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1",
               "PATH": f"{python.parent}:{os.environ['PATH']}"}
    return subprocess.run([str(Path(sys.executable).parent / "sam"), *arguments], cwd=ROOT, env=environ,
                          capture_output=True, text=True, timeout=seconds, check=False)


@contextmanager
def taking_turns(name: str) -> Iterator[None]:
    """Let one process at a time run the block, among all that run these tests."""
    folder = ROOT / ".aws-sam"
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def environment(name: str, python: Path, requirements: Path) -> Path:
    """The Python of a virtual environment in the project's folder, which is made again if its requirements changed."""
    folder = ROOT / name
    required = requirements.read_text("utf-8")
    stamp = folder / "installed.txt"
    with taking_turns(name):
        if stamp.exists() and stamp.read_text("utf-8") == required:
            return folder / "bin/python"
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([str(python), "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "-r", str(requirements)],
                       check=True)
        stamp.write_text(required, "utf-8")
    return folder / "bin/python"


def runtime_python() -> Path:
    """A Python 3.13 with the packages of Lambda's image."""
    return environment(".venv-lambda", python313(), ROOT / "requirements/lambda.txt")


def tools_python() -> Path:
    """A Python with checkov, which pins an old boto3."""
    return environment(".venv-tools", Path(sys.executable), ROOT / "requirements/tools.txt")


def emulator() -> Path:
    """The Runtime Interface Emulator that aws-sam-cli includes."""
    import samcli

    machine = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
    return Path(samcli.__file__).parent / f"local/rapid/aws-lambda-rie-{machine}"


@contextmanager
def built_function(name: str, layers: list[str], settings: Mapping[str, str], home: Path, *,
                   runtime: Sequence[str] = AWSLAMBDARIC) -> Iterator[str]:
    """Run a built function in the emulator; yields the URL that invokes it.

    `runtime` is what runs `app.handler`, as arguments of Python.
    """
    paths = [str(BUILD / name), *(str(BUILD / layer / "python") for layer in layers)]
    command = [str(runtime_python()), *runtime, "app.handler"]
    with emulated(command, BUILD / name, paths, {"AWS_LAMBDA_FUNCTION_NAME": name, **settings}, home) as url:
        yield url


@contextmanager
def emulated(command: Sequence[str], task: Path, paths: Sequence[str], settings: Mapping[str, str],
             home: Path) -> Iterator[str]:
    """Run the emulator, which starts `command` in the folder `task` at the first invocation; yields its URL."""
    port, api_port = free_port(), free_port()
    binary = home / "aws-lambda-rie"
    shutil.copy(emulator(), binary)
    binary.chmod(0o755)
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(paths), "LAMBDA_TASK_ROOT": str(task),
               "AWS_DEFAULT_REGION": "us-east-1", "SHOTWISE_HOME": str(home), "MPLCONFIGDIR": str(home), **settings}
    with (home / "emulator.txt").open("ab") as out:
        process = subprocess.Popen(
            [str(binary), "--runtime-interface-emulator-address", f"127.0.0.1:{port}", "--runtime-api-address",
             f"127.0.0.1:{api_port}", *command],
            cwd=task, env=environ, stdout=out, stderr=out, start_new_session=True)
    try:
        yield f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def built_stream(name: str, layers: list[str], settings: Mapping[str, str], home: Path) -> Iterator[str]:
    """Run a built function that streams, by its run.sh, as the web adapter does; yields the URL of its server."""
    port, task = free_port(), BUILD / name
    environ = {"PATH": f"{runtime_python().parent}:{os.environ['PATH']}", "AWS_LWA_PORT": str(port),
               "PYTHONPATH": ":".join(str(BUILD / layer / "python") for layer in layers),
               "LAMBDA_TASK_ROOT": str(task), "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_REGION": "us-east-1",
               "SHOTWISE_HOME": str(home), **settings}
    with (home / "stream.txt").open("ab") as out:
        process = subprocess.Popen([str(task / "run.sh")], cwd=task, env=environ, stdout=out, stderr=out,
                                   start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


@contextmanager
def s3_server(*buckets: str) -> Iterator[dict[str, str]]:
    """Run moto's S3 over HTTP with these buckets; yields the settings that lead a process there."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    settings = {"AWS_ENDPOINT_URL_S3": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1", "NO_PROXY": "127.0.0.1"}
    client = boto3.client("s3", "us-east-1", endpoint_url=settings["AWS_ENDPOINT_URL_S3"], aws_access_key_id="test",
                          aws_secret_access_key="test")
    for bucket in buckets:
        client.create_bucket(Bucket=bucket)
    try:
        yield settings
    finally:
        ask(f"{settings['AWS_ENDPOINT_URL_S3']}/moto-api/reset", b"")  # its contents would outlive it in this process
        server.stop()


def wait_for_port(url: str, seconds: float = 20) -> None:
    """Wait until something listens there, so that what is timed then is the function alone."""
    address = urllib.parse.urlsplit(url)
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((address.hostname, address.port), 1).close()
            return
        except OSError:
            assert time.monotonic() < end, f"nothing listens at {url}"
            time.sleep(0.02)


def invoke(url: str, event: Any, seconds: float = 60) -> Any:
    """Invoke an emulated function; waits for the emulator to listen."""
    end = time.monotonic() + 20
    while True:
        try:
            return ask(url, json.dumps(event).encode(), "application/json", seconds).json()
        except ConnectionRefusedError:
            raise
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
