"""Linters are heard: nothing is ignored at large, and what is suppressed is justified where it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shotwise_local.template import load_yaml

from .transformed import ROOT

TEMPLATES = [ROOT / "template.yaml", *sorted((ROOT / "infra").glob("*.yaml"))]
OTHERS = [ROOT / "frontend/Dockerfile", *sorted((ROOT / ".github").rglob("*.yml"))]
# Settings files by which the tools could be told to look away.
SETTINGS = [".cfnlintrc", ".cfnlintrc.yaml", ".cfnlintrc.yml", ".checkov.yaml", ".checkov.yml", ".checkov.baseline",
            "frontend/.checkov.yaml"]


@dataclass(frozen=True)
class Suppression:
    """One check of checkov's that is not applied to one resource, and why."""

    path: Path
    check: str
    comment: str


def of_template(path: Path) -> list[Suppression]:
    """Those in Metadata."""
    resources: dict[str, Any] = load_yaml(path)["Resources"]
    return [Suppression(path, one["id"], one.get("comment", "")) for resource in resources.values()
            for one in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])]


def of_text(path: Path) -> list[Suppression]:
    """Those in comments."""
    return [Suppression(path, check, comment.lstrip(":").strip()) for check, comment in
            re.findall(r"#\s*checkov:skip=(\w+)(.*)", path.read_text("utf-8"))]


def suppressions() -> list[Suppression]:
    """All of the project's."""
    return [one for path in TEMPLATES for one in of_template(path)] \
        + [one for path in OTHERS if path.exists() for one in of_text(path)]


def hollow(one: Suppression) -> bool:
    """Whether a comment says nothing: too few words, or words that would fit anything."""
    text = one.comment.lower()
    return len(set(re.findall(r"\w+", text))) < 6 or bool(re.match("false positive|not needed|todo|accepted", text))


def test_every_suppression_says_why() -> None:
    """A comment of substance stands beside each."""
    found = suppressions()
    assert found and not [one for one in found if hollow(one)]


@pytest.mark.parametrize("comment", ["", "false positive, see the ticket about it there", "not needed", 6 * "ok "])
def test_a_hollow_comment_is_found(comment: str) -> None:
    """The companion: none of these would get past."""
    assert hollow(Suppression(TEMPLATES[0], "CKV_AWS_1", comment))


def test_a_suppression_in_a_comment_is_found(tmp_path: Path) -> None:
    """With its reason, or without one."""
    path = tmp_path / "Dockerfile"
    path.write_text("FROM x\n# checkov:skip=CKV_DOCKER_2:the balancer asks for its health\n"
                    "#checkov:skip=CKV_DOCKER_3\n", "utf-8")
    assert [(one.check, one.comment) for one in of_text(path)] == [
        ("CKV_DOCKER_2", "the balancer asks for its health"), ("CKV_DOCKER_3", "")]


def test_nothing_tells_the_tools_to_look_away() -> None:
    """No settings file, no cfn-lint metadata, no directive in a comment."""
    assert not [name for name in SETTINGS if (ROOT / name).exists()]
    for path in TEMPLATES:
        text = path.read_text("utf-8")
        assert "cfn-lint" not in text and "cfn_nag" not in text and "nosec" not in text, path
        assert "checkov:skip" not in text, f"{path}: say it in the resource's Metadata"
