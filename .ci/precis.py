#!/usr/bin/env python3
"""Compares the keys of names with those of another implementation, precis-i18n, for every code point of Unicode: alone,
within and at the end of a word, after Greek letters and with combining marks.

Usage: precis.py PROGRAM, with the packages precis-i18n and unicodedataplus. PROGRAM is shared/protocol/examples/name_keys.rs.
The script prints the first names whose keys differ, and the number of names; the exit code is 1 if keys differ.

The key of a userName is its form by RFC 8265, UsernameCaseMapped, with σ in place of ς; the key of a group's displayName is
in lower case and NFC, also with σ. The implementations know different versions of Unicode:

- The service accepts only characters of Unicode 6.3 in a userName, because IANA's registry of PRECIS ends with that version.
  Of later code points, this script checks that they are refused.
- In a displayName, code points are compared that Python knows as well.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unicodedata

import precis_i18n
import unicodedataplus

REGISTRY = (6, 3)
PRINTED = 50
PROFILE = precis_i18n.get_profile("UsernameCaseMapped", unicodedata=unicodedataplus)


def version(text):
    return tuple(int(number) for number in text.split(".")[:2])


def age(letter):
    """The version of Unicode with which a code point was assigned; None if it was not."""
    known = unicodedataplus.age(letter)
    return None if known in ("NA", "Unassigned") else version(known)


def contexts(letter):
    return [letter, f"a{letter}b", f"ab{letter}", f"ο{letter}", f"Σ{letter}", f"οΣ{letter}α", f"{letter}\u0301", f"E{letter}\u0323\u0301",
            f"{letter} Σ"]


def one_sigma(text):
    return text.replace("ς", "σ")


def user_key(name):
    """The key of a userName, or None. RFC 8265 §3.3 checks the characters before the case mapping, and precis-i18n only after
    it, so they are checked here as well."""
    parts = name.split(" ")
    if not parts[0] or not parts[-1]:
        return None
    try:
        for part in filter(None, parts):
            PROFILE.base.enforce(PROFILE.width_mapping_rule(part))
        return one_sigma(" ".join(PROFILE.enforce(part) for part in parts if part))
    except UnicodeEncodeError:
        return None


def group_key(name):
    return one_sigma(unicodedata.normalize("NFC", name.lower()))


def cases():
    """Each name with the keys that it should have; a key is missing if only one of the implementations knows the letter."""
    for point in range(sys.maxunicode + 1):
        letter = chr(point)
        if 0xD800 <= point < 0xE000:
            continue
        since = age(letter)
        is_known = since is not None and since <= version(unicodedata.unidata_version)
        is_character = since is not None and unicodedataplus.category(letter) != "Co"
        for name in contexts(letter) if is_character else [letter]:
            keys = [user_key(name) if since and since <= REGISTRY else None]
            yield name, keys + [group_key(name)] if is_known else keys


def main():
    with tempfile.TemporaryDirectory() as folder:
        names, expected = pathlib.Path(folder, "names"), []
        with names.open("w") as file:
            for name, keys in cases():
                file.write(json.dumps(name) + "\n")
                expected.append((name, keys))
        with names.open() as file:
            ran = subprocess.run(sys.argv[1], stdin=file, stdout=subprocess.PIPE, check=True)
    lines = ran.stdout.splitlines()
    if len(lines) != len(expected):
        sys.exit(f"{len(expected)} names have {len(lines)} lines of keys")
    differences = 0
    for (name, keys), line in zip(expected, lines):
        found = json.loads(line)
        if found[:len(keys)] != keys:
            differences += 1
            if differences <= PRINTED:
                print(f"{name!a}: the service has {found!a}, precis-i18n has {keys!a}")
    print(f"names: {len(expected)}, of which {differences} have other keys")
    sys.exit(differences > 0)


main()
