"""Compute the release: a hash of everything that a version of a function consists of.

SAM publishes a version, and moves the alias to it, when this hash changes. SAM itself identifies layers by their upload
location and parameters by their names, so without the hash it would miss changes of their contents.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Templates and scenarios count too: they contain the functions' settings, which are part of a published version. The
# document store of the knowledge layer counts by what it is made of: manuals, code and libraries.
PARTS = ("functions", "src", "models/Makefile", "models/shotwise", "layers", "manuals/*.pdf", "requirements/serve.txt",
         "infra", "template.yaml", "samconfig.toml")
IGNORED = ("__pycache__", ".egg-info")
OUTPUT = ".aws-sam/release.yaml"


def release(root: Path) -> str:
    """Hash the names and contents of all files in PARTS.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in _files(root):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for top in (path for part in PARTS for path in sorted(root.glob(part))):
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and not any(name.endswith(IGNORED) for name in path.relative_to(root).parts):
                yield path


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the release, and the page's image if given, to the file that samconfig.toml names."""
    parser = argparse.ArgumentParser("python -m shotwise_tools.release",
                                     description="Write the release for `sam deploy`.")
    parser.add_argument("--image", help="the page's image in ECR, with its digest; without it no page is deployed")
    image = parser.parse_args(arguments).image
    output = ROOT / OUTPUT
    output.parent.mkdir(exist_ok=True)
    output.write_text(f"Release: {release(ROOT)}\n" + (f"FrontendImage: {image}\n" if image else ""), "utf-8")


if __name__ == "__main__":
    main()
