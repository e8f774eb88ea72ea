"""PDF → pages, by pymupdf4llm in a process of its own: a table finder that crashes on a page takes only itself down.

Run as `python -m shotwise.knowledge.parse FILE.pdf`, it prints one JSON document; `parse` calls that.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from shotwise.errors import DocumentError
from shotwise.knowledge.passage import Document, Page

TIME_LIMIT_S = 600
END = 2048  # bytes in which a PDF's end mark stands; some writers append to it


def parse(path: Path) -> Document:
    """Read a PDF. Raises DocumentError, naming the file, when it is absent, empty, broken, encrypted or textless."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path.name}: cannot be read ({error.strerror})") from error
    if not content.startswith(b"%PDF-"):
        reason = "is empty" if not content else "is not a PDF"
        raise DocumentError(f"{path.name}: {reason}; export it again as PDF")
    if b"%%EOF" not in content[-END:]:  # the reader would mend it and silently lose the pages that are gone
        raise DocumentError(f"{path.name}: is cut short; copy or export it again")
    found = _in_own_process(path)
    pages = tuple(Page(**page) for page in found["pages"])
    if not any(page.text.strip() for page in pages):
        raise DocumentError(f"{path.name}: holds no text, only images; run it through text recognition first")
    return Document(path.name, found["title"] or path.stem, hashlib.sha256(content).hexdigest(), pages)


def _in_own_process(path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "shotwise.knowledge.parse", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise DocumentError(f"{path.name}: took longer than {TIME_LIMIT_S} s to read; split it") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise DocumentError(f"{path.name}: cannot be read ({lines[-1] if lines else 'the reader crashed'})")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _read(path: str) -> dict[str, Any]:
    try:
        import pymupdf
        import pymupdf4llm
    except ImportError:
        sys.exit("reading PDFs needs pymupdf4llm: pip install pymupdf==1.26.7 pymupdf4llm==0.2.9")
    pymupdf.TOOLS.mupdf_display_errors(False)
    try:
        with pymupdf.open(path, filetype="pdf") as document:
            if document.needs_pass:
                sys.exit("it is encrypted; store it without a password")
            chunks = pymupdf4llm.to_markdown(document, page_chunks=True, show_progress=False)
            return {"title": (document.metadata or {}).get("title") or "",
                    "pages": [{"number": number, "markdown": chunk["text"], "text": page.get_text()}
                              for number, (chunk, page) in enumerate(zip(chunks, document, strict=True), 1)]}
    except (pymupdf.FileDataError, pymupdf.mupdf.FzErrorBase, RuntimeError, ValueError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit("it is damaged; export it again as PDF")


if __name__ == "__main__":
    # Libraries print notices on stdout; the JSON has to stand there alone.
    out, sys.stdout = sys.stdout, sys.stderr
    result = _read(sys.argv[1])
    json.dump(result, out)
