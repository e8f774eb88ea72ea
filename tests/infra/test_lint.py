"""cfn-lint, with nothing ignored, is content with every template."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from local.placeholders import REGION

from .transformed import ROOT

FILES = ["template.yaml", *(f"infra/{path.name}" for path in sorted((ROOT / "infra").glob("*.yaml")))]


def lint(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    """cfn-lint, for the region that samconfig.toml deploys to."""
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--regions", REGION, "--", *files]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.parametrize("group", [FILES[:1], FILES[1:]], ids=["root", "infra"])
def test_the_templates_are_clean(group: list[str]) -> None:
    """No error and no warning; the root is looked at with its nested stacks."""
    done = lint(ROOT, *group)
    assert done.returncode == 0 and not done.stdout.strip(), done.stdout + done.stderr


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    """The companion: an output that the nested stack does not have, and a property that there is not."""
    (tmp_path / "nested.yaml").write_text("Resources: { T: { Type: AWS::SNS::Topic, Properties: { Nam: x } } }\n",
                                          "utf-8")
    (tmp_path / "root.yaml").write_text("""
Resources: { Nested: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: nested.yaml } } }
Outputs: { Id: { Value: !GetAtt Nested.Outputs.Id } }
""", "utf-8")
    done = lint(tmp_path, "root.yaml", "nested.yaml")
    assert done.returncode and "Outputs.Id" in done.stdout and "'Nam'" in done.stdout
