"""Nothing is ignored globally, and every suppression of a linter is justified where it stands."""

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
# Settings files with which the tools could be silenced.
SETTINGS = [".cfnlintrc", ".cfnlintrc.yaml", ".cfnlintrc.yml", ".checkov.yaml", ".checkov.yml", ".checkov.baseline",
            "frontend/.checkov.yaml"]


@dataclass(frozen=True)
class Suppression:
    """A check of checkov that is not applied to one resource.

    Attributes
    ----------
    path : Path
        The file.
    check : str
        The id of the check.
    comment : str
        The reason.
    """

    path: Path
    check: str
    comment: str


def template_suppressions(path: Path) -> list[Suppression]:
    """The suppressions in Metadata."""
    resources: dict[str, Any] = load_yaml(path)["Resources"]
    return [Suppression(path, skip["id"], skip.get("comment", "")) for resource in resources.values()
            for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])]


def comment_suppressions(path: Path) -> list[Suppression]:
    """The suppressions in comments."""
    return [Suppression(path, check, comment.lstrip(":").strip()) for check, comment in
            re.findall(r"#\s*checkov:skip=(\w+)(.*)", path.read_text("utf-8"))]


def suppressions() -> list[Suppression]:
    """All suppressions of the project."""
    return [suppression for path in TEMPLATES for suppression in template_suppressions(path)] \
        + [suppression for path in OTHERS if path.exists() for suppression in comment_suppressions(path)]


def is_hollow(suppression: Suppression) -> bool:
    """Whether there is no comment, or words that would fit anything."""
    return bool(re.match(r"\W*($|ok\b|false positive|not needed|todo|accepted)", suppression.comment.lower()))


def test_every_suppression_says_why() -> None:
    """Each has a comment, of words that would not fit anything."""
    all_suppressions = suppressions()
    assert all_suppressions and not [suppression for suppression in all_suppressions if is_hollow(suppression)]


@pytest.mark.parametrize("comment", ["", "false positive, see the ticket about it there", "not needed", 6 * "ok "])
def test_a_hollow_comment_is_found(comment: str) -> None:
    """Comments without substance are reported."""
    assert is_hollow(Suppression(TEMPLATES[0], "CKV_AWS_1", comment))


def test_a_suppression_in_a_comment_is_found(tmp_path: Path) -> None:
    """With its reason, or without one."""
    path = tmp_path / "Dockerfile"
    path.write_text("FROM x\n# checkov:skip=CKV_DOCKER_2:the balancer asks for its health\n"
                    "#checkov:skip=CKV_DOCKER_3\n", "utf-8")
    assert [(suppression.check, suppression.comment) for suppression in comment_suppressions(path)] == [
        ("CKV_DOCKER_2", "the balancer asks for its health"), ("CKV_DOCKER_3", "")]


def test_no_linter_is_silenced() -> None:
    """There is no settings file, no cfn-lint metadata, and no directive in a comment."""
    assert not [name for name in SETTINGS if (ROOT / name).exists()]
    for path in TEMPLATES:
        text = path.read_text("utf-8")
        assert "cfn-lint" not in text and "cfn_nag" not in text and "nosec" not in text, path
        assert "checkov:skip" not in text, f"{path}: say it in the resource's Metadata"
