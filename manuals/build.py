"""Build the Korean documents of this folder: every *.md with front matter becomes a PDF of the same stem.

The Markdown is parsed into tokens (by markdown-it-py, with tables). The tokens become reportlab's flowables (headings,
paragraphs, lists, tables), which are laid out after a title page and a table of contents. Last, the questions that the
document answers (*.questions.jsonl beside the source) are attached. The same sources give the same bytes.

    python manuals/build.py [--fonts DIR]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token
from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER, TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    HRFlowable,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)
from reportlab.platypus.tableofcontents import TableOfContents

from shotwise_cli.attach_questions import with_questions

HERE = Path(__file__).resolve().parent
FONTS = HERE.parent / "src" / "shotwise" / "charts" / "fonts"
FONT_PAIRS = (("NanumGothic.ttf", "NanumGothicBold.ttf"), ("NanumSquareR.ttf", "NanumSquareB.ttf"))
BODY, BOLD = "ManualBody", "ManualBold"
INK, FAINT, SHADE = colors.HexColor("#1a1a1a"), colors.HexColor("#666666"), colors.HexColor("#e9edf2")
MARGIN, TOP, BOTTOM = 17 * mm, 20 * mm, 17 * mm
WIDTH, HEIGHT = A4[0] - 2 * MARGIN, A4[1] - TOP - BOTTOM
CELL_PADDING, MAX_CONTENTS = 4, 40
BULLET = "·"  # NanumSquare's own bullet sign is blank
# PDF parsers recognise headings by their rounded size, and take 12 for body text, so the smallest is 13.
HEADING_SIZES = {1: 20, 2: 15, 3: 13}


def _style(name: str, size: float, font: str = BODY, lead: float = 1.5, **more: object) -> ParagraphStyle:
    return ParagraphStyle(name, fontName=font, fontSize=size, leading=size * lead, textColor=INK, **more)


STYLES = {
    1: _style("chapter", HEADING_SIZES[1], BOLD, 1.3, spaceBefore=14, spaceAfter=6),
    2: _style("section", HEADING_SIZES[2], BOLD, 1.3, spaceBefore=10, spaceAfter=4),
    3: _style("topic", HEADING_SIZES[3], BOLD, 1.3, spaceBefore=6, spaceAfter=3),
    "title": _style("title", HEADING_SIZES[1], BOLD, 1.4, alignment=TA_CENTER),
    "subject": _style("subject", 11, alignment=TA_CENTER, spaceBefore=8),
    "body": _style("body", 10, lead=1.4, spaceAfter=4),
}
TOC_STYLES = [_style("toc1", 10, BOLD, 1.6, spaceBefore=4), _style("toc2", 10, lead=1.5, leftIndent=14)]
ALIGNMENTS = {"text-align:right": TA_RIGHT, "text-align:center": TA_CENTER}


class UnbrokenParagraph(Paragraph):
    """A paragraph that is never split over two pages, so that each of its sentences can be quoted from one page."""

    heading_level: int | None = None

    def split(self, width: float, height: float) -> list[Flowable]:
        """Refuse to be split: reportlab moves the paragraph to the next page instead."""
        return []


class Manual(BaseDocTemplate):
    """A document of A4 pages with a header and a page number, which collects headings for contents and outline."""

    def __init__(self, file: BytesIO, title: str, subject: str, contents_depth: int) -> None:
        super().__init__(file, pagesize=A4, title=title, subject=subject, author="Shotwise", lang="ko",
                         invariant=1)
        self.contents_depth = contents_depth
        frame = Frame(MARGIN, BOTTOM, WIDTH, HEIGHT, 0, 0, 0, 0, id="text")
        self.addPageTemplates([PageTemplate("title", [frame]),
                               PageTemplate("text", [frame], onPage=self.draw_header_and_footer)])

    def draw_header_and_footer(self, canvas: Canvas, _doc: BaseDocTemplate) -> None:
        """Draw the title above the text and the page number below it."""
        canvas.saveState()
        canvas.setFont(BODY, 8)
        canvas.setFillColor(FAINT)
        canvas.drawString(MARGIN, A4[1] - 13 * mm, self.title)
        canvas.line(MARGIN, A4[1] - 15 * mm, A4[0] - MARGIN, A4[1] - 15 * mm)
        canvas.drawCentredString(A4[0] / 2, 10 * mm, str(canvas.getPageNumber()))
        canvas.restoreState()

    def beforeDocument(self) -> None:  # noqa: N802, reportlab's name
        """Reset the number of headings."""
        self.heading_count = 0  # the layout runs several times until the page numbers settle

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802, reportlab's name
        """Add a heading to the outline, and to the contents if its level is listed there."""
        if not isinstance(flowable, UnbrokenParagraph) or not (level := flowable.heading_level):
            return
        self.heading_count += 1
        key, text = f"h{self.heading_count}", flowable.getPlainText()
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(text, key, level - 1, closed=level > 1)
        if level <= self.contents_depth:
            self.notify("TOCEntry", (level - 1, escape(text), self.page, key))


def register_fonts(folder: Path) -> None:
    """Register the first pair of a regular and a bold Korean font in a folder."""
    pairs = [pair for pair in FONT_PAIRS if all((folder / name).is_file() for name in pair)]
    if not pairs:
        raise SystemExit(f"no Korean fonts in {folder}: need {' or '.join(' and '.join(pair) for pair in FONT_PAIRS)}")
    for name, file in zip((BODY, BOLD), pairs[0], strict=True):
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))
    # Korean has no italics: emphasis keeps the upright face.
    pdfmetrics.registerFontFamily(BODY, normal=BODY, bold=BOLD, italic=BODY, boldItalic=BOLD)


def read_source(path: Path) -> tuple[dict[str, str], str] | None:
    """Return front matter and body of a Markdown file; None if it has no front matter, and so is not built."""
    opening, _, rest = path.read_text(encoding="utf-8").partition("---\n")
    block, end, body = rest.partition("\n---\n")
    return None if opening or not end else (dict(line.split(": ", 1) for line in block.splitlines()), body)


def check_glyphs(text: str, name: str) -> None:
    """Stop at a character that the font lacks, because it would be printed as an empty box."""
    lacking = sorted({c for c in text if c != "\n" and ord(c) not in pdfmetrics.getFont(BODY).face.charToGlyph})
    if lacking:
        raise SystemExit(f"{name}: the font lacks {' '.join(f'{c} (U+{ord(c):04X})' for c in lacking)}")


def markup(inline: Token) -> str:
    """Convert the inline Markdown of a block to reportlab's paragraph markup."""
    marks = {"strong_open": "<b>", "strong_close": "</b>", "softbreak": " ", "hardbreak": "<br/>"}
    return "".join(marks.get(child.type) or escape(child.content) for child in inline.children or ())


def column_widths(texts: Sequence[Sequence[str]], size: float) -> list[float]:
    """Compute the column widths of a table, in points.

    Every column gets the width of its longest word. The remaining width is shared equally, but a column gets no more
    than its longest cell needs while others need more.
    """
    def width(text: str) -> float:
        return pdfmetrics.stringWidth(text, BOLD, size) + 2 * CELL_PADDING + 1
    columns = list(zip(*texts, strict=True))
    widths = [max(width(word) for cell in column for word in cell.split() or [""]) for column in columns]
    if (spare := WIDTH - sum(widths)) < 0:
        return [WIDTH * column_width / sum(widths) for column_width in widths]
    missing = sorted((max(map(width, column)) - widths[index], index) for index, column in enumerate(columns))
    for done, (missing_width, index) in enumerate(missing):
        share = min(missing_width, spare / (len(missing) - done))
        widths[index] += share
        spare -= share
    return [column_width + spare / len(widths) for column_width in widths]


def table(tokens: Sequence[Token]) -> Table:
    """Lay out a table."""
    rows: list[list[tuple[Token, Token]]] = []  # each cell: (token that opens it, token of its text)
    for index, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append((token, tokens[index + 1]))
    size = 8 if len(rows[0]) > 6 else 9
    cells = [[Paragraph(markup(text), _style("cell", size, BOLD if opened.type == "th_open" else BODY, 1.3,
                                             alignment=ALIGNMENTS.get(str(opened.attrGet("style")), TA_LEFT)))
              for opened, text in row] for row in rows]
    widths = column_widths([["".join(child.content for child in text.children or ()) for _, text in row]
                            for row in rows], size)
    return Table(cells, colWidths=widths, repeatRows=1, spaceBefore=2, spaceAfter=7, style=TableStyle([
        ("GRID", (0, 0), (-1, -1), 0.6, FAINT), ("BACKGROUND", (0, 0), (-1, 0), SHADE),
        # No page break after the first row of the body, or before the last.
        ("NOSPLIT", (0, 0), (-1, min(len(rows) - 1, 2))), ("NOSPLIT", (0, -min(len(rows), 2)), (-1, -1)),
        ("LEFTPADDING", (0, 0), (-1, -1), CELL_PADDING), ("RIGHTPADDING", (0, 0), (-1, -1), CELL_PADDING),
        ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]))


def heading(token: Token, inline: Token, next_type: str) -> Iterator[Flowable]:
    """Lay out a heading; `next_type` is the type of the block after it."""
    level = min(int(token.tag[1:]), len(HEADING_SIZES))
    # A heading opens a new page only if little room is left, so that no page is nearly empty.
    yield CondPageBreak(HEIGHT * (0.2 if level == 1 else 0.12))
    paragraph = UnbrokenParagraph(markup(inline), STYLES[level])
    # A table under the smallest heading may start on the next page, so that no large gap opens before the heading.
    paragraph.keepWithNext = not (level == 3 and next_type == "table_open")
    paragraph.heading_level = level
    yield paragraph


def list_item(inline: Token, lists: Sequence[int | None]) -> Paragraph:
    """Lay out a list item; `lists` has the next number of each open list, None for a bulleted one."""
    indent, number = 16 * len(lists), lists[-1]
    bullet, font, size = (BULLET, BOLD, 12) if number is None else (f"{number}.", BODY, 10)
    style = _style("item", 10, lead=1.4, leftIndent=indent, bulletIndent=indent - 12, spaceAfter=2,
                   bulletFontName=font, bulletFontSize=size)
    return UnbrokenParagraph(markup(inline), style, bulletText=bullet)


def flowables(tokens: Sequence[Token]) -> Iterator[Flowable]:
    """Lay out the body block by block."""
    index = 0
    lists: list[int | None] = []  # as `list_item` takes it
    while index < len(tokens):
        token = tokens[index]
        if token.type == "heading_open":
            yield from heading(token, tokens[index + 1], tokens[min(index + 3, len(tokens) - 1)].type)
            index += 2
        elif token.type == "table_open":
            end = next(i for i in range(index, len(tokens)) if tokens[i].type == "table_close")
            yield table(tokens[index:end])
            index = end
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            lists.append(None if token.type.startswith("bullet") else int(token.attrGet("start") or 1))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
            yield Spacer(0, 0 if lists else 4)
        elif token.type == "list_item_close":
            lists[-1] = None if lists[-1] is None else lists[-1] + 1
        elif token.type == "inline":
            yield list_item(token, lists) if lists else UnbrokenParagraph(markup(token), STYLES["body"])
        elif token.type not in ("paragraph_open", "paragraph_close", "list_item_open"):
            raise SystemExit(f"the builder does not support this Markdown: {token.type}")
        index += 1


def story(meta: dict[str, str], tokens: Sequence[Token]) -> list[Flowable]:
    """Lay out the title page (with the text before the first heading), the contents and the chapters."""
    start = next(i for i, token in enumerate(tokens) if token.type == "heading_open")
    # Without dot leaders: a parser of the text would take each dot for the end of a sentence.
    contents = TableOfContents(levelStyles=TOC_STYLES, dotsMinLevel=-1, rightColumnWidth=24)
    line = HRFlowable(width="60%", color=INK, spaceBefore=10, spaceAfter=10)
    names = [UnbrokenParagraph(escape(meta[name]), STYLES[name]) for name in ("title", "subject")]
    return [Spacer(0, 55 * mm), line, *names, line, Spacer(0, 25 * mm), *flowables(tokens[:start]),
            NextPageTemplate("text"), PageBreak(), UnbrokenParagraph("차례", STYLES[2]), contents, PageBreak(),
            *flowables(tokens[start:])]


def build(source: Path) -> Path | None:
    """Build the PDF of a Markdown file and return its path; None for a file without front matter."""
    if (parts := read_source(source)) is None:
        return None
    meta, body = parts
    check_glyphs(meta["title"] + meta["subject"] + body, source.name)
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    entries = sum(token.type == "heading_open" and token.tag in ("h1", "h2") for token in tokens)
    depth = 2 if entries <= MAX_CONTENTS else 1  # sections are listed only where the list fits on a page
    target = source.with_suffix(".pdf")
    buffer = BytesIO()
    Manual(buffer, meta["title"], meta["subject"], depth).multiBuild(story(meta, tokens))
    questions = source.with_suffix(".questions.jsonl")
    pdf = buffer.getvalue()
    target.write_bytes(with_questions(pdf, questions.read_bytes()) if questions.is_file() else pdf)
    return target


def main() -> None:
    """Build the documents."""
    parser = argparse.ArgumentParser(description="Build the PDF documents of this folder from their Markdown.")
    parser.add_argument("--fonts", type=Path, default=FONTS, help="folder with the Korean fonts")
    register_fonts(parser.parse_args().fonts)
    for target in filter(None, map(build, sorted(HERE.glob("*.md")))):
        print(target.name)


if __name__ == "__main__":
    main()
