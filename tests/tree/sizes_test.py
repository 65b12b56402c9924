#!/usr/bin/env python3
"""Holds the sizes that let a newcomer find things: what is small enough is read.

  - A room holds at most 15 modules (headers with their sources); io/cli/commands one file a command.
  - A file has at most 500 lines, a function at most 60, from its opening brace to the closing one.
  - No header below 25 lines is there for one file only.
  - No class in an anonymous namespace has the name of another class.
  - A folder of tests/solver, tests/planner and tests/io is a folder of what it tests.
  - Nothing is at the root but what everybody expects there.

  sizes_test.py ROOT          prints each offence below ROOT; status 1 if there is one
  sizes_test.py --self-test   plants offences, and wants each to be found
"""

import collections
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FLOORS = ("solver", "planner", "io")
MAX_MODULES = 15
ONE_FILE_A_COMMAND = "io/cli/commands"
MAX_FILE = 500
MAX_FUNCTION = 60
MIN_HEADER = 25
ROOT_NAMES = {"CMakeLists.txt", "CMakePresets.json", "CHANGELOG.md", "CONTRIBUTING.md", "Containerfile",
              "LICENSE", "Makefile", "README.md", "SECURITY.md", "action.yml", "bench", "datasets", "io",
              "planner", "solver", "tests"}
TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<raw>[^(\s]*)\(.*?\)(?P=raw)"|"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\.|[^'\\\n])+'(?![0-9A-Fa-f])", re.S)


def without_texts(source):
    """The same lines without comments, strings, characters and directives."""
    blank = lambda match: "x" + re.sub(r"[^\n]", " ", match.group(0))[1:]
    source = TOKEN.sub(blank, source)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), source,
                  flags=re.M)


def scopes(source):
    """(kind, head, first line, last line) of each namespace, class and function, outermost first for
    each; functions are not looked into."""
    code = without_texts(source)
    found, stack, start, depth = [], [], 0, 0
    line = 1
    for at, char in enumerate(code):
        if char == "\n":
            line += 1
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == ";" and depth == 0:
            start = at + 1
        elif char == "{":
            head = code[start:at].strip()
            inside = [kind for kind, _, _ in stack if kind in ("function", "value")]
            if inside or depth > 0:
                kind = "value"
            elif re.match(r"(inline )?namespace\b", head):
                kind = "namespace"
            elif re.search(r"(^|\s)(class|struct|union|enum)\b[^()=]*$", head):
                kind = "class"
            elif ")" in head and not re.search(r"(^|[^=!<>+*/-])=\s*$", head):
                kind = "function"
            else:
                kind = "value"
            stack.append((kind, head, line))
            start = at + 1
        elif char == "}" and stack:
            kind, head, first = stack.pop()
            if kind != "value":
                found.append((kind, head, first, line))
            start = at + 1
    return found


def class_names(source):
    """(name, is anonymous) of the classes that are defined outside functions and classes."""
    spans = scopes(source)
    outer = [(first, last) for kind, head, first, last in spans if kind == "class"]
    anonymous = [(first, last) for kind, head, first, last in spans
                 if kind == "namespace" and not re.match(r"(inline )?namespace\s+\w", head)]
    names = []
    for kind, head, first, last in spans:
        match = re.search(r"(?:class|struct|union)\s+(\w+)(?:\s+final)?\s*(?::[^:].*)?$", head, re.S)
        if kind != "class" or not match or any(a <= first and last <= b and (a, b) != (first, last)
                                               for a, b in outer):
            continue
        names.append((match.group(1), any(a <= first and last <= b for a, b in anonymous)))
    return names


def check(root):
    offences = []
    sources = sorted(path for floor in FLOORS for path in (root / floor).rglob("*")
                     if path.suffix in (".h", ".cc"))
    if not sources:
        return [f"no sources below {root}"]
    modules = collections.Counter()
    includers = collections.defaultdict(set)
    classes = collections.defaultdict(set)
    for path in sources:
        name = path.relative_to(root).as_posix()
        text = path.read_text()
        num_lines = text.count("\n")
        if path.suffix == ".h":
            modules[name.rsplit("/", 1)[0]] += 1
        if num_lines > MAX_FILE:
            offences.append(f"{name}: {num_lines} lines, at most {MAX_FILE}")
        for kind, head, first, last in scopes(text):
            if kind == "function" and last - first + 1 > MAX_FUNCTION:
                called = re.search(r"([~\w:]+)\s*\(", head)
                offences.append(f"{name}:{first}: {called.group(1) if called else head}: "
                                f"{last - first + 1} lines, at most {MAX_FUNCTION}")
        for word, anonymous in class_names(text):
            classes[word].add((name, anonymous))
        for included in re.findall(r'^#include "([^"]+)"', text, re.M):
            if included != name[:-3] + ".h":
                includers[included].add(name)
    for folder, count in sorted(modules.items()):
        if count > MAX_MODULES:
            offences.append(f"{folder}: {count} modules, at most {MAX_MODULES}")
    for path in sources:
        name = path.relative_to(root).as_posix()
        if path.suffix == ".h" and path.read_text().count("\n") < MIN_HEADER and len(includers[name]) <= 1:
            offences.append(f"{name}: below {MIN_HEADER} lines, and for one file only: "
                            f"{''.join(includers[name]) or 'its own'}")
    for word, places in sorted(classes.items()):
        if len(places) > 1 and any(anonymous for _, anonymous in places):
            offences.append(f"class {word} in {' and '.join(sorted(name for name, _ in places))}: one name, one class")
    for floor in FLOORS:
        for folder in sorted(path for path in (root / "tests" / floor).rglob("*") if path.is_dir()):
            tested = folder.relative_to(root / "tests")
            if not (root / tested).is_dir():
                offences.append(f"tests/{tested}: there is no {tested}")
    for name in root_names(root):
        if name not in ROOT_NAMES and not name.startswith("."):
            offences.append(f"{name}: not at the root")
    return offences


def root_names(root):
    """Tracked files where there is git, so that a build's folder is none of them."""
    listed = subprocess.run(["git", "-C", root, "ls-files"], capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return sorted({name.split("/")[0] for name in listed.stdout.splitlines()})
    return sorted(path.name for path in root.iterdir() if not path.name.startswith("build"))


def self_test():
    failures = []
    with tempfile.TemporaryDirectory() as temporary:
        clean = pathlib.Path(temporary) / "clean"
        for folder in ("solver/a", "planner/a", "io/a", "tests/io/a"):
            (clean / folder).mkdir(parents=True)
        (clean / "solver/a/x.h").write_text("#pragma once\nclass Known {};\n" + "int x;\n" * 30)
        (clean / "README.md").write_text("")

        def expect(file, text, *wanted):
            tree = pathlib.Path(temporary) / "tree"
            shutil.copytree(clean, tree)
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            (tree / file).write_text(text)
            found = check(tree)
            shutil.rmtree(tree)
            if len(found) != len(wanted) or any(w not in f for w, f in zip(wanted, found)):
                failures.append(f"planted in {file}: {text[:60]!r}\n  expected {wanted}\n  found {found}")

        long = "  x = 1;  // {\n" * 59
        expect("io/a/y.cc", "namespace {\nvoid F() {\n" + long[:-15] + "}\n}\n")
        expect("io/a/y.cc", "namespace {\nvoid F() {\n" + long + "}\n}\n", "io/a/y.cc:2: F: 61 lines")
        expect("io/a/y.cc", "struct A {\n  A(int x)\n      : x_(x) {\n" + long + "  }\n};\n", "io/a/y.cc:3: ")
        expect("io/a/y.cc", "constexpr A kTable = {\n" + "  {1, 2},\n" * 80 + "};\n")
        expect("io/a/y.cc", "class B {\n" + "  int x = F({1});\n" * 80 + "};\n")
        expect("io/a/y.cc", 'int F() {\n  return G(R"(}\n)");\n}\n' + "int y;\n" * 80)
        expect("io/a/y.cc", "int x;\n" * 501, "io/a/y.cc: 501 lines, at most 500")
        expect("io/a/y.h", "int x;\n" * 24, "io/a/y.h: below 25 lines, and for one file only: its own")
        expect("io/a/y.cc", "namespace {\nclass Known : public B {};\n}\n",
               "class Known in io/a/y.cc and solver/a/x.h")
        expect("io/a/y.cc", "namespace {\nclass C {\n  class Known {};\n};\n}\n")
        expect("tests/io/b/y.cc", "", "tests/io/b: there is no io/b")
        expect("0", "", "0: not at the root")
        for i in range(MAX_MODULES + 1):
            (clean / f"planner/a/m{i}.h").write_text("int x;\n" * 30)
        expect("io/a/y.cc", "", "planner/a: 16 modules, at most 15")
        shutil.rmtree(clean / "solver")
        shutil.rmtree(clean / "planner")
        if not check(clean):
            failures.append("an empty tree passes")
    return failures


if __name__ == "__main__":
    problems = self_test() if sys.argv[1] == "--self-test" else check(pathlib.Path(sys.argv[1]))
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
