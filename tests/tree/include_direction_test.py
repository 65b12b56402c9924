#!/usr/bin/env python3
"""Holds the direction of includes: with one root include path the compiler would not object to an
upward one. The table is the build's own: `gneiss_add_room(io/text USES planner/fleet ...)` in the
CMakeLists.txt of solver, planner and io, in that order.

  - A room includes only rooms that it says it uses, uses all that it says, and all are above it.
  - No headers include one another in a circle.
  - Every include of ours is from the root; only bench/ and tests/ include bench/ and tests/.
  - solver/ neither prints nor reads.
  - The drawing of the rooms in README.md of a floor, a block marked `rooms`, shows the same table.

  include_direction_test.py ROOT          prints each offence below ROOT; status 1 if there is one
  include_direction_test.py --self-test   plants offences, and wants each to be found
"""

import pathlib
import re
import shutil
import sys
import tempfile

FLOORS = ("solver", "planner", "io")
OURS = FLOORS + ("bench", "tests")
WORD = r"(?:^|[^A-Za-z0-9_])"
PRINTS = re.compile(
    r"^\s*#\s*include\s*<([io]*stream|fstream|cstdio|stdio\.h|filesystem|fmt/.*)>"
    + "|" + WORD + r"([a-z]*printf|f?puts|putchar|f(re)?open|fread|fwrite)\s*\("
    + "|" + WORD + r"(std::(cin|cout|cerr|clog|[io]?fstream)|fmt::)")


def read_table(root):
    """[(room, [used room])] in the order of the build."""
    table = []
    for floor in FLOORS:
        lists = (root / floor / "CMakeLists.txt").read_text()
        for call in re.findall(r"^gneiss_add_room\(([^)]*)\)", lists, re.M):
            words = call.split()
            used, taking = [], False
            for word in words[1:]:
                if re.fullmatch(r"[A-Z_]+", word):
                    taking = word == "USES"
                elif taking:
                    used.append(word)
            table.append((words[0], used))
    return table


def read_drawing(readme):
    """{room: [used room]} of the blocks marked `rooms`; None where there is no README.md."""
    if not readme.exists():
        return None
    drawn = {}
    for block in re.findall(r"^```rooms\n(.*?)^```", readme.read_text(), re.M | re.S):
        for line in block.splitlines():
            room, _, used = line.partition(":")
            if room.strip():
                drawn[room.strip()] = [word for word in re.split(r"[,\s]+", used.strip()) if word]
    return drawn


def check(root):
    offences = []
    table = read_table(root)
    place = {room: i for i, (room, _) in enumerate(table)}
    uses = dict(table)
    for room, used in table:
        for other in used:
            if other not in place:
                offences.append(f"{room} uses {other}, which is no room")
            elif place[other] >= place[room]:
                offences.append(f"{room} uses {other}, which is not above it")
    sources = sorted(path for floor in OURS for path in (root / floor).rglob("*")
                     if path.suffix in (".h", ".cc"))
    if not sources:
        return [f"no sources below {root}"]
    used_by = {room: set() for room in place}
    headers = {}
    for path in sources:
        name = path.relative_to(root).as_posix()
        floor, room = name.split("/")[0], name.rsplit("/", 1)[0]
        if floor in FLOORS and room not in place:
            offences.append(f"{name}: {room} is no room of {floor}/CMakeLists.txt")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.split("//")[0]

            def offence(why):
                offences.append(f"{name}:{number}: {why}: {line}")

            if floor == "solver" and PRINTS.search(code):
                offence("solver/ neither prints nor reads")
            match = re.match(r'\s*#\s*include\s*(["<])([^">]*)', code)
            if not match:
                continue
            quote, included = match.groups()
            first = included.split("/")[0]
            if quote == "<":
                if first in OURS and "/" in included:
                    offence("ours, so it is included with quotes")
                continue
            if re.search(r"(^|/)\.\.?/", included) or not (root / included).is_file():
                offence("not an include from the root")
                continue
            if path.suffix == ".h":
                headers.setdefault(name, []).append(included)
            if floor not in FLOORS:
                continue
            other = included.rsplit("/", 1)[0]
            if first not in FLOORS:
                offence(f"{floor}/ may not include {first}/")
            elif other != room:
                used_by[room].add(other)
                if other not in uses[room]:
                    offence(f"{room} does not say that it uses {other}")
    for room, used in table:
        if (root / room).is_dir() and any((root / room).glob("*.h")):
            for other in used:
                if other in place and other not in used_by[room]:
                    offences.append(f"{room} says that it uses {other}, and includes nothing of it")
    offences += circles(headers)
    for floor in FLOORS:
        drawn = read_drawing(root / floor / "README.md")
        if drawn is None:
            continue
        told = {room: used for room, used in table if room.startswith(floor + "/")}
        for room in sorted(set(told) | set(drawn)):
            if sorted(told.get(room, ["no such room"])) != sorted(drawn.get(room, ["no such room"])):
                offences.append(f"{floor}/README.md draws {room}: {', '.join(drawn.get(room, ['nothing']))}; "
                                f"the build has {', '.join(told.get(room, ['no such room'])) or 'nothing'}")
    return offences


def circles(headers):
    found, state, way = [], {}, []

    def visit(name):
        state[name] = "open"
        way.append(name)
        for other in headers.get(name, []):
            if state.get(other) == "open":
                found.append("headers in a circle: " + " -> ".join(way[way.index(other):] + [other]))
            elif other not in state:
                visit(other)
        way.pop()
        state[name] = "done"

    for name in sorted(headers):
        if name not in state:
            visit(name)
    return found


def self_test():
    failures = []
    with tempfile.TemporaryDirectory() as temporary:
        clean = pathlib.Path(temporary) / "clean"
        tables = {"solver": "gneiss_add_room(solver/a)\ngneiss_add_room(solver/b USES solver/a)\n",
                  "planner": "gneiss_add_room(planner/a QUICK\n  USES solver/b\n  PACKAGES fmt::fmt)\n",
                  "io": "gneiss_add_room(io/a USES planner/a)\ngneiss_add_room(io/a/cli USES io/a)\n"
                        "gneiss_add_room(io/later USES io/a)\n"}
        for floor, text in tables.items():
            (clean / floor).mkdir(parents=True)
            (clean / floor / "CMakeLists.txt").write_text(text)
        includes = {"solver/a": "", "solver/b": '#include "solver/a/x.h"\n',
                    "planner/a": '#include "solver/b/x.h"\n', "io/a": '#include "planner/a/x.h"\n',
                    "io/a/cli": '#include "io/a/x.h"\n', "bench": "", "tests": '#include "bench/x.h"\n'}
        for folder, text in includes.items():
            (clean / folder).mkdir(parents=True, exist_ok=True)
            (clean / folder / "x.h").write_text("#pragma once\n" + text)
        (clean / "io/README.md").write_text(
            "```rooms\nio/a: planner/a\nio/a/cli: io/a\nio/later: io/a\n```\n")

        def expect(file, text, *wanted):
            tree = pathlib.Path(temporary) / "tree"
            shutil.copytree(clean, tree)
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            (tree / file).write_text(text)
            found = check(tree)
            shutil.rmtree(tree)
            if len(found) != len(wanted) or any(w not in f for w, f in zip(wanted, found)):
                failures.append(f"planted in {file}: {text!r}\n  expected {wanted}\n  found {found}")

        expect("solver/a/y.cc", '#include <algorithm>\n#include "solver/a/x.h"\n// printf(x)\n')
        expect("planner/a/y.cc", '#include "solver/b/x.h"\nfmt::print(x);\n')
        expect("tests/y.cc", '#include "tests/x.h"\n#include "bench/x.h"\n#include "io/a/x.h"\n')
        expect("solver/a/y.cc", '#include "solver/b/x.h"\n', "solver/a does not say that it uses solver/b")
        expect("solver/a/y.h", '  #  include "io/a/x.h"\n', "solver/a does not say that it uses io/a")
        expect("planner/a/y.cc", '#include "solver/a/x.h"\n', "planner/a does not say that it uses solver/a")
        expect("io/a/y.cc", '#include "io/a/cli/x.h"\n', "io/a does not say that it uses io/a/cli")
        expect("io/a/y.cc", '#include "bench/x.h"\n', "io/ may not include bench/")
        expect("planner/a/y.cc", '#include "tests/x.h"  // for now\n', "planner/ may not include tests/")
        expect("io/y.cc", "int x;\n", "io is no room")
        expect("io/new/y.cc", "int x;\n", "io/new is no room")
        expect("io/a/x.h", "#pragma once\n", "io/a says that it uses planner/a, and includes nothing of it")
        expect("solver/CMakeLists.txt", "gneiss_add_room(solver/a USES solver/b)\n"
               "gneiss_add_room(solver/b USES solver/a)\n", "solver/a uses solver/b, which is not above it",
               "solver/a says that it uses solver/b, and includes nothing of it")
        expect("solver/CMakeLists.txt", "gneiss_add_room(solver/a USES solver/c)\n"
               "gneiss_add_room(solver/b USES solver/a)\n", "solver/a uses solver/c, which is no room")
        expect("solver/a/x.h", '#pragma once\n#include "solver/a/x.h"\n', "headers in a circle")
        for text in ('#include "y.h"', '#include "../solver/a/x.h"', '#include "solver/../io/a/x.h"',
                     '#include "planner/absent.h"', '#include "nlohmann/json.hpp"'):
            expect("tests/y.cc", text, "not an include from the root")
        expect("planner/a/y.cc", "#include <io/a/x.h>", "ours, so it is included with quotes")
        for text in ("#include <iostream>", "#include <fstream>", "#include <cstdio>",
                     "#include <fmt/format.h>", "#include <filesystem>", '  std::printf("x");',
                     'auto* f = fopen("x", "r");', "std::cerr << x;", 'x = fmt::format("x");', 'puts ("x");'):
            expect("solver/a/y.cc", text, "solver/ neither prints nor reads")
        expect("io/README.md", "```rooms\nio/a: planner/a\nio/later: io/a\n```\n", "io/README.md draws io/a/cli")
        expect("io/README.md", "```rooms\nio/a: solver/a\nio/a/cli: io/a\nio/later: io/a\n```\n",
               "io/README.md draws io/a: solver/a; the build has planner/a")
        for path in clean.rglob("x.h"):
            path.unlink()
        if not check(clean):
            failures.append("an empty tree passes")
    return failures


if __name__ == "__main__":
    problems = self_test() if sys.argv[1] == "--self-test" else check(pathlib.Path(sys.argv[1]))
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
