"""cfn-lint, with nothing ignored, is content with every template."""

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
    """File → what cfn-lint finds in it, for the region that samconfig.toml deploys to. One run reads our templates and
    two with mistakes in them, because its start costs more than they do, and it follows nested stacks only below the
    folder that it is started in."""
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
    found: dict[str, list[str]] = {}
    for one in json.loads(done.stdout):
        line = one["Location"]["Start"]["LineNumber"]
        found.setdefault(one["Filename"], []).append(f"{one['Rule']['Id']} in line {line}: {one['Message']}")
    return found


def test_the_templates_are_clean(findings: dict[str, list[str]]) -> None:
    """No error and no warning; the root is looked at together with its nested stacks."""
    assert {path: found for path, found in findings.items() if path not in PLANTED} == {}


def test_what_is_wrong_is_found(findings: dict[str, list[str]]) -> None:
    """The companion: an output that the nested stack does not have, a property that there is not, an unused name."""
    found = str([findings[path] for path in PLANTED])
    assert "Outputs.Id" in found and "'Nam'" in found and "Unused" in found
