"""Write an empty font cache for matplotlib, which only draws shapes in these charts (decision 0018).

Without a cache in its folder, matplotlib reads every font on the machine: a quarter of a second of each cold start on
Lambda.
"""

from __future__ import annotations

import json
from pathlib import Path

VERSION = "3.11.0"  # of the cache's format, also in its file name; with another one matplotlib makes its own cache


def write_empty_font_cache(folder: Path) -> None:
    """Write the cache into matplotlib's folder unless there is one. Call it before matplotlib is imported."""
    path = folder / f"fontlist-v{VERSION}.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"__class__": "FontManager", "_version": VERSION, "ttflist": [], "afmlist": []}))
