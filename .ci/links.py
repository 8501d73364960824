#!/usr/bin/env python3
"""Checks that every link in the Markdown files of the repository has a target: files of the repository, anchors, and
pages of the guide.

Usage: links.py. The script reads the files that git tracks and needs no network, because it does not follow links to
other sites. It prints each broken link with its file and line; the exit code is 1 if there is one.
"""
import functools
import pathlib
import re
import subprocess
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
GUIDE = ROOT / "shared/guide/src"
SUMMARY = GUIDE / "SUMMARY.md"
# [text](target), [text](target "title"), ![alt](target), and [name]: target.
INLINE = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^()\s<>]+(?:\([^()\s]*\))?)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s+<?(\S+?)>?\s*$", re.M)
HTML = re.compile(r"<(?:a|img)\s[^>]*?(?:href|src)=\"([^\"]+)\"")


def without_code(text):
    """The text with code blocks and code spans blanked, so that lines and columns stay."""
    blank = lambda match: re.sub(r"[^\n]", " ", match[0])
    text = re.sub(r"^( {0,3})(`{3,}|~{3,}).*?^ {0,3}\2[`~]*[ \t]*$", blank, text, flags=re.M | re.S)
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", blank, text, flags=re.S)


@functools.cache
def anchors(path):
    """The ids that GitHub and mdBook give to the headings of a file."""
    text = re.sub(r"^(```|~~~).*?^\1", "", path.read_text(), flags=re.M | re.S)
    counts, found = {}, set()
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", text, re.M):
        heading = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{slug}-{counts[slug]}" if slug in counts else slug)
        counts[slug] = counts.get(slug, 0) + 1
    return found


def problem(source, target):
    """The problem of a link of a file; None if it has a target."""
    url = urllib.parse.urlsplit(target)
    if url.scheme in ("http", "https"):
        return None if url.netloc else "the URL has no host"
    if url.scheme:
        return f"the scheme is {url.scheme}"
    path = (source.parent / urllib.parse.unquote(url.path)).resolve() if url.path else source
    if url.path.startswith("/") or not path.is_relative_to(ROOT):
        return "the path is outside the repository"
    if not path.exists():
        return "the file does not exist"
    if url.fragment and path.suffix == ".md" and urllib.parse.unquote(url.fragment) not in anchors(path):
        return "the file has no such heading"
    if source.is_relative_to(GUIDE) and path.suffix == ".md" and not path.is_relative_to(GUIDE):
        return "mdBook would look for a page of the guide; name the file as code instead"
    return None


def links(path):
    text = without_code(path.read_text())
    for pattern in (INLINE, REFERENCE, HTML):
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, match[1]


def tracked():
    """The Markdown files that git tracks, except those that the work tree no longer has."""
    listed = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in sorted(listed.stdout.split("\0")) if name and (path := ROOT / name).exists()]


def main():
    # A new page of the guide is checked before git tracks it.
    sources = sorted({*tracked(), *GUIDE.rglob("*.md")})
    found = [(path, line, target) for path in sources for line, target in links(path)]
    wrong = [(path, line, f"{target}: {why}") for path, line, target in found if (why := problem(path, target))]
    listed = [(SUMMARY.parent / target).resolve() for path, _, target in found if path == SUMMARY]
    wrong += [(SUMMARY, 0, f"{page.relative_to(GUIDE)}: it is listed more than once") for page in set(listed) if listed.count(page) > 1]
    pages = set(GUIDE.rglob("*.md")) - {SUMMARY}
    wrong += [(SUMMARY, 0, f"{page.relative_to(GUIDE)}: it is not listed") for page in sorted(pages - set(listed))]
    for path, line, text in wrong:
        print(f"{path.relative_to(ROOT)}:{line}: {text}")
    print(f"{len(found)} links in {len(sources)} files: {len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
