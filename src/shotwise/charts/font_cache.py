"""An empty list of fonts for matplotlib, which in charts draws shapes alone (decision 0018).

Where it finds no list in its folder it reads every font there is: a quarter of a second of each cold start on Lambda.
"""

from __future__ import annotations

import json
from pathlib import Path

VERSION = "3.11.0"  # of the list's format, by which matplotlib names the file; it makes a list of its own for any other


def write_empty_font_cache(folder: Path) -> None:
    """Put the list into matplotlib's folder, before matplotlib is imported; one that is there stays."""
    path = folder / f"fontlist-v{VERSION}.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"__class__": "FontManager", "_version": VERSION, "ttflist": [], "afmlist": []}))
