"""Judges how gneiss merges layers, by containerd and umoci: seeded histories of layers as images of one layout, each
unpacked by both, and compared path by path with what `gneiss files` shows.

    judge.py --work DIR [--gneiss GNEISS] [--trees N] [--seed S] [--levels M] [--quick] [--show N]
             [--only REF] [--without KIND,...]

Without --gneiss the two are compared with each other. --levels plans the first M images, carries out each level, and
has the results unpacked again. --quick needs no runtime: gneiss is held against the model of containerd that leads
the generator, and each history that differs is cut down to what it takes. --show N prints as many histories of trees
that differ (default: 3); --only takes one tree, --without none of some kinds. Exit status 1: gneiss differs from
containerd, or umoci does where it is not known to, or a tree after `apply` is not the tree before."""
import argparse
import base64
import collections
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from containerd_model import MAX_TIME, UMOCI_DIFFERS
from histories import history
from layers import Layout
from runtimes import Containerd, umoci_tree

LEVELS = ["squash", "bases", "carve"]
NODE_TYPES = {"char": "char_device", "block": "block_device"}


def with_links(tree, names_of):
    for names in names_of.values():
        for name in names:
            if len(names) > 1:
                tree[name]["links"] = sorted(other for other in names if other != name)
    return tree


def model_tree(image):
    """What the generator believes, in the form of runtimes.py; a time that is made up is None."""
    tree, names_of = {}, {}

    def walk(node, prefix):
        for name, child in node.children.items():
            path = prefix + name
            entry = {"type": NODE_TYPES.get(child.kind, child.kind), "mode": child.mode, "uid": child.uid,
                     "gid": child.gid, "mtime": child.mtime}
            tree[path] = entry
            if child.kind == "file":
                entry |= {"size": len(child.body), "sha256": hashlib.sha256(child.body).hexdigest()}
            elif child.kind == "symlink":
                entry["target"] = child.target
            elif child.kind in NODE_TYPES:
                entry["device"] = "%d:%d" % child.device
            if child.xattrs:
                entry["xattrs"] = child.xattrs
            if child.kind == "directory":
                walk(child, path + b"/")
            else:
                names_of.setdefault(id(child), []).append(path)

    walk(image.shown, b"")
    return with_links(tree, names_of)


def has_own_time(image, path):
    node = image.shown
    for part in path.split(b"/"):
        node = node.children.get(part)
        if node is None:
            return False
    return node.kind == "directory" and node.listed and node.mtime is not None


def bytes_of(text):
    """Of a name in JSON, where a byte that is not UTF-8 is U+FFFD and its digits."""
    parts = re.split("\ufffd([0-9a-f]{2})", text)
    return b"".join(bytes.fromhex(part) if i % 2 else part.encode() for i, part in enumerate(parts))


def nanoseconds(text):
    if text is None:
        return None
    seconds, _, part = text.partition(".")
    return int(seconds) * 10**9 + int(part)


def gneiss_tree(document):
    """What `gneiss files` shows, but for what no runtime can set: times that Go's do not hold, attributes that the
    kernel or containerd leaves out."""
    tree, names_of = {}, {}
    for item in document["entries"]:
        kind = item["type"]
        mtime = nanoseconds(item["mtime"])
        entry = {"type": kind, "mode": int(item["mode"], 8), "uid": item["uid"], "gid": item["gid"],
                 "mtime": mtime if mtime is None or 0 <= mtime <= MAX_TIME else 0}
        if kind == "file":
            entry |= {"size": item["size"], "sha256": item["sha256"].removeprefix("sha256:")}
        elif kind == "symlink":
            entry["target"] = bytes_of(item["target"])
        elif kind in NODE_TYPES.values():
            entry["device"] = item["device"]
        plain = kind in ("file", "directory")
        xattrs = {bytes_of(key): base64.b64decode(value) for key, value in item["xattrs"].items()}
        xattrs = {key: value for key, value in xattrs.items()
                  if not key.startswith(b"trusted.") and (plain or not key.startswith(b"user."))}
        if xattrs:
            entry["xattrs"] = xattrs
        if item.get("implied"):
            entry["mtime"] = None
        path = bytes_of(item["path"])
        if path:
            tree[path] = entry
        if item["links"]:
            # The first name lists the others, and they list it.
            first = min([path] + [bytes_of(name) for name in item["links"]])
            names_of.setdefault(first, []).append(path)
    return with_links(tree, names_of)


def differences(left, right, same_time):
    """[(path, field, left, right)]. same_time(left, right) decides for directories whose times are not equal."""
    found = []
    for path in sorted(left.keys() | right.keys()):
        if path not in left or path not in right:
            found.append((path, "is there", path in left, path in right))
            continue
        one, other = left[path], right[path]
        for field in sorted(one.keys() | other.keys()):
            a, b = one.get(field), other.get(field)
            if a == b or (field == "mtime" and one["type"] == other["type"] == "directory" and same_time(a, b)):
                continue
            found.append((path, field, a, b))
    return found


def layers_of(layout):
    """The digests of each image's layers."""
    def read(digest):
        with open(f"{layout}/blobs/sha256/{digest[7:]}") as file:
            return json.load(file)

    with open(layout + "/index.json") as file:
        items = json.load(file)["manifests"]
    return {item["annotations"]["org.opencontainers.image.ref.name"]:
            [layer["digest"] for layer in read(item["digest"])["layers"]] for item in items}


class Verdict:
    """Counts of one comparison, and the trees that differ."""

    def __init__(self, title, known=frozenset()):
        self.title, self.known = title, known
        self.equal, self.known_equal, self.wrong, self.by_kind = 0, 0, [], collections.Counter()

    def add(self, tree, found):
        kinds = self.known & set(tree.kinds)
        if not found:
            self.equal += not kinds
            self.known_equal += bool(kinds)
        elif kinds:
            self.by_kind["+".join(sorted(kinds)) if len(kinds) < 3 else "several kinds"] += 1
        else:
            self.wrong.append((tree, found))

    def report(self, show):
        line = f"{self.title}: {self.equal} equal, {len(self.wrong)} different"
        if self.known_equal or self.by_kind:
            kinds = ", ".join(f"{kind} {count}" for kind, count in self.by_kind.most_common())
            line += f"; of kinds with a known other answer {self.known_equal} equal, " \
                    f"{sum(self.by_kind.values())} other{': ' + kinds if kinds else ''}"
        print(line)
        fields = collections.Counter()
        for tree, found in self.wrong:
            fields[" ".join(sorted({field for _, field, _, _ in found})) + " where "
                   + (", ".join(sorted(set(tree.kinds) & UMOCI_DIFFERS.keys())) or "nothing odd")] += 1
        for text, count in fields.most_common(20):
            print(f"  {count} x {text}")
        # The shortest histories say the most.
        self.wrong.sort(key=lambda pair: sum(len(entries) for entries, _ in pair[0].layers))
        for tree, found in self.wrong[:show]:
            for path, field, left, right in found[:5]:
                print(f"  {tree.ref} {path!r}: {field} {left!r} / {right!r}")
            print(f"  {tree}")
        return bool(self.wrong)


class Judge:
    def __init__(self, options):
        self.options, self.work, self.gneiss = options, options.work, options.gneiss
        self.failed, self.start = False, time.time_ns() - 2 * 10**9

    def made_up(self, ns):
        return ns is None or self.start <= ns <= time.time_ns() + 2 * 10**9

    def same_time(self, a, b):
        return self.made_up(a) and self.made_up(b)

    def either_made_up(self, a, b):
        return self.made_up(a) or self.made_up(b)

    def run(self):
        options = self.options
        numbers = [int(options.only[1:])] if options.only else range(options.trees)
        without = set(options.without.split(","))
        self.trees = [tree for tree in (history(options.seed, number) for number in numbers)
                      if not without & set(tree.kinds)]
        self.before = self.write("before", self.trees)
        if options.quick:
            self.judge_by_model()
            return 1 if self.failed else 0
        with Containerd(self.work + "/containerd") as containerd, concurrent.futures.ThreadPoolExecutor(2) as pool:
            self.containerd, self.pool = containerd, pool
            self.containerd_trees, refusals = self.unpack(self.before, "before", self.trees)
            self.umoci_trees, umoci_refusals = self.unpack_umoci(self.before, self.trees)
            self.report_trees(refusals)
            self.judge_umoci("umoci and containerd", umoci_refusals)
            if self.gneiss:
                self.judge_files()
                if options.levels:
                    self.judge_levels()
        return 1 if self.failed else 0

    def write(self, name, trees):
        layout = Layout(f"{self.work}/{name}")
        for tree in trees:
            layout.add_image(tree.ref, tree.blobs())
        layout.close()
        return layout.path

    def unpack(self, layout, name, trees):
        self.containerd.load(layout, name)
        results = self.pool.map(lambda tree: self.containerd.tree(f"{name}:{tree.ref}"), trees)
        return self.sorted_results(trees, results)

    def unpack_umoci(self, layout, trees):
        """But for zstd, which umoci does not read."""
        trees = [tree for tree in trees if all(how != "zstd" for _, how in tree.layers)]
        target = f"{self.work}/umoci-{os.path.basename(layout)}"
        results = self.pool.map(lambda tree: umoci_tree(layout, tree.ref, f"{target}/{tree.ref}"), trees)
        return self.sorted_results(trees, results)

    def sorted_results(self, trees, results):
        unpacked, refused = {}, {}
        for tree, (result, reason) in zip(trees, results):
            if result is None:
                refused[tree.ref] = reason
            else:
                unpacked[tree.ref] = result
        return unpacked, refused

    def report_trees(self, refusals):
        count = len(self.trees)
        print(f"trees: {count} of seed {self.options.seed}, {sum(len(tree.layers) for tree in self.trees)} layers, "
              f"{sum(len(entries) for tree in self.trees for entries, _ in tree.layers)} entries; containerd unpacked "
              f"{len(self.containerd_trees)} and refused {len(refusals)}")
        kinds = collections.Counter(kind for tree in self.trees for kind in tree.kinds)
        print("  kinds: " + ", ".join(f"{kind} {number}" for kind, number in kinds.most_common()))
        for reason, number in collections.Counter(tree.refused for tree in self.trees if tree.refused).most_common():
            print(f"  refused: {reason}: {number}")
        for tree in self.trees:
            if bool(tree.refused) != (tree.ref in refusals):
                self.failed = True
                print(f"  containerd {'refuses' if tree.ref in refusals else 'takes'} {tree}\n"
                      f"  {refusals.get(tree.ref)}; expected: {tree.refused}")
        verdict = Verdict("containerd and what the histories are meant to be")
        for tree in self.trees:
            if tree.ref in self.containerd_trees and not tree.refused:
                verdict.add(tree, differences(self.containerd_trees[tree.ref], model_tree(tree.image), self.same_time))
        self.failed |= verdict.report(self.options.show)

    def judge_umoci(self, title, refusals):
        verdict = Verdict(title, UMOCI_DIFFERS.keys())
        for tree in self.trees:
            if tree.ref in refusals and tree.ref in self.containerd_trees:
                verdict.add(tree, [(b"", "unpacked", refusals[tree.ref], True)])
            elif tree.ref in self.umoci_trees and tree.ref in self.containerd_trees:
                verdict.add(tree, differences(self.umoci_trees[tree.ref], self.containerd_trees[tree.ref],
                                              self.either_made_up))
        self.failed |= verdict.report(self.options.show)

    def files(self, layout, refs=None):
        """What gneiss shows of each image of a layout, and what it says. One that ends it is left out."""
        shown, said = {}, ""
        for source in [layout] if refs is None else [f"{layout}:{ref}" for ref in refs]:
            run = subprocess.run([self.gneiss, "files", "oci:" + source, "--all", "--json"], capture_output=True,
                                 text=True, errors="replace")
            if run.returncode < 0:
                said += f"files {source}: ended by signal {-run.returncode}: {run.stderr[-300:]}\n"
                if refs is None:
                    return self.files(layout, layers_of(layout))
                continue
            said += run.stderr
            for line in run.stdout.splitlines():
                document = json.loads(line)
                for ref in document["image"]["refs"]:
                    shown[ref.rpartition(":")[2]] = gneiss_tree(document)
        return shown, said

    def judge_files(self):
        shown, said = self.files(self.before)
        verdict = Verdict("gneiss and containerd")
        for tree in self.trees:
            if tree.ref in self.containerd_trees:
                verdict.add(tree, self.difference(tree, shown.get(tree.ref), self.containerd_trees[tree.ref]))
        self.failed |= verdict.report(self.options.show)
        if any(field == "shown" for _, found in verdict.wrong for _, field, _, _ in found):
            print("\n".join(said.splitlines()[:20]))

    def difference(self, tree, shown, real):
        """A directory that is implied, as the model knows, or whose time goes elsewhere, has none of its own, whatever
        the runtime gives it."""
        if shown is None:
            return [(b"", "shown", False, True)]
        listed = [path for path, entry in shown.items()
                  if entry["type"] == "directory" and entry["mtime"] is None and has_own_time(tree.image, path)]
        return differences(shown, real, lambda time, _: time is None) + [
            (path, "implied", True, False) for path in listed]

    def judge_by_model(self):
        shown, said = self.files(self.before)
        verdict = Verdict("gneiss and the model of containerd")
        for tree in self.trees:
            if not tree.refused:
                verdict.add(tree, self.difference(tree, shown.get(tree.ref), model_tree(tree.image)))
        verdict.wrong = [self.cut_down(*pair) if i < self.options.show else pair
                         for i, pair in enumerate(verdict.wrong)]
        self.failed |= verdict.report(self.options.show)
        if any(field == "shown" for _, found in verdict.wrong for _, field, _, _ in found):
            print("\n".join(said.splitlines()[:20]))

    def cut_down(self, tree, found):
        """The history without each entry that the difference does not need."""
        attempt, again = 0, True
        while again:
            again = False
            places = [(i, j) for i, (entries, _) in enumerate(tree.layers) for j in reversed(range(len(entries)))]
            for place in places:
                smaller = tree.without(*place)
                if smaller is None:
                    continue
                attempt += 1
                layout = Layout(f"{self.work}/cut-{tree.ref}-{attempt}")
                layout.add_image(smaller.ref, smaller.blobs())
                layout.close()
                shown, _ = self.files(layout.path)
                difference = self.difference(smaller, shown.get(tree.ref), model_tree(smaller.image))
                shutil.rmtree(layout.path)
                if {field for _, field, _, _ in difference} & {field for _, field, _, _ in found}:
                    tree, found, again = smaller, difference, True
                    break
        return tree, found

    def judge_levels(self):
        trees = [tree for tree in self.trees if tree.ref in self.containerd_trees][:self.options.levels]
        source = self.write("planned", trees)
        self.command("plan", source, "--quiet", "-o", f"{self.work}/plan.json")
        for level in LEVELS:
            target = f"{self.work}/{level}"
            self.command("apply", f"{self.work}/plan.json", "--from", source, "--to", "oci:" + target, "--level", level,
                         "--quiet")
            if not os.path.exists(target + "/index.json"):
                continue
            old_layers, new_layers = layers_of(source), layers_of(target)
            changed = sum(old_layers.get(ref, digests) != digests for ref, digests in new_layers.items())
            print(f"{level}: {len(new_layers)} of {len(trees)} images written, {changed} of them with other layers")
            written = [tree for tree in trees if tree.ref in new_layers]
            after, refused = self.unpack(target, level, written)
            umoci_after, umoci_refused = self.unpack_umoci(target, written)
            verdict = Verdict(f"{level}: containerd before and after apply")
            for tree in trees:
                if tree.ref not in after:
                    verdict.add(tree, [(b"", "unpacked", True, refused.get(tree.ref, "left out by apply"))])
                else:
                    verdict.add(tree, differences(self.containerd_trees[tree.ref], after[tree.ref],
                                                  lambda old, new: self.made_up(old)))
            self.failed |= verdict.report(self.options.show)
            verdict = Verdict(f"{level}: containerd before, umoci after apply", UMOCI_DIFFERS.keys())
            for tree in written:
                if tree.ref in umoci_refused:
                    verdict.add(tree, [(b"", "unpacked", True, umoci_refused[tree.ref])])
                elif tree.ref in umoci_after:
                    verdict.add(tree, differences(self.containerd_trees[tree.ref], umoci_after[tree.ref],
                                                  self.either_made_up))
            self.failed |= verdict.report(self.options.show)

    def command(self, *arguments):
        run = subprocess.run([self.gneiss, *arguments], capture_output=True, text=True, errors="replace")
        if run.returncode != 0:
            print(f"gneiss {' '.join(arguments)}: exit code {run.returncode}\n{run.stderr}")
            self.failed = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True)
    parser.add_argument("--gneiss")
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--levels", type=int, default=0)
    parser.add_argument("--only")
    parser.add_argument("--without", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--show", type=int, default=3)
    options = parser.parse_args()
    options.work = os.path.realpath(options.work)
    os.umask(0o022)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # By way of what ends containerd and unmounts.
    sys.stdout.reconfigure(errors="backslashreplace")
    return Judge(options).run()


if __name__ == "__main__":
    sys.exit(main())
