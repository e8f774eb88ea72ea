"""Patches of foreign libraries work with the version that they were written for, and refuse any other."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from shotwise.compat import require_version

REPLACE_VERSION = """
import {module} as library
library.{attribute} = "0.0.1"
import {patch}
"""


def test_another_version_is_refused_with_both_versions_and_the_remedy() -> None:
    """Whoever upgrades the library reads which version to install, and that the patch has to be tried anew."""
    require_version("moto", "5.2.5", "5.2.5")
    with pytest.raises(ImportError, match=r"moto 5\.3\.0 is installed") as caught:
        require_version("moto", "5.3.0", "5.2.5")
    assert "patches moto 5.2.5" in str(caught.value) and "pip install moto==5.2.5" in str(caught.value)
    assert caught.value.name == "moto"


@pytest.mark.parametrize("patch", ["shotwise.compat.powertools", "shotwise_local.compat.moto"])
def test_the_installed_version_is_the_expected_one(patch: str) -> None:
    """The pinned requirements and the patches name the same version."""
    importlib.import_module(patch)


@pytest.mark.parametrize(("patch", "module", "attribute"), [
    ("shotwise.compat.powertools", "aws_lambda_powertools.shared.version", "VERSION"),
    ("shotwise_local.compat.moto", "moto", "__version__")])
def test_a_patch_does_not_start_beside_another_version(patch: str, module: str, attribute: str) -> None:
    """In a new process with another version, the import fails and names both."""
    code = REPLACE_VERSION.format(patch=patch, module=module, attribute=attribute)
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode != 0 and "ImportError" in process.stderr and "0.0.1 is installed" in process.stderr
