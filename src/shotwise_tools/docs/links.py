"""Find links between the pages that lead nowhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from posixpath import normpath
from urllib.parse import unquote

from shotwise_local import ROOT

LINK = re.compile(r"\]\(<?([^()\s<>]+(?:\([^()\s]*\)[^()\s]*)*)>?(?:\s+\"[^\"]*\")?\)|(?:href|src)=\"([^\"]+)\"")
FENCED = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
# Indented lines and spans; a span ends in its paragraph.
CODE = re.compile(r"^(?: {4}|\t).*$|(`+)(?!`)(?:.|\n(?!\s*\n))+?(?<!`)\1(?!`)", re.MULTILINE)


def broken_links(pages: Mapping[str, str], root: Path = ROOT) -> list[str]:
    """List the relative links of these pages whose file or heading does not exist, as `PAGE: TARGET`."""
    return [f"{page}: {target}" for page, text in pages.items() for target in targets(text)
            if not _leads_somewhere(target, page, pages, root)]


def targets(text: str) -> list[str]:
    """Return the targets of the links of a page, without those to other sites and without what is code."""
    links = [link or attribute for link, attribute in LINK.findall(CODE.sub("", FENCED.sub("", text)))]
    return [target for target in links if not re.match(r"[a-z][a-z0-9+.-]*:", target)]


def _leads_somewhere(target: str, page: str, pages: Mapping[str, str], root: Path) -> bool:
    path, _, anchor = unquote(target).partition("#")
    file = normpath((Path(page).parent / path).as_posix()) if path else page
    if file not in pages and not (root / file).exists():
        return False
    if not anchor:
        return True
    text = pages.get(file) or ((root / file).read_text("utf-8") if file.endswith(".md") else "")
    return anchor in anchors(text)


def anchors(text: str) -> set[str]:
    """Return the anchors of a page: those that GitHub makes of its headings, and those that are set by hand.

    GitHub writes a heading small, takes out all but letters, digits, marks, `_`, `-` and spaces, turns a space into a
    hyphen, and numbers those that repeat.
    """
    text = FENCED.sub("", text)
    names: list[str] = []
    counts: Counter[str] = Counter()
    for heading in re.findall(r"^#{1,6} +(.+?)(?: +#+)?$", text, re.MULTILINE):
        shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", shown.strip().lower()).replace(" ", "-")
        names.append(f"{name}-{counts[name]}" if counts[name] else name)
        counts[name] += 1
    return {*names, *re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text)}
