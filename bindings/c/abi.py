"""Fails where the C interface lost or changed something that it once had.

Holds include/notation_verifier.h against what releases had (tags `v*`), or, before
the first release, against every committed version of it: functions with their
types, constants with their numbers, structures with their members. Only a new major
number of NV_ABI_VERSION allows a difference.

    abi.py             in the repository
    abi.py OLD NEW     two headers, for the test of this script
"""

import pathlib
import re
import subprocess
import sys

HEADER = "include/notation_verifier.h"


def facts(header):
    """What a program relies on, one line each, and the version."""
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", header, flags=re.S)
    version = 0
    found = set()
    for name, value in re.findall(r"^#define (NV_\w+) (\S+)$", code, flags=re.M):
        if name == "NV_ABI_VERSION":
            version = int(value, 0)
        else:
            found.add(f"#define {name} {value}")
    code = re.sub(r"^\s*#[^\n]*$", "", code, flags=re.M)
    code = re.sub(r'extern "C" \{|^\}\s*$', "", code, flags=re.M)
    # A structure is one fact: adding a member changes its size.
    for part in re.findall(r"[^;{}]*(?:\{[^{}]*\}[^;]*)?;", code):
        found.add(re.sub(r"\s*([^\w\s])\s*", r"\1", re.sub(r"\s+", " ", part.strip())))
    return found, version


def lost(old, new):
    old, old_version = facts(old)
    new, new_version = facts(new)
    if len(old) < 2:
        raise SystemExit("abi: nothing was found in the old header")
    if new_version >> 16 > old_version >> 16:
        return []
    return sorted(old - new)


def git(*arguments):
    return subprocess.run(
        ["git", *arguments], check=True, capture_output=True, text=True
    ).stdout


def main():
    if len(sys.argv) == 3:
        old, new = (pathlib.Path(path).read_text() for path in sys.argv[1:])
        versions = {sys.argv[1]: old}
    else:
        new = pathlib.Path(HEADER).read_text()
        tags = git("tag", "--list", "v*", "--merged").split()
        names = [tag for tag in tags if git("ls-tree", tag, HEADER)]
        names = names or git("log", "--format=%h", "--", HEADER).split()
        versions = {name: git("show", f"{name}:{HEADER}") for name in names}
    failed = False
    for name, old in versions.items():
        for fact in lost(old, new):
            print(f"abi: {name} had, and it is gone or changed: {fact}")
            failed = True
    if not versions:
        raise SystemExit("abi: there is no earlier version to compare with")
    print(f"abi: {len(facts(new)[0])} facts, held against {len(versions)} versions")
    raise SystemExit(failed)


main()
