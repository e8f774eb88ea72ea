"""Write the tables of the docs, or check them: `make docs`, `python -m shotwise_tools.docs --check`.

Exit status: 0 done, 1 a table is stale (`--check`) or a link is broken, 2 a table cannot be made.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from yaml import YAMLError

from shotwise.atomic import replacing
from shotwise_cli.console import fail, show
from shotwise_local import ROOT
from shotwise_tools.docs.links import broken_links
from shotwise_tools.docs.models import DocsError
from shotwise_tools.docs.pages import fresh_pages, read_pages, stale_tables


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command on the pages under `root` and return its exit status."""
    parser = argparse.ArgumentParser("docs", description="Write the tables of the docs.")
    parser.add_argument("--check", action="store_true", help="write nothing; list stale tables and broken links")
    options = parser.parse_args(arguments)
    try:
        pages = read_pages(root)
        fresh = fresh_pages(pages)
    except (DocsError, OSError, UnicodeDecodeError, YAMLError) as error:
        return fail(str(error), 2)
    stale = stale_tables(pages, fresh) if options.check else []
    if stale:
        fail("stale tables; run `make docs` and commit what it writes", 1, stale)
    if not options.check:
        for page in [page for page, text in fresh.items() if text != pages[page]]:
            with replacing(root / page) as file:
                file.write(fresh[page].encode("utf-8"))
            show(page)
    if broken := broken_links(fresh, root):
        fail("links that lead nowhere", 1, broken)
    if broken or stale:
        return 1
    show("tables and links are up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
