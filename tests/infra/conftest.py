"""The infra tier: what CloudFormation would make of the templates, without an account."""

from __future__ import annotations

import pytest

from shotwise_tools.cloudformation.stacks import Stack

from .systems import ALL, SCENARIOS, system


@pytest.fixture(params=SCENARIOS)
def scenario(request: pytest.FixtureRequest) -> Stack:
    """Each scenario, as it is deployed, with its page."""
    return system(request.param)


@pytest.fixture(params=ALL, ids=lambda one: f"{one[0]}, {one[1]}")
def any_system(request: pytest.FixtureRequest) -> Stack:
    """Each scenario with each choice."""
    return system(*request.param)


@pytest.fixture(params=[one for one in ALL if one[0] != "dev"], ids=lambda one: f"{one[0]}, {one[1]}")
def private(request: pytest.FixtureRequest) -> Stack:
    """Each system that has a network of its own."""
    return system(*request.param)


@pytest.fixture(params=[one for one in ALL if one[0] == "dev"], ids=lambda one: f"{one[0]}, {one[1]}")
def public(request: pytest.FixtureRequest) -> Stack:
    """Each dev system."""
    return system(*request.param)
