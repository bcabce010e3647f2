"""Plain tables that read well on a terminal and in a log."""

from collections.abc import Sequence


def table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text under headings; the first is aligned left, the others right."""
    widths = [max(len(row[k]) for row in (headings, *rows)) for k in range(len(headings))]
    lines = [
        "  ".join(_cell(text, width, k) for k, (text, width) in enumerate(zip(row, widths, strict=True)))
        for row in (headings, *rows)
    ]
    return "\n".join(["", title, lines[0], "-" * len(lines[0]), *lines[1:]])


def _cell(text: str, width: int, column: int) -> str:
    return text.rjust(width) if column else text.ljust(width)


def number(value: float | None, form: str) -> str:
    """A number in a format, or a dash."""
    return "-" if value is None else format(value, form)
