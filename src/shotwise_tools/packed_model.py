"""Store a large graph compressed: `pack` writes NAME.xz beside it for git, `unpack` writes the graph again.

Without it the folder is no bundle: `unpack` gives the bytes whose sha256 bundle.json lists.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import sys
from pathlib import Path

from shotwise.atomic import SHARED, replace_file
from shotwise.errors import BundleError, ShotwiseError

SUFFIX = ".xz"


def pack(graph: Path) -> None:
    """Write the compressed file of a graph beside it. Raises OSError if one of the two cannot be read or written."""
    content = lzma.compress(graph.read_bytes(), preset=9 | lzma.PRESET_EXTREME)
    replace_file(graph.with_name(graph.name + SUFFIX), lambda file: file.write(content), mode=SHARED)


def unpack(graph: Path) -> None:
    """Write a graph from the compressed file beside it.

    Raises
    ------
    BundleError
        The compressed file is damaged, or holds another graph than the one that bundle.json lists.
    OSError
        A file is missing, or cannot be read or written.
    """
    packed = graph.with_name(graph.name + SUFFIX)
    try:
        content = lzma.decompress(packed.read_bytes())
    except lzma.LZMAError as error:
        raise BundleError(f"{packed} is damaged ({error}); restore it, or run `make train-baseline`") from error
    manifest = json.loads((graph.parent / "bundle.json").read_bytes())
    if hashlib.sha256(content).hexdigest() != manifest["files"][graph.name]:
        raise BundleError(f"{packed} holds another graph than the one that bundle.json lists; restore both, or run "
                          "`make train-baseline`")
    replace_file(graph, lambda file: file.write(content), mode=SHARED)


def main(action: str, graph: str) -> int:
    """Pack or unpack a graph, and return the status of the process."""
    try:
        {"pack": pack, "unpack": unpack}[action](Path(graph))
    except (ShotwiseError, OSError) as error:
        print(f"shotwise: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
