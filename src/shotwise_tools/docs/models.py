"""What the modules of this package share."""

from __future__ import annotations

Rows = list[list[str]]  # of a table, its header first; a row of one cell is a heading inside the table


class DocsError(Exception):
    """A table cannot be made, or a page has no right place for it; the message says what to mend."""
