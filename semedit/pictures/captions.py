"""Words on sheets of pictures: heads of columns above, names of rows on the left."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

#: Size of the letters in px, space around words, and their colour on white.
LETTERS, SPACE, INK = 13, 6, (40, 44, 48)


def captioned(
    picture: Image.Image, columns: Sequence[str], rows: Sequence[str], side: int, gap: int = 2
) -> Image.Image:  # fmt: skip
    """A sheet of pictures of ``side`` px, ``gap`` px apart, with the head of each column above it, of several lines
    where the text has some, and the name of each row turned upright on its left. Words that are too long for their
    picture are set smaller."""
    line = LETTERS + 3
    top = 2 * SPACE + line * max((len(text.splitlines()) for text in columns), default=0)
    left = 2 * SPACE + line if any(rows) else 0
    sheet = Image.new("RGB", (left + picture.width, top + picture.height), "white")
    sheet.paste(picture, (left, top))
    draw = ImageDraw.Draw(sheet)
    for place, text in enumerate(columns):
        lines = text.splitlines()
        for number, words in enumerate(lines):
            y = top - SPACE - line * (len(lines) - number)
            own = fitted(words, side)
            draw.text((left + place * (side + gap) + side / 2, y), words, INK, own, anchor="ma")
    for place, text in enumerate(rows):
        label = Image.new("RGB", (side, line), "white")
        ImageDraw.Draw(label).text((side / 2, 0), text, INK, fitted(text, side), anchor="ma")
        sheet.paste(label.rotate(90, expand=True), (SPACE, top + place * (side + gap)))
    return sheet if columns or rows else picture


def fitted(text: str, width: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The letters in which a text is at most ``width`` px wide, or the smallest that can be read."""
    for size in range(LETTERS, 7, -1):
        font = ImageFont.load_default(size)
        if font.getlength(text) <= width:
            break
    return font
