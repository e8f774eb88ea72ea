"""The empty list of fonts is the one that matplotlib looks for, and a chart needs no other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from shotwise.charts import font_cache


def count_fonts(folder: Path) -> int:
    """How many fonts matplotlib knows in a new process with this folder, once charts are imported."""
    code = "import shotwise.charts, matplotlib.font_manager as fonts; print(len(fonts.fontManager.ttflist))"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "MPLCONFIGDIR": str(folder)}, check=True,
                          capture_output=True, text=True)
    return int(done.stdout)


def test_matplotlib_uses_the_list_and_reads_no_font(tmp_path: Path) -> None:
    """With the list it knows no font, so it has read none; without it, it finds the system's fonts."""
    font_cache.write_empty_font_cache(tmp_path / "with-list")
    assert count_fonts(tmp_path / "with-list") == 0 < count_fonts(tmp_path / "without-list")


def test_an_existing_list_stays(tmp_path: Path) -> None:
    """Another process may have made one."""
    path = tmp_path / f"fontlist-v{font_cache.VERSION}.json"
    path.write_text("existing", "utf-8")
    font_cache.write_empty_font_cache(tmp_path)
    assert path.read_text("utf-8") == "existing"
