"""PDFs that scenarios upload: with words of their own, heavy, or poisonous."""

from __future__ import annotations

import random
import zlib

import pymupdf
from slow.sample_pdf import pdf


def marked(mark: str) -> bytes:
    """A PDF of one page with a word that no other document has."""
    return pdf(f"The {mark} of the line is checked at every change of shift.")


def heavy(mark: str, megabytes: int = 3) -> bytes:
    """The same with an attachment that makes it slow to copy."""
    with pymupdf.open(stream=marked(mark), filetype="pdf") as document:
        document.embfile_add("noise.bin", random.Random(mark).randbytes(megabytes * 1024 * 1024))
        content: bytes = document.tobytes()
    return content


def assemble(objects: list[bytes]) -> bytes:
    """A PDF file of these objects; the first is the catalogue."""
    content, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return (content + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
            + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(content)))


def stream(dictionary: bytes, content: bytes) -> bytes:
    """A compressed stream."""
    packed = zlib.compress(content, 9)
    return b"<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (dictionary, len(packed), packed)


def nested_forms(depth: int = 6, width: int = 12, pages: int = 1) -> bytes:
    """Forms that draw forms: a small file whose page takes `width` to the power of `depth` drawings."""
    first_page, first_form = 4, 4 + pages
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    kids = b" ".join(b"%d 0 R" % (first_page + number) for number in range(pages))
    page = (b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /XObject << /X %d 0 R >> /Font << /F 3 0 R >> >> >>")
    forms = [stream(b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /XObject << /X %d 0 R >> "
                    b"/Font << /F 3 0 R >> >>" % (first_form + level + 1), b"/X Do\n" * width)
             for level in range(depth)]
    forms.append(stream(b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /Font << /F 3 0 R >> >>",
                        b"BT /F 9 Tf 72 700 Td (The valve is checked at every shift.) Tj ET\n"))
    contents = first_form + len(forms)
    return assemble([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages),
                     font, *(page % (contents, first_form) for _ in range(pages)), *forms, stream(b"", b"/X Do\n")])


def one_page(contents: bytes, resources: bytes = b"", *more: bytes) -> bytes:
    """A PDF of one page with these contents; `more` are objects from number 5 on."""
    return assemble([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                     b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << %s >> >>"
                     % resources, stream(b"", contents), *more])


def drawings(count: int = 3_000_000) -> bytes:
    """A page of so many lines, which shrink to a small file."""
    return one_page(b"0 0 m 500 500 l S\n" * count)


def image(side: int = 30_000) -> bytes:
    """A page with an image of side × side pixels, all of one colour."""
    row = zlib.compressobj(9)
    packed = b"".join(row.compress(b"\x7f" * (side * 3)) for _ in range(side)) + row.flush()
    header = (b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 "
              b"/Filter /FlateDecode /Length %d >>" % (side, side, len(packed)))
    return one_page(b"q 500 0 0 700 40 40 cm /I Do Q\n", b"/XObject << /I 5 0 R >>",
                    b"%s\nstream\n%s\nendstream" % (header, packed))


def text_bomb(lines: int = 2_000_000) -> bytes:
    """A page with so many lines of text, one upon the other."""
    return one_page(b"BT /F 9 Tf 72 700 Td (The valve of the furnace is checked.) Tj ET\n" * lines,
                    b"/Font << /F 5 0 R >>", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
