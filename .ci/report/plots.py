"""Draws the plots of the report with matplotlib."""
import os
import pathlib
import subprocess
import sys
import venv

from tables import number, tables

DRAWN = ("calls", "cold", "growth", "load")
VERSION = "3.11.2"
BLUE, ORANGE, GREEN = "#0b62a4", "#c2410c", "#15803d"


def pyplot():
    """Returns the module pyplot of matplotlib, which it installs if this machine lacks it."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"), "scim-on-lambda", f"plots-{VERSION}")
    if not (cache / "done").exists():
        venv.create(cache, with_pip=True)
        subprocess.run([cache / "bin/pip", "install", "--quiet", f"matplotlib=={VERSION}"], check=True)
        (cache / "done").touch()
    sys.path += map(str, cache.glob("lib/python*/site-packages"))
    import matplotlib

    matplotlib.use("svg")
    # Texts stay texts, and the same figures produce the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "scim", "font.family": "sans-serif", "font.size": 9})
    from matplotlib import pyplot

    return pyplot


def draw(name, text, path):
    figure = globals()[name](pyplot(), text)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def bars(axes, names, series, colours):
    """Draws a group of horizontal bars for each name, with one bar for each series."""
    high = 0.8 / len(series)
    for index, ((label, values), colour) in enumerate(zip(series.items(), colours)):
        at = [place + (index - (len(series) - 1) / 2) * high for place in range(len(names))]
        axes.barh(at, values, high, label=label, color=colour)
    axes.set_yticks(range(len(names)), names)
    axes.margins(y=0.01)
    axes.invert_yaxis()
    axes.grid(axis="x", color="#ddd")
    axes.set_axisbelow(True)
    axes.legend(loc="lower right")


def calls(plot, text):
    _, rows = tables(text)[0]
    figure, axes = plot.subplots(figsize=(8, 9))
    series = {"sequential calls": [number(row[1]) for row in rows], "all calls": [number(row[2]) for row in rows]}
    bars(axes, [row[0] for row in rows], series, (BLUE, ORANGE))
    axes.set_title("DynamoDB calls by operation")
    return figure


def cold(plot, text):
    title, rows = tables(text)[0]
    figure, axes = plot.subplots(figsize=(8, 10))
    columns = {"start → first poll": BLUE, "first, 256 MB": ORANGE, "warm, 256 MB": GREEN}
    series = {name: [number(row[title.index(name)]) for row in rows] for name in columns}
    bars(axes, [row[0] for row in rows], series, columns.values())
    # Only functions that read the whole directory exceed this limit.
    axes.set_xlim(0, 25)
    axes.set_title("Cold start and responses, milliseconds")
    return figure


def growth(plot, text):
    engines = text.split("\n## ")[1:]
    figure, all_axes = plot.subplots(1, len(engines), figsize=(9, 4.5), squeeze=False)
    for axes, engine in zip(all_axes[0], engines):
        name, _, body = engine.partition("\n")
        # A table follows each size; the last table compares the sizes.
        sizes = [int(line.split(" ", 1)[0]) for line in body.splitlines() if " users, loaded in" in line]
        found = [rows for title, rows in tables(body) if "small tenant:" in title[3]]
        for index, row in enumerate(found[0]):
            p50 = [number(rows[index][1]) for rows in found]
            axes.plot(sizes, p50, marker=".", label=row[0])
        axes.set(xscale="log", yscale="log", title=name, xlabel="users", ylabel="p50, milliseconds")
        axes.grid(color="#ddd")
    all_axes[0][-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def load(plot, text):
    """Draws the series that the benchmark has written."""
    del text
    folder = pathlib.Path(__file__).parents[2] / "target/tmp/load"
    figure, (memory, responses) = plot.subplots(2, 1, figsize=(8, 5), sharex=True)
    for name, label, colour in (("embedded", "embedded engine", BLUE), ("dynamodb-local", "DynamoDB Local", ORANGE)):
        if not (folder / f"{name}.csv").exists():
            continue
        rows = [[float(cell) for cell in line.split(",")] for line in (folder / f"{name}.csv").read_text().splitlines()]
        seconds, megabytes, per_second = zip(*rows)
        memory.plot(seconds, megabytes, color=colour, label=label, linewidth=1)
        responses.plot(seconds, per_second, color=colour, label=label, linewidth=1)
    memory.set(title="Resident memory of the server, MB", ylim=0)
    responses.set(title="Responses per second", xlabel="seconds", ylim=0)
    memory.legend()
    return figure
