"""cfn-lint finds nothing in any template, with no rule ignored."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shotwise_tools.cloudformation.placeholders import REGION

from .test_suppressions import TEMPLATES
from .transformed import ROOT

PLANTED = ("planted.yaml", "infra/planted.yaml")


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """File → what cfn-lint finds in it, for the region that samconfig.toml deploys to.

    One run checks our templates and two with planted mistakes, because starting cfn-lint takes longer than the files.
    It runs in a copy, because cfn-lint follows nested stacks only below its working directory.
    """
    folder = tmp_path_factory.mktemp("lint")
    shutil.copytree(ROOT / "infra", folder / "infra")
    shutil.copy(ROOT / "template.yaml", folder)
    (folder / PLANTED[1]).write_text("Resources: { T: { Type: AWS::SNS::Topic, Properties: { Nam: x } } }\n", "utf-8")
    (folder / PLANTED[0]).write_text("""
Parameters: { Unused: { Type: String } }
Resources: { Nested: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: infra/planted.yaml } } }
Outputs: { Id: { Value: !GetAtt Nested.Outputs.Id } }
""", "utf-8")
    files = [*PLANTED, *(str(path.relative_to(ROOT)) for path in TEMPLATES)]
    done = subprocess.run([str(Path(sys.executable).parent / "cfn-lint"), "--regions", REGION, "--format", "json", "--",
                           *files], cwd=folder, capture_output=True, text=True, timeout=200, check=False)
    by_file: dict[str, list[str]] = {}
    for finding in json.loads(done.stdout):
        line = finding["Location"]["Start"]["LineNumber"]
        by_file.setdefault(finding["Filename"], []).append(
            f"{finding['Rule']['Id']} in line {line}: {finding['Message']}")
    return by_file


def test_the_templates_are_clean(findings: dict[str, list[str]]) -> None:
    """There is no error and no warning; the root is checked together with its nested stacks."""
    assert {path: in_file for path, in_file in findings.items() if path not in PLANTED} == {}


def test_planted_mistakes_are_found(findings: dict[str, list[str]]) -> None:
    """Planted mistakes are reported: a missing output, an unknown property, an unused parameter."""
    planted = str([findings[path] for path in PLANTED])
    assert "Outputs.Id" in planted and "'Nam'" in planted and "Unused" in planted
