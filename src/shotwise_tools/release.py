"""The release: a hash over all that a version of a function is made of.

SAM publishes a version, and moves the alias to it, when this hash is another one. It names layers by where they are
uploaded to and parameters by their names, so a change of either alone would go unseen.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The templates and the scenarios' parameters are settings of the functions: a version keeps those it was made with.
PARTS = ("functions", "src", "models", "layers", "infra", "template.yaml", "samconfig.toml")
LEFT_OUT = ("__pycache__", ".egg-info")
KEPT_IN = ".aws-sam/release.yaml"


def release(root: Path) -> str:
    """64 hexadecimal digits. Names and contents count, times do not. Raises OSError for what cannot be read."""
    found = hashlib.sha256()
    for path in _files(root):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        found.update(f"{path.relative_to(root).as_posix()}\0{content}\n".encode())
    return found.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for part in PARTS:
        top = root / part
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and not any(one.endswith(LEFT_OUT) for one in path.relative_to(root).parts):
                yield path


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the release, and the page's image where there is one, to where samconfig.toml reads them."""
    parser = argparse.ArgumentParser("python -m shotwise_tools.release", description="Write the release for `sam deploy`.")
    parser.add_argument("--image", help="the page's image in ECR, by its digest; without it there is no page")
    image = parser.parse_args(arguments).image
    kept = ROOT / KEPT_IN
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(f"Release: {release(ROOT)}\n" + (f"FrontendImage: {image}\n" if image else ""), "utf-8")


if __name__ == "__main__":
    main()
