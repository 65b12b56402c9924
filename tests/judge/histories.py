"""Layer histories of images, seeded: ordinary ones as builders write them, and hostile ones. The same seed and
number give the same image, on any machine."""
import functools
import random

from containerd_model import UMOCI_DIFFERS, Image, Refused, Shown, clean_join, resolve
from layers import Entry, tar_bytes

# None of these names is at the root of a machine: containerd's look-ups leave the layer through chains of links.
NAMES = [b"a", b"b", b"c", b"d", b"share", b"x.so"]
ODD_NAMES = [b"caf\xc3\xa9", b"\xff\xfe", b"new\nline", b"n" * 101, b".wh"]
TIME = 1600000000 * 10**9
ODD_TIMES = [-10**9, -1, -2**31 * 10**9, 2**34 * 10**9, 2**63]
REFUSED_SHARE = 0.04
FAMILY = 5  # images, the layers of whose first one the others may have


class History:
    def __init__(self, ref, image, layers, refused, profile):
        self.ref, self.image, self.layers, self.refused, self.profile = ref, image, layers, refused, profile
        self.kinds = sorted(image.kinds)

    def blobs(self):
        return [(tar_bytes(entries), how) for entries, how in self.layers]

    def without(self, number, position):
        """The same with one entry less; None where that is refused."""
        image, layers = Image(), []
        for i, (entries, how) in enumerate(self.layers):
            entries = [entry for j, entry in enumerate(entries) if (i, j) != (number, position)]
            image.begin_layer()
            try:
                for entry in entries:
                    image.add(entry)
            except Refused:
                return None
            image.end_layer()
            if entries or i == 0:
                layers.append((entries, how))
        return History(self.ref, image, layers, None, self.profile)

    def __str__(self):
        lines = [f"{self.ref} ({self.profile}; {', '.join(self.kinds) or 'nothing odd'})"]
        for number, (entries, how) in enumerate(self.layers, 1):
            lines.append(f"  layer {number}, {how}")
            lines += [f"    {entry!r}" for entry in entries]
        return "\n".join(lines)


class Generator:
    def __init__(self, seed, number):
        self.random = random.Random(f"{seed}-{number}")
        self.paths, self.seed, self.number = [], seed, number
        draw = self.random.random()
        self.may_be_refused = draw < REFUSED_SHARE
        if draw < 0.45:
            self.profile, wanted = "ordinary", set()
        elif draw < 0.75:
            kind = self.random.choice(sorted(UMOCI_DIFFERS))
            self.profile, wanted = "only " + kind, {kind}
        else:
            self.profile, wanted = "hostile", set(UMOCI_DIFFERS)
        self.unwanted = frozenset(UMOCI_DIFFERS) - wanted
        self.wanted = wanted

    def chance(self, share):
        return self.random.random() < share

    def make(self):
        image, layers, refused = Image(), [], None
        self.image = image
        for entries, how in self.shared_layers():
            image.begin_layer()
            for entry in entries:
                image.add(entry)
                self.paths.append(entry.name)
            image.end_layer()
            layers.append((entries, how))
        self.unwanted -= image.kinds
        for _ in range(self.random.choice([1, 2, 2, 3, 3, 3, 4, 5]) - min(len(layers), 1)):
            image.begin_layer()
            entries = []
            planned = [Entry(b"./", "5", **self.attributes("5") | {"mode": 0o700})] if self.chance(0.1) else []
            for _ in range(self.random.choice([0, 2, 4, 6, 8, 10, 14])):
                if not planned:
                    planned = self.entries()
                entry = planned.pop(0)
                try:
                    image.add(entry, self.unwanted)
                except Refused as reason:
                    if str(reason) == "unwanted kind" or not (self.may_be_refused and layers):
                        continue
                    refused = str(reason)
                entries.append(entry)
                self.paths.append(entry.name)
                if refused:
                    break
            image.end_layer()
            hows = ["gzip", "gzip", "gzip members", "plain"] + (["zstd"] if self.number % 20 == 7 else [])
            layers.append((entries, self.random.choice(hows)))
            if refused:
                break
        return History(f"t{self.number}", image, layers, refused, self.profile)

    def shared_layers(self):
        """Half of the images stand on layers of another one, as those of a fleet do."""
        leader = self.number - self.number % FAMILY
        if leader == self.number or self.chance(0.4):
            return []
        other = history(self.seed, leader)
        return [] if other.refused else other.layers[:self.random.randint(1, 3)]

    def name(self):
        return self.random.choice(ODD_NAMES if self.chance(0.03) else NAMES)

    def folder(self):
        """A directory to put something in: one that is there, a link to one, or one that is not there."""
        if self.chance(0.15):
            return b""
        if self.paths and self.chance(0.75):
            path = clean_join(self.random.choice(self.paths))
            if path.rsplit(b"/", 1)[-1].startswith(b".wh."):
                path = path.rpartition(b"/")[0]
            return path if path.count(b"/") < 4 else b""
        return b"/".join(self.name() for _ in range(self.random.choice([1, 1, 2])))

    def path(self):
        if self.paths and self.chance(0.3):
            path = clean_join(self.random.choice(self.paths))
            if b".wh." not in path and path:
                return path
        return clean_join(self.folder(), self.name())

    def spelled(self, path):
        """The same path as others may write it."""
        if self.chance(0.7):
            return path
        how = self.random.randrange(4 if self.chance(0.7) else 5)
        if how == 0:
            return b"./" + path
        if how == 1:
            return b"/" + path
        if how == 2:
            return path.replace(b"/", b"//", 1)
        if how == 3:
            return b"nowhere/../" + path
        return b"../" + path

    def time(self):
        if "odd-time" in self.wanted and self.chance(0.2):
            return self.random.choice(ODD_TIMES)
        time = TIME + self.random.randrange(1000) * 10**9
        if self.chance(0.2):
            time += self.random.randrange(10**9)
        if self.chance(0.03):
            time = 2**33 * 10**9  # The year 2242.
        return self.random.choice([0, 1]) if self.chance(0.03) else time

    def attributes(self, kind):
        modes = [0o644, 0o644, 0o600, 0o4755, 0o6711, 0o755, 0]
        if kind == "5":
            modes = [0o755, 0o755, 0o700, 0o1777, 0o2755, 0o511]
        owner = self.random.choice([(0, 0)] * 4 + [(1000, 1000), (7, 0), (65534, 65534), (2**21 + 7, 2**31)])
        xattrs = {}
        if self.chance(0.12) and kind in "05":
            xattrs[b"user.k%d" % self.random.randrange(3)] = self.random.choice([b"1", b"\0\xff=\n", b"x" * 300])
            if kind == "0" and self.chance(0.3):
                xattrs[b"security.capability"] = bytes.fromhex("0100000200040000") + bytes(12)
        if "xattr-dropped" in self.wanted and self.chance(0.2):
            xattrs[self.random.choice([b"trusted.t", b"user.k"])] = self.random.choice([b"", b"v"])
        return {"mode": 0o777 if kind == "2" else self.random.choice(modes), "uid": owner[0], "gid": owner[1],
                "mtime": self.time(), "xattrs": xattrs, "form": self.random.choice(["pax", "gnu", "ustar"])}

    def target(self):
        """Of a symbolic link."""
        path = self.folder() or self.name()
        how = self.random.randrange(12)
        if how < 4:
            return path
        if how < 6:
            return b"/" + path
        if how < 8:
            return b"../" + path
        if how == 8:
            return b"../../../" + path
        if how == 9:
            return clean_join(path) + b"/../" + self.name()
        return self.random.choice([b"/", b".", b"..", path + b"/", b"t" * 120 + b"/" + path])

    def entry(self):
        kind = self.random.choices("f d s h w o c l".split(), [30, 22, 12, 12, 12, 6, 3, 3])[0]
        if kind == "h":
            return self.hard_link() or self.entry()
        if kind == "w":
            return self.whiteout()
        if kind == "o":
            return self.marker(clean_join(self.folder(), b".wh..wh..opq"))
        if kind == "c":
            return self.special()
        if kind == "l" and self.paths:  # Something at a path that this image has, in another type.
            kind = self.random.choice("fds")
        path = self.path()
        if kind == "s":
            return Entry(self.spelled(path), "2", link=self.target(), **self.attributes("2"))
        if kind == "d":
            slash = b"/" if self.chance(0.7) else b""
            return Entry(self.spelled(path) + slash, "5", **self.attributes("5"))
        return self.file(path)

    def file(self, path):
        attributes = self.attributes("0")
        if self.chance(0.05):
            body = self.random.randbytes(30)
            return Entry(self.spelled(path), body=body, sparse=[(100, 10), (5000, 20)], size=9000, **attributes)
        body = self.random.randbytes(self.random.choice([0, 1, 5, 30, 511, 512, 513, 3000]))
        return Entry(self.spelled(path), body=body, **attributes)

    def special(self):
        kind = self.random.choice("346")
        device = self.random.choice([(1, 3), (8, 1), (4095, 70000)]) if kind in "34" else (0, 0)
        if "device-0-0" in self.wanted and self.chance(0.6):
            kind, device = "3", (0, 0)
        attributes = self.attributes(kind)
        return Entry(self.spelled(self.path()), kind, device=device,
                     **attributes | {"form": "pax" if device[1] > 8**7 else attributes["form"]})

    def entries(self):
        """The next entries of a layer: one, or those that make the image one of a wanted kind."""
        if not self.wanted or not self.chance(0.35 if len(self.wanted) == 1 else 0.15):
            return [self.entry()]
        return self.entries_of_kind(self.random.choice(sorted(self.wanted))) or [self.entry()]

    def entries_of_kind(self, kind):
        image, name = self.image, self.name()
        bottom = image.shown is None

        def directory(path, **more):
            return Entry(path, "5", **self.attributes("5") | more)

        def whiteout(path):
            return self.marker(clean_join(path.rpartition(b"/")[0], b".wh." + path.rpartition(b"/")[2]))

        if kind == "bottom-marker" and bottom:
            path = self.path()
            return [self.file(path), whiteout(path)]
        if kind == "replaced-directory-time":
            path = self.path()
            first = [directory(path)] + ([self.file(clean_join(path, name))] if self.chance(0.5) else [])
            return first + [Entry(path, "2", link=self.target(), **self.attributes("2")) if self.chance(0.4)
                            else self.file(path)]
        if kind == "setgid-parent":
            path = self.path()
            return [directory(path, mode=0o2775, gid=50), self.file(clean_join(path, name, self.name()))]
        if kind == "dots-in-link":
            folder = self.folder()
            texts = [b"../" + name + b"/../" + self.name(), name + b"/../" + self.name(), b"/" + name + b"/../" + name]
            path = clean_join(folder, self.name())
            return [Entry(clean_join(folder, name), "2", link=self.target(), **self.attributes("2")),
                    Entry(path, "2", link=self.random.choice(texts), **self.attributes("2")),
                    self.file(self.random.choice([b"", b"/"]) + clean_join(path, name))]
        if kind == "xattrs-kept":
            path = self.path()
            return [directory(path, xattrs={b"user.a": b"1"}), directory(path, xattrs={b"user.b": b"2"})]
        if bottom:
            return []
        shown = {"directory": [], "symlink": [], "file": []}

        def walk(node, path):
            for part, child in sorted(node.children.items()):
                shown.setdefault(child.kind, []).append(clean_join(path, part))
                if child.kind == "directory":
                    walk(child, clean_join(path, part))

        walk(image.shown, b"")
        if kind == "lower-link" and shown["symlink"]:
            link = self.random.choice(shown["symlink"])
            return [self.random.choice([self.file, whiteout, directory])(clean_join(link, name))]
        if kind == "marker-nowhere":
            return [whiteout(clean_join(self.folder(), self.name(), self.name(), name))]
        if kind == "lower-file-parent" and shown["file"]:
            return [self.random.choice([self.file, whiteout])(clean_join(self.random.choice(shown["file"]), name))]
        if kind == "root-opaque":
            return [self.marker(b".wh..wh..opq")]
        if kind == "device-0-0" and shown["file"]:
            return [Entry(self.random.choice(shown["file"]), "3", **self.attributes("3"))]
        if kind == "link-to-whiteout" and shown["file"]:
            path = self.random.choice(shown["file"])
            return [whiteout(path), Entry(self.random.choice(shown["file"] + [self.path()]), "1", link=path,
                                          **self.attributes("1"))]
        if not shown["directory"]:
            return []
        path = self.random.choice(shown["directory"])
        child = self.file(clean_join(path, name))
        if kind == "whiteout-then-directory":
            return [whiteout(path), directory(path), child]
        if kind == "file-then-directory":
            return [self.file(path), directory(path), child]
        if kind == "hidden-attributes":
            if self.chance(0.5):
                return [self.marker(clean_join(path, b".wh..wh..opq"))]
            return [self.file(clean_join(self.random.choice(self.paths), name))]
        return []

    def files_of_layer(self):
        found = []

        def walk(node, path):
            for name, child in node.children.items():
                if child.kind == "directory":
                    walk(child, clean_join(path, name))
                elif child.kind != "whiteout" or "link-to-whiteout" in self.wanted:
                    found.append((clean_join(path, name), child))

        walk(self.image.upper.root, b"")
        return sorted(found, key=lambda pair: pair[0])

    def hard_link(self):
        """To a file of this layer, under a name that may go through links; seldom to anything else."""
        files = self.files_of_layer()
        if not files or self.chance(0.05):
            return Entry(self.path(), "1", link=self.path(), **self.attributes("1")) if self.may_be_refused else None
        path, node = self.random.choice(files)
        for written in self.random.sample(self.paths, min(len(self.paths), 4)):
            # Another name of the same place.
            other = clean_join(written, path.rpartition(b"/")[2])
            try:
                if clean_join(resolve(self.image.upper, other.rpartition(b"/")[0]), other.rpartition(b"/")[2]) == path:
                    path = other
                    break
            except Refused:
                pass
        attributes = self.attributes("1")
        if "link-attributes" not in self.wanted or self.chance(0.5):
            attributes |= {"mode": node.mode, "uid": node.uid, "gid": node.gid, "mtime": node.mtime or 0, "xattrs": {}}
        return Entry(self.spelled(self.path()), "1", link=self.spelled(path), **attributes)

    def marker(self, path):
        kind = "0" if self.chance(0.93) else self.random.choice("0256")
        body = b"body" if kind == "0" and self.chance(0.1) else b""
        return Entry(self.spelled(path), kind, body=body, link=b"x" if kind == "2" else b"", mtime=TIME,
                     form=self.random.choice(["pax", "gnu", "ustar"]))

    def whiteout(self):
        """Mostly of something that lower layers have."""
        path = self.path()
        if self.image.shown is not None and self.chance(0.8):
            node, found = self.image.shown, b""
            while node.kind == "directory" and node.children and (not found or self.chance(0.5)):
                name = self.random.choice(sorted(node.children))
                found, node = clean_join(found, name), node.children[name]
            path = found or path
        folder, _, base = path.rpartition(b"/")
        if base == b"" or base.startswith(b".wh."):
            base = self.name()
        return self.marker(clean_join(folder, b".wh." + base))


@functools.lru_cache(maxsize=8)
def history(seed, number):
    return Generator(seed, number).make()
