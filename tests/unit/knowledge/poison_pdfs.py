"""Small PDFs that cost a reader minutes or gigabytes."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def write_pdf(path: Path, objects: Mapping[int, bytes], root: int = 1) -> Path:
    """Write a PDF of these objects, by number."""
    content, starts = bytearray(b"%PDF-1.7\n"), {}
    for number, body in objects.items():
        starts[number] = len(content)
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    end = len(content)
    content += b"xref\n0 1\n0000000000 65535 f \n"
    for number in sorted(starts):
        content += b"%d 1\n%010d 00000 n \n" % (number, starts[number])
    content += b"trailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (max(objects) + 1, root, end)
    path.write_bytes(content)
    return path


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """Return a compressed stream object."""
    packed = zlib.compress(content, 9)
    return b"<<%s/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (entries, len(packed), packed)


def save_contents(path: Path, contents: Sequence[bytes], resources: bytes = b"",
                  extra: Mapping[int, bytes] | None = None) -> Path:
    """Write a PDF with a page for each content stream; `extra` has what `resources` refers to, numbered from 1000."""
    numbers = [10 + 2 * index for index in range(len(contents))]
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    objects = {1: b"<</Type/Catalog/Pages 2 0 R>>",
               2: b"<</Type/Pages/Count %d/Kids[%s]/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>%s>>>>" % (
                   len(contents), kids, resources),
               3: HELVETICA}
    for number, content in zip(numbers, contents, strict=True):
        objects[number] = b"<</Type/Page/Parent 2 0 R/Contents %d 0 R>>" % (number + 1)
        objects[number + 1] = stream(content)
    return write_pdf(path, {**objects, **(extra or {})})


def words(text: str) -> bytes:
    """Return a content stream that shows a line of text."""
    return b"BT /F 12 Tf 72 700 Td (%s) Tj ET" % text.encode("ascii")


def nested_forms(depth: int = 12, width: int = 10) -> tuple[bytes, dict[int, bytes]]:
    """Return resources and objects of forms that show each other: /X0 shows `width` to the power of `depth` words."""
    forms = {1000 + depth: stream(words("bar"), b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]")}
    for level in range(depth):
        forms[1000 + level] = stream(b"/X Do " * width, b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]"
                                     b"/Resources<</XObject<</X %d 0 R>>>>" % (1001 + level))
    return b"/XObject<</X0 1000 0 R>>", forms


def save_nested_forms(path: Path, pages: Sequence[str | None]) -> Path:
    """Write a PDF of pages with a line of text each; a page of None shows forms nested without end instead."""
    resources, forms = nested_forms()
    return save_contents(path, [b"/X0 Do" if text is None else words(text) for text in pages], resources, forms)


def save_patterns(path: Path) -> Path:
    """Write a PDF of a page filled with tiling patterns, nested without end."""
    tiling = (b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 9 9]/XStep .01/YStep .01"
              b"/Resources<</Pattern<</P %d 0 R>>>>")
    patterns = {1000 + level: stream(b"/Pattern cs /P scn 0 0 9 9 re f", tiling % (1001 + level))
                for level in range(20)}
    return save_contents(path, [b"/Pattern cs /P0 scn 0 0 595 842 re f " + words("bar")],
                         b"/Pattern<</P0 1000 0 R>>", patterns)


def save_deep_page_tree(path: Path, depth: int = 100_000) -> Path:
    """Write a PDF whose page lies under `depth` nodes of the page tree."""
    nodes = {number: b"<</Type/Pages/Count 1/Kids[%d 0 R]/Parent %d 0 R>>" % (number + 1, number - 1)
             for number in range(2, depth + 2)}
    last = depth + 2
    return write_pdf(path, {1: b"<</Type/Catalog/Pages 2 0 R>>", **nodes,
                            last: b"<</Type/Page/Parent %d 0 R/Contents %d 0 R/MediaBox[0 0 595 842]"
                                  b"/Resources<</Font<</F %d 0 R>>>>>>" % (last - 1, last + 1, last + 2),
                            last + 1: stream(words("bar")), last + 2: HELVETICA})


def save_looping_page_tree(path: Path) -> Path:
    """Write a PDF whose page tree contains itself."""
    return write_pdf(path, {1: b"<</Type/Catalog/Pages 2 0 R>>",
                            2: b"<</Type/Pages/Count 9/Kids[3 0 R]>>",
                            3: b"<</Type/Pages/Count 9/Kids[2 0 R]/Parent 2 0 R>>"})


def save_looping_page(path: Path) -> Path:
    """Write a PDF of a page whose form shows itself."""
    form = stream(b"/X0 Do " + words("bar"), b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]"
                                             b"/Resources<</XObject<</X0 1000 0 R>>/Font<</F 3 0 R>>>>")
    return save_contents(path, [b"/X0 Do " * 100], b"/XObject<</X0 1000 0 R>>", {1000: form})


def save_annotations(path: Path, count: int = 100_000) -> Path:
    """Write a PDF of a page with `count` notes that show the same text."""
    appearance = stream(words("bar"), b"/Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<</Font<</F 3 0 R>>>>")
    note = b"<</Type/Annot/Subtype/FreeText/Rect[0 0 99 99]/Contents(bar)/DA(/F 9 Tf)/AP<</N 1000 0 R>>>>"
    return write_pdf(path, {1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Count 1/Kids[4 0 R]>>",
                            3: HELVETICA, 1000: appearance, 5: stream(words("bar")),
                            4: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R"
                               b"/Resources<</Font<</F 3 0 R>>>>/Annots[%s]>>" % (note * count)})


def save_text_bomb(path: Path, megabytes: int, pages: int = 1) -> Path:
    """Write a PDF of pages of so many megabytes of words each, which compress to a thousandth."""
    lines = b"BT /F 9 Tf 72 780 Td " + b"(torque and pressure) Tj 0 -14 Td " * 50 + b"ET "
    content = lines * (megabytes * 1000)
    return save_contents(path, [content] * pages)


def save_drawing_bomb(path: Path, count: int = 10_000_000) -> Path:
    """Write a PDF of a page of `count` short lines and a word."""
    return save_contents(path, [b"0 0 m 9 9 l S " * count + words("bar")])


def save_image_bomb(path: Path, side: int = 20_000, text: str = "bar") -> Path:
    """Write a PDF of a word on an image of `side` × `side` pixels in colour."""
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(3 * side)) for _ in range(side)) + packer.flush()
    image = (b"<</Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceRGB"
             b"/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (side, side, len(packed), packed))
    return save_contents(path, [b"q 595 0 0 842 0 0 cm /I Do Q 1 0 0 rg 9 9 99 99 re f " + words(text)],
                         b"/XObject<</I 1000 0 R>>", {1000: image})
