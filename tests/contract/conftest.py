"""Fixtures of the contract tests: the parsed files, and the stack of one machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from shotwise_local.gateway import Gateway
    from shotwise_local.stack import Stack

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def api() -> dict[str, Any]:
    """api/openapi.yaml as data."""
    from shotwise_local.template import load_yaml

    return load_yaml(ROOT / "api/openapi.yaml")


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """template.yaml as data, short forms as long ones."""
    from shotwise_local.template import load_yaml

    return load_yaml(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack of one machine, with a home of its own."""
    from shotwise_local.stack import open_stack, prepare

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SHOTWISE_HOME", str(tmp_path_factory.mktemp("home")))
        prepare(os.environ, lambda text: None)
        with open_stack() as opened:
            yield opened


@pytest.fixture(scope="session")
def gateway(stack: Stack) -> Gateway:
    """The gateway of that stack."""
    return stack.gateway
