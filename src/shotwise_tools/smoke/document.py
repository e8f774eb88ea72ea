"""The document that the smoke test uploads: a PDF with a sentence that nobody else holds, and the question for it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

# Pronounceable, and no word of any language that a plant writes in.
SYLLABLES = [consonant + vowel for consonant in ("b", "d", "f", "g", "k", "qu", "v", "x", "z") for vowel in "aeiou"]
FIRST = "Work standard for testing a deployment."
PAGES = PAGE = 2  # the sentence stands on the last one


@dataclass(frozen=True)
class Probe:
    """name: of the document; content: the PDF; fact: its sentence, on page PAGE; question: what that answers; words:
    those of it that no other document has."""

    name: str
    content: bytes
    fact: str
    question: str
    words: tuple[str, str]

    def cited_by(self, source: dict[str, object]) -> bool:
        """Whether a source of an answer is this document."""
        return source.get("document") == self.name


def probe(chance: random.Random) -> Probe:
    """A document with words of chance."""
    part, grease = ("".join(chance.choices(SYLLABLES, k=4)) for _ in range(2))
    fact = f"The {part} of line seven is greased with {grease} every forty shots."
    return Probe(f"shotwise-smoke-{part}.pdf", pdf([FIRST, fact]), fact, f"How is the {part} greased with {grease}?",
                 (part, grease))


def pdf(pages: Sequence[str]) -> bytes:
    """A PDF with a line of text a page: letters of ASCII, without parentheses and backslashes."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>",
               f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>",
               "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    for number, line in enumerate(pages):
        drawn = f"BT /F1 11 Tf 72 750 Td ({line}) Tj ET"
        objects += [f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * number} 0 R "
                    "/Resources << /Font << /F1 3 0 R >> >> >>",
                    f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream"]
    content, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    return (f"{content}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
            f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(content)}\n%%EOF\n").encode("ascii")
