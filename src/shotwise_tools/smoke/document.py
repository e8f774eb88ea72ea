"""Make the document that the smoke test uploads: a PDF with a made-up sentence, and the question that it answers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

# Pronounceable, but no words of any language that a plant may use.
SYLLABLES = [consonant + vowel for consonant in ("b", "d", "f", "g", "k", "qu", "v", "x", "z") for vowel in "aeiou"]
FIRST_PAGE = "Work standard for testing a deployment."
PAGE_COUNT = FACT_PAGE = 2  # the sentence is on the last page


@dataclass(frozen=True)
class ProbeDocument:
    """A document with a sentence that no other document has.

    Attributes
    ----------
    name : str
        File name.
    content : bytes
        The PDF.
    fact : str
        The sentence, on page FACT_PAGE.
    question : str
        The question that the sentence answers.
    words : tuple of str
        Words of the sentence that no other document has.
    """

    name: str
    content: bytes
    fact: str
    question: str
    words: tuple[str, str]

    def is_cited_by(self, source: dict[str, object]) -> bool:
        """Return whether a source of an answer is this document."""
        return source.get("document") == self.name


def make_document(generator: random.Random) -> ProbeDocument:
    """Make a document with random words."""
    part, grease = ("".join(generator.choices(SYLLABLES, k=4)) for _ in range(2))
    fact = f"The {part} of line seven is greased with {grease} every forty shots."
    return ProbeDocument(f"shotwise-smoke-{part}.pdf", make_pdf([FIRST_PAGE, fact]), fact,
                         f"How is the {part} greased with {grease}?", (part, grease))


def make_pdf(pages: Sequence[str]) -> bytes:
    """Make a PDF with one line of text on each page: ASCII without parentheses and backslashes."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>",
               f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>",
               "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    for number, line in enumerate(pages):
        drawing = f"BT /F1 11 Tf 72 750 Td ({line}) Tj ET"
        objects += [f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * number} 0 R "
                    "/Resources << /Font << /F1 3 0 R >> >> >>",
                    f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream"]
    content, offsets = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(content))
        content += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    return (f"{content}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
            f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(content)}\n%%EOF\n").encode("ascii")
