"""A change of anything that a version is made of publishes a new version, and the alias moves to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shotwise_local.template import load_yaml
from shotwise_tools.release import ROOT, release

from .systems import parameters
from .transformed import transformed


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a release is made of; models, manuals and layers are replaced by small files."""
    for part in ("functions", "src", "infra"):
        shutil.copytree(ROOT / part, tmp_path / part)
    for part in ("models/shotwise/model.onnx", "models/poc_baseline/bundle.json", "manuals/guide.pdf",
                 "manuals/guide.md", "requirements/serve.txt", "requirements/develop.txt", "layers/knowledge/Makefile",
                 "layers/runtime/requirements.txt", "build/knowledge/index.sqlite"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / part).write_bytes(b"some bytes")
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def versions(release_hash: str) -> dict[str, str]:
    """Function → the logical id of the version that its alias points to."""
    plain = transformed(load_yaml(ROOT / "template.yaml"), {**parameters("prod"), "Release": release_hash})
    return {name.removesuffix("Aliaslive"): resource["Properties"]["FunctionVersion"]["Fn::GetAtt"][0]
            for name, resource in plain["Resources"].items() if resource["Type"] == "AWS::Lambda::Alias"}


@pytest.mark.parametrize("path", [
    "functions/predict/app.py", "src/shotwise/prediction.py", "models/shotwise/model.onnx",
    "layers/runtime/requirements.txt", "layers/knowledge/Makefile", "manuals/guide.pdf", "requirements/serve.txt",
    "template.yaml", "samconfig.toml", "infra/roles.yaml"])
def test_one_byte_makes_another_version_of_every_function(checkout: Path, path: str) -> None:
    """Of a function, the core, a model, a layer, a manual, a template or a scenario; SAM alone sees only the first."""
    before = release(checkout)
    changed = checkout / path
    content = bytearray(changed.read_bytes())
    content[-1] ^= 1
    changed.write_bytes(bytes(content))
    after = release(checkout)
    assert after != before
    old, new = versions(before), versions(after)
    assert len(old) == 5 and set(old) == set(new) and not set(old.values()) & set(new.values())


def test_caches_and_times_change_nothing(checkout: Path) -> None:
    """Caches, times, and what no function is made of do not count: building a checkout again moves no alias."""
    before = release(checkout)
    (checkout / "src/shotwise/__pycache__").mkdir(exist_ok=True)
    (checkout / "src/shotwise/__pycache__/shot.pyc").write_bytes(b"cache")
    (checkout / "functions/predict/app.py").touch()
    (checkout / "build/knowledge/index.sqlite").unlink()  # made of parts that count
    for name in ("models/poc_baseline/bundle.json", "manuals/guide.md", "requirements/develop.txt"):
        (checkout / name).write_text("what no function has")
    after = release(checkout)
    assert after == before and versions(after) == versions(before)


def test_a_renamed_file_is_a_change(checkout: Path) -> None:
    """The names of files count as well as their contents."""
    before = release(checkout)
    (checkout / "functions/predict/app.py").rename(checkout / "functions/predict/other.py")
    assert release(checkout) != before
