"""What every command writes: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from typing import Any


def fail(message: str, status: int) -> int:
    """Say what is wrong and hand the exit status back."""
    print(f"shotwise: {message}", file=sys.stderr)
    return status


def note(text: str) -> None:
    """Tell how far things are."""
    print(text, file=sys.stderr)


def print_json(content: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(content, ensure_ascii=False, indent=2))
