"""Fixtures of the infra tests: the stacks that CloudFormation would create, resolved without an account."""

from __future__ import annotations

import pytest

from shotwise_tools.cloudformation.stacks import Stack

from .systems import ALL, SCENARIOS, system


@pytest.fixture(params=SCENARIOS)
def scenario(request: pytest.FixtureRequest) -> Stack:
    """Each scenario as it is deployed, with its page."""
    return system(request.param)


@pytest.fixture(params=ALL, ids=", ".join)
def any_system(request: pytest.FixtureRequest) -> Stack:
    """Each scenario with each choice."""
    return system(*request.param)


@pytest.fixture(params=[pair for pair in ALL if pair[0] != "dev"], ids=", ".join)
def private(request: pytest.FixtureRequest) -> Stack:
    """Each system with a network of its own: staging and prod."""
    return system(*request.param)


@pytest.fixture(params=[pair for pair in ALL if pair[0] == "dev"], ids=", ".join)
def public(request: pytest.FixtureRequest) -> Stack:
    """Each dev system."""
    return system(*request.param)
