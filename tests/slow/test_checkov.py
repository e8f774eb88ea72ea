"""checkov finds nothing in templates, Dockerfile and pipeline that is not justified where it stands."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from infra.systems import parameters
from infra.test_suppressions import suppressions
from infra.transformed import transformed

from shotwise_local.template import load_yaml

from .running import ROOT, tools_python

pytestmark = pytest.mark.slow


def checkov(*files: Path) -> list[dict[str, Any]]:
    """What checkov reports, a report for each kind of file. It asks nothing of the network."""
    # Without --skip-download it fetches guidelines; the variable keeps it from looking for a newer version. --quiet
    # would leave out what was skipped.
    environ = {**os.environ, "CKV_SKIP_PACKAGE_UPDATE_CHECK": "true"}
    command = [str(tools_python().parent / "checkov"), "--skip-download", "--output", "json", "--compact",
               *(part for file in files for part in ("--file", str(file)))]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    return found if isinstance(found, list) else [found]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """template.yaml without SAM's resources: checkov knows few of those, and no merge keys."""
    path = tmp_path_factory.mktemp("checkov") / "template.json"
    path.write_text(json.dumps(transformed(load_yaml(ROOT / "template.yaml"), parameters("prod")), indent=1), "utf-8")
    return path


@pytest.fixture(scope="module")
def reports(root: Path) -> list[dict[str, Any]]:
    """checkov over everything that it can read."""
    return checkov(root, *sorted((ROOT / "infra").glob("*.yaml")), ROOT / "frontend/Dockerfile",
                   *sorted((ROOT / ".github/workflows").glob("*.yml")))


def test_checkov_finds_nothing(reports: list[dict[str, Any]]) -> None:
    """No check fails, every file could be read, and there is something to each kind of file."""
    failed = [f"{one['check_id']} {one['file_path']} {one['resource']}: {one['check_name']}"
              for report in reports for one in report["results"]["failed_checks"]]
    assert not failed, "\n".join(failed)
    assert not [path for report in reports for path in report["results"]["parsing_errors"]]
    assert {"cloudformation", "dockerfile", "github_actions"} <= {
        report["check_type"] for report in reports if report["summary"]["passed"]}


def test_every_suppression_is_of_a_check_that_there_is(reports: list[dict[str, Any]]) -> None:
    """A suppression that suppresses nothing, because its id or its place is wrong, does not stay."""
    skipped = {(Path(one["file_path"]).name.replace(".json", ".yaml"), one["check_id"]) for report in reports
               for one in report["results"]["skipped_checks"]}
    stale = {(one.path.name, one.check) for one in suppressions()} - skipped
    assert not stale


def test_checkov_finds_what_is_wrong(tmp_path: Path) -> None:
    """The companion: a bucket that is open to all does not get past."""
    path = tmp_path / "open.yaml"
    path.write_text("Resources:\n  Open:\n    Type: AWS::S3::Bucket\n    Properties: { AccessControl: PublicRead }\n",
                    "utf-8")
    (report,) = checkov(path)
    assert "CKV_AWS_20" in {one["check_id"] for one in report["results"]["failed_checks"]}
