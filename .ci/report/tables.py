"""Reads tables in Markdown."""


def tables(text):
    """Each table of the text, as the cells of its head and a list of rows; all cells are texts."""
    found, rows = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")])
        elif rows:
            if len(rows) > 2:
                found.append((rows[0], rows[2:]))
            rows = []
    return found


def number(cell, place=0):
    """The number at this place of a cell, whose numbers are separated by commas."""
    return float(cell.split(",")[place])
