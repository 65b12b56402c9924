"""What containerd (1.6, overlayfs) makes of layers, written from what experiments with it showed: which entries it
refuses, what lies in each layer's directory, and what the overlay shows. The generator of histories leads itself by
this, so that nearly all its images can be unpacked and each carries the kinds of things in it; the judge compares
it with the real thing, so that the kinds are sound.

Kinds where umoci, which unpacks all layers into one directory, is known to differ are in UMOCI_DIFFERS."""
import posixpath
import re

MAX_LINKS = 255
MAX_TIME = 2**63 - 1

UMOCI_DIFFERS = {
    "lower-link": "parent is a link of a lower layer: umoci follows it",
    "marker-nowhere": "marker in a directory that is nowhere: umoci makes none",
    "lower-file-parent": "parent is no directory in a lower layer: umoci refuses",
    "whiteout-then-directory": "directory after its own whiteout: the lower one shows through",
    "file-then-directory": "directory made anew where the layer replaced one: the lower one shows through",
    "bottom-marker": "marker for the lowest layer's own entries",
    "bottom-marker-link": "such a marker takes a symlink away, through which later names would lead",
    "root-opaque": "opaque marker of the root: nothing on overlayfs",
    "replaced-directory-time": "the time of a directory goes to what replaced it",
    "link-attributes": "attributes in the header of a hard link",
    "device-0-0": "character device 0:0 is a whiteout on overlayfs",
    "xattrs-kept": "directory listed after it was there in this layer: its attributes are added",
    "xattr-dropped": "attribute that containerd leaves out or umoci does not set",
    "hidden-attributes": "implied directory takes attributes from a hidden one",
    "odd-time": "time before 1970 or after 2262",
    "setgid-parent": "directory made in one with the setgid bit: its group, but in umoci its bit, too",
    "dots-in-link": "`..` after a name in a link's text: containerd takes both out unseen",
    "link-to-whiteout": "hard link to a name that the same layer whited out: one more whiteout",
}


class Refused(Exception):
    pass


class Node:
    """A file of any type. `mtime` is None where the runtime makes one up; names of one file share one node. A directory
    is `listed` where its highest layer has an entry for it."""

    def __init__(self, kind, mode=0o755, uid=0, gid=0, mtime=None):
        self.kind, self.mode, self.uid, self.gid, self.mtime = kind, mode, uid, gid, mtime
        self.xattrs, self.children, self.opaque, self.listed = {}, {}, False, False
        self.body, self.target, self.device = b"", b"", (0, 0)


def copied(node, made):
    """A copy of a tree in which names of one file stay names of one file."""
    new = made.get(id(node))
    if new is None:
        new = made[id(node)] = Node(node.kind)
        new.__dict__.update(node.__dict__)
        new.xattrs = dict(node.xattrs)
        if node.children:
            new.children = {name: copied(child, made) for name, child in node.children.items()}
        else:
            new.children = {}
    return new


def clean_join(*parts):
    return posixpath.normpath(b"/" + b"/".join(part for part in parts if part)).lstrip(b"/")


def parts_of(path):
    return [part for part in path.split(b"/") if part]


class Tree:
    """The directory of one layer."""

    def __init__(self, root):
        self.root = root

    def lookup(self, path):
        """Refused where a parent is no directory; None where there is nothing."""
        node = self.root
        for part in parts_of(path):
            if node.kind != "directory":
                raise Refused("not a directory")
            node = node.children.get(part)
            if node is None:
                return None
        return node


class Shown:
    """What is seen where `upper` lies on `lower`, or where both were written into one directory."""

    def __init__(self, upper, lower):
        self.upper, self.lower = upper, lower

    def lookup(self, path):
        upper, lower = self.upper.root, self.lower
        for part in parts_of(path):
            here = upper or lower
            if here.kind != "directory":
                raise Refused("not a directory")
            above = upper.children.get(part) if upper else None
            below = lower.children.get(part) if lower and lower.kind == "directory" else None
            if above is None and upper is not None and upper.opaque and upper is not self.upper.root:
                below = None
            if above is not None and above.kind == "whiteout":
                return None
            if above is not None:
                merges = above.kind == "directory" and not above.opaque
                lower = below if merges and below is not None and below.kind == "directory" else None
            else:
                lower = below
            upper = above
            if upper is None and lower is None:
                return None
        return upper or lower


def kernel_lookup(tree, path):
    """As lstat sees a path that may have links in its middle: an absolute one, or one that climbs above the layer's
    root, leaves the layer, to where there is nothing of these names."""
    stack, parts, links = [], parts_of(path), 0
    while parts:
        part = parts.pop(0)
        if part == b"..":
            if not stack:
                return None
            stack.pop()
            continue
        if part == b".":
            continue
        node = tree.lookup(b"/".join(stack + [part]))
        if node is None or not parts:
            return node
        if node.kind == "symlink":
            links += 1
            if links > 40:
                raise Refused("too many links")
            if node.target.startswith(b"/"):
                return None
            parts = parts_of(node.target) + parts
        else:
            stack.append(part)
    return tree.lookup(b"/".join(stack))


def resolve(tree, path, kinds=None):
    """The path without links, inside the root. Pass by pass each link is replaced by its text; that is cleaned of `..`
    without a look at what is there, but where an absolute one, or one at the root of a relative path, ends the path."""
    walked = 0
    while True:
        before, done, absolute = walked, b"", path.startswith(b"/")
        for i, part in enumerate(parts_of(path)):
            if walked > MAX_LINKS:
                raise Refused("too many links")
            here = clean_join(done, part)
            node = kernel_lookup(tree, here) if here else None
            if node is None or node.kind != "symlink":
                done = b"/" + here
                continue
            walked += 1
            if kinds is not None and re.search(rb"[^/.][^/]*/+\.\.(/|$)", node.target):
                kinds.add("dots-in-link")
            keeps_text = node.target.startswith(b"/") or (i == 0 and not absolute)
            done = node.target if keeps_text else b"/" + clean_join(done, node.target)
        path = done
        if walked == before:
            return clean_join(path)


def clean_name(name):
    """A name without `.`, `..` and empty parts, as far as that goes; `..` stay at its start."""
    text = posixpath.normpath(name or b".")
    return text[1:] if text.startswith(b"//") else text


class Image:
    """Layers as they are unpacked, one after the other; merged() is what is seen."""

    def __init__(self):
        self.layers, self.kinds, self.shown = [], set(), None

    def begin_layer(self):
        self.upper, self.listed, self.unpacked = Tree(Node("directory")), [], set()
        self.bottom = not self.layers

    def end_layer(self):
        self.set_times()
        self.note_marked(self.upper.root, b"", False)
        self.layers.insert(0, self.upper)
        self.shown = merge(self.shown, self.upper.root, True)

    def add(self, entry, unwanted=frozenset()):
        """Applies one entry, or raises Refused and leaves all as it was. An entry that makes the image one of an
        unwanted kind is refused, too."""
        before = (Tree(copied(self.upper.root, {})), list(self.listed), set(self.unpacked), set(self.kinds))
        try:
            self.apply(entry)
            for name, _ in self.listed:
                if self.upper.lookup(resolve(self.upper, name)) is None:
                    raise Refused("a listed directory is gone")
            if self.kinds & unwanted:
                raise Refused("unwanted kind")
        except Refused:
            self.upper, self.listed, self.unpacked, self.kinds = before
            raise

    def apply(self, entry):
        name = clean_name(entry.name)
        folder, base = posixpath.split(name)
        folder = resolve(self.upper, folder, self.kinds)
        path = clean_join(folder, b"/" + base if base not in (b".", b"..") else b"")
        if base in (b".", b"..", b"") and path == folder:
            if path:
                raise Refused("names a directory by dots")
            return  # Attributes of the root: ignored.
        is_marker = base.startswith(b".wh.")
        if clean_join(posixpath.dirname(name)) != folder:
            self.kinds.add("marker-through-link" if is_marker else "through-link")
        self.note_parents(folder, name, is_marker)
        parent = self.make_parent(folder)
        if is_marker:
            self.apply_marker(parent, folder, base)
            return
        self.put(entry, parent, path, base, name)

    def note_parents(self, folder, name, is_marker):
        if self.bottom:
            if is_marker and self.upper.lookup(folder) is None:
                self.kinds.add("marker-nowhere")
            return
        both = Shown(self.upper, self.shown)
        try:
            there = resolve(both, posixpath.dirname(name))
            if there != folder:
                self.kinds.add("lower-link")
            node = both.lookup(there)
        except Refused:
            self.kinds.add("lower-file-parent")
            return
        if node is None and is_marker:
            self.kinds.add("marker-nowhere")
        if node is not None and node.kind != "directory":
            self.kinds.add("lower-file-parent")

    def note_marked(self, node, path, hidden):
        """Directories in an opaque one that are there for markers alone."""
        for name, child in node.children.items():
            below = clean_join(path, name)
            if child.kind != "directory":
                continue
            if hidden and not any(done == below or done.startswith(below + b"/") for done in self.unpacked):
                self.kinds.add("marker-nowhere")
            self.note_marked(child, below, hidden or child.opaque)

    def make_parent(self, path):
        node, done = self.upper.root, b""
        for part in parts_of(path):
            done = clean_join(done, part)
            child = node.children.get(part)
            if child is None:
                child = Node("directory")
                if node.mode & 0o2000:
                    child.gid = node.gid
                    self.kinds.add("setgid-parent")
                node.children[part], node.mtime = child, None
                self.kinds.add("implied")
                self.copy_attributes(child, done)
            if child.kind != "directory":
                raise Refused("parent is no directory")
            node = child
        return node

    def copy_attributes(self, node, path):
        for layer in self.layers:
            found = layer.lookup(resolve(layer, b"/" + path, self.kinds))
            if found is None:
                continue
            if found.kind == "directory":
                node.mode, node.uid, node.gid, node.mtime = found.mode, found.uid, found.gid, found.mtime
                node.xattrs = dict(found.xattrs)
                below = self.shown_node(path)
                if below is None or (below.mode, below.uid, below.gid, below.xattrs) != (
                        node.mode, node.uid, node.gid, node.xattrs):
                    self.kinds.add("hidden-attributes")
            return

    def shown_node(self, path):
        """What is shown at a path of all the layers below, as far as this layer does not hide it."""
        node, upper = self.shown, self.upper.root
        for part in parts_of(path):
            if node is None or node.kind != "directory":
                return None
            if upper is not None and upper.opaque and upper is not self.upper.root:
                return None
            node = node.children.get(part)
            upper = upper.children.get(part) if upper is not None and upper.kind == "directory" else None
        return node if node is not None and node.kind == "directory" else None

    def apply_marker(self, parent, folder, base):
        if base == b".wh..wh..opq":
            if self.bottom:
                self.empty(parent, folder)
            else:
                if not folder:
                    if self.shown.children:
                        self.kinds.add("root-opaque")
                else:
                    parent.opaque = True
            self.kinds.add("opaque")
            return
        name = base[4:]
        if name in (b"", b".", b".."):
            raise Refused("whiteout of a directory by dots")
        self.kinds.add("whiteout")
        if self.bottom:
            self.remove(parent, name)
            return
        if name in parent.children:
            raise Refused("whiteout of what this layer wrote")
        node = Node("whiteout")
        parent.children[name], parent.mtime = node, None

    def remove(self, parent, name):
        removed = [parent.children.pop(name, None)]
        if removed[0] is None:
            return
        parent.mtime = None
        self.kinds.add("bottom-marker")
        while removed:
            node = removed.pop()
            if node.kind == "symlink":
                self.kinds.add("bottom-marker-link")
            removed += node.children.values()

    def empty(self, node, path):
        for name in sorted(node.children):
            child, child_path = node.children[name], clean_join(path, name)
            if child_path not in self.unpacked:
                self.remove(node, name)
            elif child.kind == "directory":
                self.empty(child, child_path)

    def put(self, entry, parent, path, base, name):
        old = parent.children.get(base)
        is_directory = entry.kind == "5"
        merges = old is not None and old.kind == "directory" and is_directory
        if old is not None and not merges:
            self.note_replaced(entry, old, path)
            del parent.children[base]
            parent.mtime = None
        if entry.kind == "1":
            node = self.link_target(entry)
        elif merges:
            node = old
            if node.xattrs and set(node.xattrs) - set(entry.xattrs):
                self.kinds.add("xattrs-kept")
        else:
            kind = {"0": "file", "2": "symlink", "3": "char", "4": "block", "5": "directory", "6": "fifo"}[entry.kind]
            if entry.kind == "3" and entry.device == (0, 0):
                kind = "whiteout"
                self.kinds.add("device-0-0")
            node = Node(kind)
            node.body, node.target, node.device = entry.contents(), entry.link, entry.device
        if entry.kind == "2" and not entry.link:
            raise Refused("link to nothing")
        if not merges:
            parent.children[base], parent.mtime = node, None
        self.set_attributes(node, entry)
        if is_directory:
            node.listed = True
            self.listed.append((name, entry.mtime))
        self.unpacked.add(path)

    def note_replaced(self, entry, old, path):
        if old.kind == "directory":
            self.kinds.add("replaced-directory-time")
        if entry.kind == "5" and not self.bottom:
            below = self.shown_node(path)
            if below is not None:
                self.kinds.add("whiteout-then-directory" if old.kind == "whiteout" else "file-then-directory")

    def link_target(self, entry):
        folder, base = posixpath.split(entry.link)
        if posixpath.normpath(entry.link).startswith(b".."):
            self.kinds.add("link-above-root")
        if clean_join(folder) != resolve(self.upper, folder, self.kinds):
            self.kinds.add("link-through-link")
        folder = resolve(self.upper, folder)
        target = clean_join(folder, base)
        node = self.upper.lookup(target)
        if node is None:
            raise Refused("hard link to what this layer does not have")
        if node.kind == "directory":
            raise Refused("hard link to a directory")
        if not self.bottom:
            try:
                both = Shown(self.upper, self.shown)
                if clean_join(resolve(both, posixpath.dirname(clean_join(entry.link))), base) != target:
                    self.kinds.add("lower-link")
            except Refused:
                self.kinds.add("lower-link")
        self.kinds.add("hard-link")
        if node.kind == "whiteout":
            self.kinds.add("link-to-whiteout")
        same = (node.uid, node.gid, node.mtime) == (entry.uid, entry.gid, seen_time(entry.mtime))
        if node.kind != "symlink":
            same = same and node.mode == entry.mode & 0o7777
        if not same or any(node.xattrs.get(key) != value for key, value in entry.xattrs.items()):
            self.kinds.add("link-attributes")
        return node

    def set_attributes(self, node, entry):
        if node.kind != "directory" and node.xattrs.pop(b"security.capability", None):
            self.kinds.add("link-attributes")  # A new owner takes them away, even the same one.
        node.uid, node.gid = entry.uid, entry.gid
        for key, value in entry.xattrs.items():
            special = node.kind not in ("file", "directory")
            if key.startswith(b"trusted.") or (special and key.startswith(b"user.")):
                self.kinds.add("xattr-dropped")
                continue
            if not value:
                self.kinds.add("xattr-dropped")
            node.xattrs[key] = value
        if node.kind != "symlink":
            node.mode = entry.mode & 0o7777
        else:
            node.mode = 0o777
        node.mtime = seen_time(entry.mtime)
        if node.mtime != entry.mtime:
            self.kinds.add("odd-time")

    def set_times(self):
        for name, mtime in self.listed:
            self.upper.lookup(resolve(self.upper, name)).mtime = seen_time(mtime)


def seen_time(ns):
    return ns if 0 <= ns <= MAX_TIME else 0


def merge(lower, upper, is_root=False):
    """The overlay of two directories; files keep their identity, for hard links."""
    out = Node("directory", upper.mode, upper.uid, upper.gid, upper.mtime)
    out.xattrs, out.listed = dict(upper.xattrs), upper.listed
    if lower is not None and (is_root or not upper.opaque):
        out.children = dict(lower.children)
    for name, node in upper.children.items():
        if node.kind == "whiteout":
            out.children.pop(name, None)
        elif node.kind == "directory":
            below = out.children.get(name)
            out.children[name] = merge(below if below is not None and below.kind == "directory" else None, node)
        else:
            out.children[name] = node
    return out
