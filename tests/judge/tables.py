"""Tables of hostile and ordinary layers that other projects test their unpacking with, built anew as histories of
layers, and what `gneiss files` shows of them, held against what containerd shows.

    tables.py --work DIR --gneiss GNEISS            compares with what tables.json has on record
    tables.py --work DIR --record                   unpacks all by containerd and umoci, and writes tables.json anew
    tables.py --work DIR --check                    the same, but compares it with tables.json

What is on record is of containerd 1.6.20 with overlayfs and umoci 0.4.7. A history of one layer is judged twice, alone
and above an empty layer: containerd unpacks the lowest layer by other rules than those above it. Exit status 1: gneiss
refuses what both unpack, or refuses or shows another image where its case does not say why, or a case says what is not
so."""
import argparse
import collections
import concurrent.futures
import json
import os
import subprocess
import sys
import time

from judge import differences, gneiss_tree
from layers import Entry, Layout, tar_bytes
from runtimes import Containerd, umoci_tree

TIME = 1600000000 * 10**9
RECORD = os.path.join(os.path.dirname(os.path.realpath(__file__)), "tables.json")
# umoci 0.4.7 deletes the directory, and what its target is in.
NOT_FOR_UMOCI = (".wh.", ".wh..", ".wh...")


ORIGINS = {"breakout": "containerd's breakouts", "containerd": "containerd's other tables", "umoci": "umoci",
           "moby": "moby and containers/storage", "storage": "containers/storage alone"}
# Why gneiss refuses an image, shows one that containerd refuses, or shows a directory without the time that it has.
NAMELESS = "a whiteout of no name, of its own directory or of the one above"
ROOT = "an entry of the root that is no directory: containerd leaves it out, umoci refuses it"
DIRECTORY_LINK = "a hard link to a directory: no runtime makes it"
LINK_BELOW = "a hard link to a file that only a lower layer has: runtimes of one directory make it"
LINK_TO_NOTHING = "a hard link to nothing: an empty file, and a warning"
FILE_PARENT = "an entry below a file: the file gives way to a directory"
OWN_WHITEOUT = "a whiteout of what its own layer has: it is for lower layers alone"
MARKER_AT_FILE = "a marker below a file of its own layer: it is of no effect"
MARKER_AT_WHITEOUT = "a marker below a whiteout of its own layer: it implies a directory, in umoci nothing"
OPAQUE_ALONE = "a directory that only an opaque marker implies: containerd copies the time of the one below"


class Case:
    """What lies near to a case of the origin has that one's name, two dashes and a word. `refused`: why gneiss refuses
    it; `shown`: why it shows what containerd refuses; `timeless`: why it has no time for a directory where containerd
    has one."""

    def __init__(self, origin, name, *layers, refused=None, shown=None, timeless=None):
        self.origin, self.name, self.layers = origin, name, layers
        self.refused, self.shown, self.timeless, self.base = refused, shown, timeless, None

    def above_nothing(self):
        case = Case(self.origin, self.name + "--above", [], *self.layers, refused=self.refused, shown=self.shown,
                    timeless=self.timeless)
        case.base = self.ref()
        return case

    def ref(self):
        return f"{self.origin}-{self.name}"

    def is_of_origin(self):
        return "--" not in self.name

    def for_umoci(self):
        return not any(os.path.basename(entry.name.decode()) in NOT_FOR_UMOCI
                       for layer in self.layers for entry in layer)


def d(name, mode=0o755, **more):
    return Entry(name.encode(), "5", mode, **{"mtime": TIME} | more)


def f(name, body="1", mode=0o644, **more):
    return Entry(name.encode(), "0", mode, body=body.encode(), **{"mtime": TIME} | more)


def s(name, target, **more):
    return Entry(name.encode(), "2", 0o777, link=target.encode(), **{"mtime": TIME} | more)


def h(name, target, mode=0o777, **more):
    """Go's archives of the tables give the header of a hard link mode 0777."""
    return Entry(name.encode(), "1", mode, link=target.encode(), **{"mtime": TIME} | more)


def w(path):
    folder, slash, base = path.rpartition("/")
    return f(f"{folder}{slash}.wh.{base}", "")


def opaque(folder):
    return f(f"{folder}/.wh..wh..opq", "")


PASSWD = [d("etc/", 0o770), f("/etc/passwd", "inside")]
BASE = [d("etc/"), f("etc/passwd", "inside")]


def breakouts():
    """What containerd's archive must keep in the root, and one table of directories beside it."""
    def case(name, *layers, **verdict):
        return Case("breakout", name, *layers, **verdict)

    def unbroken(name, *entries):
        return case(name, [d("etc/"), *entries])

    dummy = d("dummy/")
    yield unbroken("SymlinkAbsolute", s("localetc", "/etc"), f("/localetc/unbroken"))
    yield unbroken("SymlinkUpAndOut", dummy, s("localetc", "/dummy/../etc"), f("/localetc/unbroken"))
    yield unbroken("SymlinkMultipleAbsolute", dummy, s("/dummy/etc", "/etc"), s("localetc", "/dummy/etc"),
                   f("/dummy/etc/unbroken"))
    yield unbroken("SymlinkMultipleRelative", dummy, s("/dummy/etc", "/etc"), s("localetc", "./dummy/etc"),
                   f("/dummy/etc/unbroken"))
    yield unbroken("SymlinkEmptyFile", f("etc/emptied", "notempty"), s("localetc", "/etc"),
                   f("/localetc/emptied", ""))

    yield case("HardlinkRelative", [*PASSWD, d("breakouts/"), s("breakouts/d1", "../../etc"),
                                    h("breakouts/mypasswd", "/breakouts/d1/passwd")])
    yield case("HardlinkDownAndOut", [*PASSWD, d("breakouts/"), d("downandout/"),
                                      s("breakouts/d1", "../downandout/../../etc"),
                                      h("breakouts/mypasswd", "/breakouts/d1/passwd")])
    for name, target in (("HardlinkAbsolute", "/etc"), ("HardlinkRelativeLong", "../../../../../../../etc"),
                         ("HardlinkRelativeUpAndOut", "upandout/../../../etc")):
        yield case(name, [*PASSWD, s("localetc", target), h("localpasswd", "/localetc/passwd")])
    yield case("HardlinkDirectRelative", [*PASSWD, h("localpasswd", "../../../../../etc/passwd")])
    yield case("HardlinkDirectAbsolute", [*PASSWD, h("localpasswd", "/etc/passwd")])
    yield case("HardlinkSymlinkBeforeCreateTarget", [d("etc/", 0o770), s("localpasswd", "/etc/passwd"),
                                                     h("localpasswd-dup", "localpasswd"), f("/etc/passwd", "after")])
    yield case("HardlinkSymlinkRelative", [*PASSWD, s("passwdlink", "../../../../../etc/passwd"),
                                           h("localpasswd", "/passwdlink")])
    yield case("HardlinkSymlinkAbsolute", [*PASSWD, s("passwdlink", "/etc/passwd"), h("localpasswd", "/passwdlink")])
    yield case("HardlinkSymlinkChmod", [s("/outside/also", "/outside/perm400"), h("sketchylink", "/outside/also")])

    yield case("SymlinkParentDirectory", [*PASSWD, s("..", "/etc/"), h("localpasswd", "/etc/passwd")],
               refused=ROOT)
    yield case("SymlinkEmptyFilename", [*PASSWD, s("", "/etc/"), h("localpasswd", "/etc/passwd")],
               refused=ROOT)
    yield case("SymlinkParentRelative", [*PASSWD, s("localetc/sub/..", "/etc/"),
                                         h("/localetc/localpasswd", "/etc/passwd")])
    yield case("SymlinkSlashEnded", [*PASSWD, d("localetc/", 0o770), h("/localetc/localpasswd", "/etc/passwd")])
    # These link to a file of the layer below, where containerd unpacks into one directory; on overlayfs it does not.
    for name, target in (("SymlinkOverrideDirectory", "/etc"), ("SymlinkOverrideDirectoryRelative", "../../etc")):
        yield case(name, [*BASE, d("localetc/")], [s("localetc", target), h("/localetc/localpasswd", "/etc/passwd")],
                   shown=LINK_BELOW)
        yield case(name + "--listed", [*BASE, d("localetc/")],
                   [d("etc/"), f("etc/passwd", "inside"), s("localetc", target),
                    h("/localetc/localpasswd", "/etc/passwd")])
    yield case("DirectoryOverrideSymlink", [*BASE, s("localetc", "/etc")],
               [d("/localetc/"), h("/localetc/localpasswd", "/etc/passwd")], shown=LINK_BELOW)
    yield case("DirectoryOverrideSymlink--listed", [*BASE, s("localetc", "/etc")],
               [d("/localetc/"), d("etc/"), f("etc/passwd", "inside"), h("/localetc/localpasswd", "/etc/passwd")])
    yield case("DirectoryOverrideSymlinkAndHardlink",
               [*BASE, s("localetc", "etc"), h("etc/localpasswd", "etc/passwd", 0o644)],
               [d("/localetc/"), f("/localetc/localpasswd", "different")])

    yield case("WhiteoutRootParent", BASE, [f(".wh...", "")], refused=NAMELESS)
    yield case("WhiteoutParent", BASE, [f("etc/.wh...", "")], refused=NAMELESS)
    yield case("WhiteoutRoot", BASE, [f(".wh..", "")], refused=NAMELESS)
    yield case("WhiteoutCurrentDirectory", BASE, [f("etc/.wh..", "")], refused=NAMELESS)
    linked = [*BASE, f("etc/whitedout", "gone"), s("localetc", "/etc")]
    yield case("WhiteoutSymlink", linked, [w("localetc")])
    yield case("WhiteoutSymlinkPath", linked, [w("localetc/whitedout")])
    yield case("WhiteoutSymlinkPath--same-layer", BASE, [s("localetc", "/etc"), w("localetc/passwd")])
    yield case("WhiteoutDirectoryName", linked, [f(".wh.etc/somefile", "non-empty")])
    dead = [*BASE, s("localetc", "/dne")]
    yield case("WhiteoutDeadSymlinkParent", dead, [w("localetc/etc")])
    yield case("WhiteoutRelativePath", dead, [w("dne/../etc")])
    yield case("DirectoryCreation", [d("etc/")],
               [d("/etc/subdir/"), d("/etc/subdir2/"), d("/etc/subdir2/more/"), d("/other/noparent-1/1/"),
                d("/other/noparent-2/2/")])


def containerd_links():
    """Links, attributes, and what its writer of layers is held to make of changes."""
    def case(name, *layers, **verdict):
        return Case("containerd", name, *layers, **verdict)

    base = [d("etc/"), f("etc/hosts", "localhost"), h("etc/hosts.allow", "etc/hosts", 0o644), d("usr/local/lib/"),
            f("usr/local/lib/libnothing.so", "\0\0", 0o755), s("usr/local/lib/libnothing.so.2", "libnothing.so"),
            d("home/"), d("home/derek/", 0o700)]
    yield case("unpack", base)
    for name, *links in (("inside", ("home/derek/other", "../other"), ("home/derek/etc", "../../etc"),
                          ("home/derek/updown", "up/../../other")),
                         ("out", ("home/derek/breakout", "../../../breakout")),
                         ("root-out", ("breakout", "../../breakout")),
                         ("up-and-out", ("breakout", "etc/../../upandout")),
                         ("down-and-out", ("home/breakout", "derek/../../../downandout")),
                         ("absolute", ("localetc", "/etc"))):
        yield case("relative-symlinks-" + name, [*base, *(s(*link) for link in links)])

    program, other = f("bin/program", "\0\0", 0o755), s("bin/other1", "../bin/program")
    elsewhere = [d("bin/"), d("sbin/"), f("sbin/program", "\0\0", 0o755)]
    actual = [d("bin/"), f("bin/actual", "\0\0", 0o755)]
    changed = s("bin/other1", "/bin/program")
    yield case("symlinks-changed", [d("bin/"), program, other],
               [d("bin/"), changed, s("bin/other2", "../bin/program"), s("bin/other3", "program")])
    yield case("symlinks-absolute-chain", [*elsewhere, s("bin/program", "/sbin/program"), other],
               [d("bin/"), changed, s("bin/other2", "program")])
    yield case("symlinks-relative-chain", [*elsewhere, s("bin/program", "../sbin/program"), other],
               [d("bin/"), changed])
    yield case("symlinks-two", [*actual, s("bin/program", "actual"), other, s("bin/other2", "program")],
               [d("bin/"), changed, s("bin/other2", "program")])
    yield case("symlink-to-directory", [*actual, s("bin/app", "actual")], [d("bin/"), d("bin/app/")])
    yield case("xattr-user", [f("file", "", 0o755, xattrs={b"user.key": b"value"})])
    yield case("xattr-selinux", [f("file", "", 0o755, xattrs={b"security.selinux": b"user_u:object_r:any_t:s0\0"})])

    yield case("diff-empty", [d("etc/")], [])
    yield case("diff-parents", [d("d1/"), d("d2/", 0o770)],
               [d("d1/"), d("d1/d/", 0o700), d("d2/", 0o770), f("d2/f", "ok")])
    yield case("diff-hardlink-parents",
               [d("d1/"), f("d1/f1"), d("d2/"), f("d2/f1"), d("d3/"), d("d4/"), f("d4/f1"), d("d5/"), f("d5/f1"),
                d("d6/"), h("d6/l1", "d1/f1", 0o644), h("d6/l2", "d5/f1", 0o644)],
               [d("d2/"), f("d2/l1"), d("d1/"), h("d1/f1", "d2/l1", 0o644), d("d3/"), f("d3/l1"), d("d4/"),
                h("d4/f1", "d3/l1", 0o644), d("d6/"), w("d6/l1"), w("d6/l2")])
    yield case("diff-directory-mode", [d("d1/"), d("d2/", 0o770)],
               [d("d1/", 0o777), d("d1/d/", 0o700), d("d2/", 0o770), f("d2/f", "ok")])
    yield case("diff-hardlink-updated-parent",
               [d("d1/"), f("d1/f1"), d("d2/"), f("d2/f1"), d("d3/"), f("d3/f1"), d("d4/")],
               [d("d1/", 0o777), d("d2/"), f("d2/l1"), h("d1/f1", "d2/l1", 0o644), d("d4/", 0o777), f("d4/l1"),
                d("d3/"), h("d3/f1", "d4/l1", 0o644)])
    yield case("diff-whiteout-parents",
               [entry for i in range(1, 6) for entry in (d(f"d{i}/"), f(f"d{i}/f1"))] + [f("d2/f2")],
               [d("d1/"), w("d1/f1"), d("d2/"), w("d2/f1"), f("d2/f2", mode=0o777), d("d3/"), w("d3/f1"), f("d3/f2"),
                d("d4/"), f("d4/f0"), w("d4/f1"), w("d5")])
    yield case("diff-parent-removed", [d("d1/"), d("d2/"), f("d2/f1")], [w("d1"), w("d2"), d("d3/")])
    yield case("diff-no-sockets", [f("f1")], [f("f2"), f("f3")])

    hosts = [d("etc/"), f("etc/hosts", "localhost.localdomain"), h("etc/hosts.allow", "etc/hosts", 0o644)]
    derek = [d("home/"), d("home/derek/", 0o700)]
    yield case("suite-basic", base,
               [*hosts, f("etc/fstab", "/dev/sda1", 0o600), f("etc/badfile", "", 0o666), *derek,
                f("home/derek/.zshrc", "better", 0o640)],
               [d("etc/"), w("etc/badfile"), d("home/"), w("home/derek"), d("home/notderek/", 0o700),
                f("home/notderek/.zshrc", "better", 0o640)],
               [d("etc/"), w("etc/hosts.allow"), w("usr")],
               [d("etc/"), f("etc/hosts", "localhost.localdomain"), h("etc/hosts.allow", "etc/hosts", 0o644), *derek,
                f("home/derek/.bashrc", "staying", 0o640), w("home/notderek")])
    yield case("suite-deletion", [d("test/"), d("test/somedir/"), d("lib/", 0o700), f("lib/hidden", "")],
               [d("lib/", 0o700), w("lib/hidden"), f("lib/not-hidden", ""), d("test/"), f("test/a", ""),
                f("test/b", ""), d("test/otherdir/"), f("test/otherdir/.empty", "")],
               [d("lib/", 0o700), f("lib/newfile", ""), d("test/"), w("test/a"), w("test/b"), w("test/otherdir")])
    yield case("suite-update",
               [d("d1/"), d("d2/", 0o700), f("d1/f1", "something"), f("d1/f2", "else"), f("d1/f3", "entirely")],
               [d("d1/"), f("d1/f1", "of another length", 0o664), f("d1/f2", "else", 0o766),
                f("d1/f3", "updated", 0o664), d("d2/", 0o777)])
    yield case("suite-directory-modes", [d("d1/", 0o700), d("d2/", 0o751), d("d3/", 0o777)],
               [d("d1/", 0o700), d("d1/d/", 0o700), f("d1/d/f"), f("d1/f"), d("d2/", 0o751), f("d2/f"), d("d3/", 0o777),
                f("d3/f")])
    # Without the parents, whose attributes are then copied.
    yield case("suite-directory-modes--implied", [d("d1/", 0o700), d("d2/", 0o751), d("d3/", 0o777)],
               [f("d1/d/f"), f("d1/f"), f("d2/f"), f("d3/f")])
    deep = [entry for top, mode in (("d1", 0o700), ("d2", 0o751))
            for entry in (d(top, mode), d(top + "/a", mode), d(top + "/a/b", mode), d(top + "/a/b/c", mode))]
    yield case("suite-parent-modes", [*deep, f("d1/a/b/f", "content1"), f("d2/a/b/f", "content1")],
               [*deep, f("d1/a/b/f", "content1"), f("d2/a/b/f", "content2")])
    yield case("suite-hardlink-unmodified", base, hosts,
               [*hosts, h("etc/hosts.deny", "etc/hosts", 0o644)])
    yield case("suite-hardlink-before-unmodified", base, hosts,
               [d("etc/"), f("etc/before-hosts", "localhost.localdomain"), h("etc/hosts", "etc/before-hosts", 0o644),
                h("etc/hosts.allow", "etc/before-hosts", 0o644)])
    yield case("suite-hardlink-before-modified", base, hosts,
               [d("etc/"), f("etc/before-hosts", "localhost"), h("etc/hosts", "etc/before-hosts", 0o644)])


def umoci():
    def case(name, *layers, **verdict):
        return Case("umoci", name, *layers, **verdict)

    for name, prefix in (("GarbagePrefix", "/.."), ("DotDotPrefix", "..")):
        yield case("scoping-" + name, [f(prefix + "/file")])
    for name, prefix in (("RootPrefix", "/"), ("GarbagePrefix1", "/../"), ("GarbagePrefix2", "/" + "../" * 15),
                         ("GarbagePrefix3", "/" + "./../" * 10), ("DotDotPrefix", "..")):
        yield case("symlink-scoping-" + name, [s("link", prefix), f("link/file")])
        yield case("symlink-scoping-" + name + "--below", [s("link", prefix)], [f("link/file")])
    yield case("NonDirParent", [f("nondir"), f("nondir/foo/bar/baz")], shown=FILE_PARENT)
    yield case("NonDirParent--below", [f("nondir")], [f("nondir/foo/bar/baz")], shown=FILE_PARENT)
    yield case("ParentDir", [f("a/b/c/file")])

    yield case("whiteout-EmptyWhiteoutName-Root", [f("file")], [f(".wh.", "")], refused=NAMELESS)
    yield case("whiteout-EmptyWhiteoutName", [d("some/"), d("some/path/")], [f("some/path/.wh.", "")], refused=NAMELESS)
    for name, path in (("InRoot", "rootpath"), ("HiddenInRoot", ".hiddenroot"), ("InSubdir", "some/path/it"),
                       ("HiddenInSubdir", "another/path/.hidden")):
        folders = ["/".join(path.split("/")[:i]) for i in range(1, path.count("/") + 1)]
        parents = [d(folder + "/", mtime=123 * 10**9 + 456) for folder in folders]
        yield case("whiteout-File" + name, [*parents, f(path)], [w(path)])
        yield case("whiteout-Dir" + name, [*parents, d(path), f(path + "/file1"), f(path + "/file2"),
                                           d(path + "/.subdir"), f(path + "/.subdir/file3")], [w(path)])

    shadow = "../" * 12 + "etc/shadow"
    one = [("file", f), ("link", ".."), ("badlink", "./nothing"), ("fifo", None)]
    two = [("file", f), ("link", ".."), ("badlink", "./nothing"), ("dir", d), ("dir/file", f),
           ("dir/link", "../badlink"), ("dir/verybadlink", shadow), ("dir/verybadlink2", "/" + shadow)]
    many = [("level1_file", f), ("level1_link", ".."), ("level1a", d), ("level1a/level2_file", f),
            ("level1a/level2_link", "../../../"), ("level1a/level2a", d), ("level1a/level2a/level3_fileA", f),
            ("level1a/level2a/level3_fileB", f), ("level1a/level2b", d), ("level1a/level2b/level3_fileA", f),
            ("level1a/level2b/level3_fileB", f), ("level1a/level2b/level3", d), ("level1a/level2b/level3/level4", d),
            ("level1b", d), ("level1b/level2_fileA", f), ("level1b/level2_fileB", f), ("level1b/level2", d),
            ("level1b/level2/level3_file", f)]
    missing = [("some", d), ("some/dir", d), ("some/dir/somewhere", f), ("another", d), ("another/dir", d),
               ("another/dir/somewhere", f)]
    whiteouts = [(".wh.fileB", f), ("fileA", f), ("fileB", f), ("fileC", f), (".wh.fileA", f), (".wh.fileC", f)]
    folder_whiteouts = [(".wh.dir2", f), ("file", f), ("dir1", d), ("dir1/file", f), ("dir1/link", "../badlink"),
                        ("dir1/verybadlink", shadow), ("dir1/verybadlink2", "/" + shadow), (".wh.dir1", f), ("dir2", d),
                        ("dir2/file", f), ("dir2/link", "../badlink")]

    def placed(name, what):
        path = "test-subdir/" + name
        if what is None:
            return Entry(path.encode(), "6", mtime=TIME)
        return what(path) if callable(what) else s(path, what)

    for name, table, upper in (
            ("EmptyDir", [], ""), ("OneLevel", one, "link badlink"), ("OneLevelNoUpper", one, ""),
            ("TwoLevel", two, "file dir dir/file dir/verybadlink"), ("TwoLevelNoUpper", two, ""),
            ("MultiLevel", many,
             "level1_file level1a level1a/level2_link level1a/level2b level1a/level2b/level3_fileA"),
            ("MultiLevelNoUpper", many, ""), ("MissingUpperAncestor", missing, "some/dir/somewhere"),
            ("UpperWhiteout", whiteouts, ".wh.fileB fileA fileB .wh.fileA .wh.fileC"),
            ("UpperDirWhiteout", folder_whiteouts,
             ".wh.dir2 dir1 dir1/file dir1/verybadlink .wh.dir1 dir2 dir2/file")):
        lower = [placed(*item) for item in table if item[0] not in upper.split()]
        above = [placed(*item) for item in table if item[0] in upper.split()]
        top = d("test-subdir/")
        verdict = {"shown": OWN_WHITEOUT} if ".wh." in upper else {} if above else {"timeless": OPAQUE_ALONE}
        yield case("opaque-" + name, [top, *lower], [*above, opaque("test-subdir")], **verdict)
        if above:  # The marker may stand anywhere.
            yield case("opaque-" + name + "--first", [top, *lower], [opaque("test-subdir"), *above], **verdict)

    yield case("Hardlink", [f("regular"), h("hard link", "/regular", 0, uid=1337, gid=2020),
                            s("link", "../../../regular"), h("hard link to symlink", "../../../link", 0, uid=1337,
                                                             gid=2020)])
    yield case("Hardlink--plain", [f("regular"), h("hard link", "/regular", 0o644), s("link", "../../../regular"),
                                  h("hard link to symlink", "../../../link")])
    yield case("owners", [f("regular"), d(" a directory", uid=13, gid=42), s("link", "regular", uid=23, gid=22),
                          s("link-dir", " a directory", uid=99, gid=88)])
    yield case("overlay-Whiteout", [f("file")], [f("file"), w("file")], shown=OWN_WHITEOUT)
    yield case("overlay-OpaqueWhiteout", [d("dir"), f("dir/below")],
               [d("dir"), f("dir/fileindir"), opaque("dir")])
    for name, entries, shown in (("opaque-noparent", [opaque("a/b/c/d")], None),
                                 ("whiteout-noparent", [w("a/b/c")], None),
                                 ("opaque-nondir", [f("nondir"), opaque("nondir")], MARKER_AT_FILE),
                                 ("opaque-whiteout", [w("gone"), opaque("gone")], MARKER_AT_WHITEOUT)):
        yield case("overlay-MissingDirs-" + name, [d("gone"), f("gone/below")], entries, shown=shown)
    inner = ["in/foo/bar/baz/before", "in/a/b/c/d/e/f/after", "in/a/b/c/d/below"]
    yield case("overlay-Nested-plain", [f(path) for path in inner],
               [w(inner[0]), f("in/regfile"), opaque("in"), w(inner[1]), f("in/a/b/c/d/regfile")])
    yield case("overlay-Nested-opaque", [f("n/a/b/c/d/below"), f("n/a/b/below"), f("n/below")],
               [opaque("n/a/b/c/d"), opaque("n/a/b"), opaque("n")])
    yield case("keep-dirlinks", [d("dir"), d("dir/sub"), f("dir/sub/file"), s("link", "dir")],
               [d("link"), d("link/sub"), f("link/sub/new")])
    yield case("setuid", [f("file", mode=0o4755), d("dir", 0o1777), f("dir/group", mode=0o2755)])
    capability = b"\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    yield case("setcap", [f("file", mode=0o755, xattrs={b"security.capability": capability})])
    yield case("mknod", [Entry(b"block1", "4", 0o644, mtime=TIME, device=(128, 42)),
                         Entry(b"block2", "4", 0o755, mtime=TIME, device=(250, 4), uid=100, gid=200),
                         Entry(b"char1", "3", 0o644, mtime=TIME, device=(37, 2)),
                         Entry(b"fifo", "6", 0o644, mtime=TIME)])


def moby():
    """Of the code that containers/storage has from moby: their tables are the same, but for one."""

    def case(name, *layers, **verdict):
        return Case("moby", name, *layers, **verdict)

    yield case("filenames-dotdot", [f("../victim/dotdot")])
    yield case("filenames-slash-dotdot", [f("/../victim/slash-dotdot")])
    for kind, make in (("hardlink", h), ("symlink", s)):
        loophole = make("loophole-victim", "../victim")
        for victim in (False, True):
            # The victim of the tables lies outside of the root: here nothing is there, or it is of the layer.
            inside = [d("victim/"), f("victim/hello")] if victim else []
            suffix = "--inside" if victim else ""
            nothing = {} if victim else {"shown": LINK_TO_NOTHING}
            first = {} if kind == "symlink" else {"refused": DIRECTORY_LINK} if victim else nothing
            yield case(f"{kind}-dotdot{suffix}", [*inside, make("dotdot", "../victim/hello")],
                       **nothing if kind == "hardlink" else {})
            yield case(f"{kind}-slash-dotdot{suffix}", [*inside, make("slash-dotdot", "/../victim/hello")],
                       **nothing if kind == "hardlink" else {})
            yield case(f"{kind}-write{suffix}", [*inside, loophole, f("loophole-victim/file")], **first)
            yield case(f"{kind}-symlink{suffix}", [*inside, loophole, s("symlink", "loophole-victim/hello")], **first)
            yield case(f"{kind}-hardlink{suffix}", [*inside, loophole, h("hardlink", "loophole-victim/hello", 0o644)],
                       **first or nothing)
            yield case(f"{kind}-remove{suffix}", [*inside, loophole, f("loophole-victim")], **first)
    yield case("symlink-in-the-path", [s("dir/loophole", "../../victim"), f("dir/loophole/newdir/newfile")])
    yield case("hardlink-to-symlink", [s("symlink1", "regfile"), h("symlink2", "symlink1"), f("regfile")])

    def listed(*paths):
        return [d(path, 0o700) if path.endswith("/") else f(path, "", 0o600) for path in paths]

    layers = [listed(".baz", "bar/", "bar/bax", "bar/bay/", "baz", "foo/", "foo/.abc", "foo/.bcd/", "foo/.bcd/a",
                     "foo/cde/", "foo/cde/def", "foo/cde/efg", "foo/fgh", "foobar"),
              listed(".bay", ".wh.baz", "foo/", "foo/.bce", "foo/.wh..wh..opq", "foo/cde/", "foo/cde/efg"),
              listed(".bay", ".wh..baz", ".wh.foobar", "foo/", "foo/.abc", "foo/.wh.cde", "bar/"),
              listed(".abc", ".wh..wh..opq", "foobar")]
    for count in range(1, len(layers) + 1):
        yield case(f"whiteouts-{count}", *layers[:count])

    modes = (0o600, 0o666, 0o404, 0o600, 0o600, 0o600, 0o600)
    sample = ([f(f"file{i}", f"file{i}", mode) for i, mode in enumerate(modes, 1)]
              + [entry for i, mode in ((1, 0o740), (2, 0o700), (3, 0o700), (4, 0o700))
                 for entry in (d(f"dir{i}/", mode), f(f"dir{i}/a", "a", 0o1444), f(f"dir{i}/b", "b", 0o666))]
              + [s("symlink1", "target1"), s("symlink2", "target2"), s("symlink3", "/file1"),
                 s("symlink4", "/symlink3"), s("dirSymlink", "/dir1")])
    later = TIME + 10**9
    yield case("changes", sample)
    yield case("changes-mutated", sample,
               [w("dir1"), f("dir2", "dir2", 0o777), d("dir3/", 0o700, mtime=later), d("dirnew/", 0o766), w("file1"),
                f("file2", "fileNN", 0o777), f("file3", "fileMM", 0o404), f("file4", "file4", 0o600, mtime=later),
                d("file5/", 0o666), f("filenew", "new", 0o777), w("symlink1"), s("symlink2", "changed"),
                s("symlinknew", "targetnew")])
    yield case("changes-below", [*sample, d("dir1/subfolder/", 0o740)],
               [d("dir1/", 0o740), w("dir1/b"), f("dir1/a", "\0", 0o1444), d("dir1/subfolder/", 0o740),
                f("dir1/subfolder/newFile", "", 0o740)])
    nested = [d("dir1/", 0o700), d("dir1/dir2/", 0o700), d("dir1/dir2/dir3/", 0o7400)]
    text = "dir1/dir2/dir3/file.txt"
    yield case("changes-new-file", [*nested, f(text, "hello", 0o666)],
               [*nested, w(text), f("dir1/dir2/dir3/file1.txt", "bye", 0o666)])
    yield case("changes-same-file", [*nested, f(text, "hello", 0o666)], [*nested, f(text, "bye", 0o666)])
    names = ["file1.txt", "file2.txt", "file3.txt"]
    for order, first in (("", False), ("--reversed", True)):
        upper = []
        for name in names:
            links = [f"{name}.link{i}" for i in range(5)]
            if first:  # The last link has the contents, and the file is a link to it.
                links = [name, *links][::-1]
                upper += [f(links[0]), *(h(link, links[0], 0o644) for link in links[1:])]
            else:
                upper += [f(name), *(h(link, name, 0o644) for link in links)]
        yield case("hardlink-order" + order, [f(name) for name in names], upper)
    yield case("hardlinks", [f("1", "hello world", 0o700), h("2", "1", 0o700)])
    yield case("devices", [f("1", "hello world", 0o700), Entry(b"2", "4", 0o600, mtime=TIME, device=(12, 5)),
                           Entry(b"3", "3", 0o600, mtime=TIME, device=(12, 5)), Entry(b"4", "6", 0o600, mtime=TIME)])
    yield case("xattrs", [f("1", "hello world", 0o700, xattrs={b"user.test": b"helloWord"}),
                          f("2", "welcome!", 0o700, xattrs={b"security.capability": b"\0\0\0\2" + bytes(16)})])
    below = [d("d1/", 0o700), f("d1/f0"), d("d2/", 0o750), f("d2/f0"), d("d3/", 0o700), f("d3/f1")]
    yield case("overlay", below, [d("d1/", 0o700), opaque("d1"), f("d1/f1", "", 0o600), d("d2/", 0o750), opaque("d2"),
                                  f("d2/f1", "", 0o660), d("d3/", 0o700), w("d3/f1")])
    yield Case("storage", "nested-whiteouts", [d("foo"), f("foo/bar")], [w("foo"), w("foo/bar")],
               shown=MARKER_AT_WHITEOUT)
    yield Case("storage", "nested-whiteouts--absent", [f("a")], [w("foo"), w("foo/bar")],
               shown=MARKER_AT_WHITEOUT)


def all_cases():
    for table in (breakouts, containerd_links, umoci, moby):
        for case in table():
            yield case
            if len(case.layers) == 1:
                yield case.above_nothing()


def write_layout(path, cases):
    layout = Layout(path)
    for case in cases:
        layout.add_image(case.ref(), [(tar_bytes(entries), "plain") for entries in case.layers])
    layout.close()


def text_of(entry):
    """One line: what is not the rule (0:0, TIME) is told, and a time that is made up is `now`."""
    parts = [entry["type"], "%04o" % entry["mode"]]
    if entry["uid"] or entry["gid"]:
        parts.append("%d:%d" % (entry["uid"], entry["gid"]))
    if entry["mtime"] != TIME:
        parts.append("now" if entry["mtime"] is None else "t=%d" % entry["mtime"])
    if entry["type"] == "file":
        parts.append("%d bytes %s" % (entry["size"], entry["sha256"][:16]))
    if "target" in entry:
        parts.append("-> " + entry["target"].decode())
    if "device" in entry:
        parts.append(entry["device"])
    for key, value in sorted(entry.get("xattrs", {}).items()):
        parts.append(f"{key.decode()}={value.hex()}")
    if "links" in entry:
        parts.append("= " + ", ".join(name.decode() for name in entry["links"]))
    return " ".join(parts)


def texts(tree):
    return {path.decode(): text_of(entry) for path, entry in sorted(tree.items())}


def reason_of(message):
    """The last clause, which names no path of the run."""
    return "refused: " + message.removesuffix(": unknown").rpartition(": ")[2]


def record(work, cases):
    """{ref: {"containerd": outcome, "umoci": outcome}}; an outcome is a tree, or why there is none."""
    start, path = time.time_ns() - 2 * 10**9, work + "/layout"
    write_layout(path, cases)

    def made_up(ns):
        return ns >= start

    def outcome(tree, reason):
        if tree is None:
            return reason_of(reason)
        return texts({name: entry | {"mtime": None if made_up(entry["mtime"]) else entry["mtime"]}
                      for name, entry in tree.items()})

    found = {}
    with Containerd(work + "/containerd") as containerd, concurrent.futures.ThreadPoolExecutor(2) as pool:
        containerd.load(path, "tables")
        results = pool.map(lambda case: containerd.tree(f"tables:{case.ref()}"), cases)
        others = pool.map(lambda case: umoci_tree(path, case.ref(), f"{work}/umoci/{case.ref()}")
                          if case.for_umoci() else (None, "not asked"), cases)
        for case, (tree, reason), (other, umoci_reason) in zip(cases, results, others):
            item = {"containerd": outcome(tree, reason), "umoci": outcome(other, umoci_reason)}
            if not case.for_umoci():
                item["umoci"] = "not asked: it deletes the directory"
            elif tree is not None and other is not None and not differences(
                    other, tree, lambda a, b: made_up(a) or made_up(b)):
                item["umoci"] = "the same"
            if case.base is not None and item == found[case.base]:
                item = "as " + case.base
            found[case.ref()] = item
    return found


def gneiss_trees(gneiss, layout):
    run = subprocess.run([gneiss, "files", "oci:" + layout, "--all", "--json"], capture_output=True, text=True,
                         errors="replace")
    shown = {}
    for line in run.stdout.splitlines():
        document = json.loads(line)
        for ref in document["image"]["refs"]:
            shown[ref.rpartition(":")[2]] = texts(gneiss_tree(document))
    return shown, run.stderr


def unpacked(outcome):
    return not isinstance(outcome, str) or outcome == "the same"


def without_times(tree):
    """umoci restores the times of directories in which it puts something."""
    return {path: text.replace(" now", "") for path, text in tree.items()}


def verdict_of(case, tree, real, other):
    """What is to be counted, and why where it needs a reason; or None, and what is wrong."""
    if tree is None:
        if unpacked(real) and unpacked(other) or case.refused is None:
            return None, f"refused; containerd: {real}; umoci: {other}"
        return "refused, as " + ("umoci does" if unpacked(real) else "containerd does"), case.refused
    if case.refused is not None:
        return None, "shown, though its case says that it is refused"
    if not unpacked(real):
        if case.shown is None:
            return None, f"shown as {tree}; containerd: {real}; umoci: {other}"
        if not unpacked(other):
            return "shown, though both refuse them", case.shown
        if without_times(tree) == without_times(other):
            return "shown as by umoci, though containerd refuses them", case.shown
        if case.shown != MARKER_AT_WHITEOUT:
            return None, f"shown as {tree}; umoci: {other}"
        return "shown, though containerd refuses them and umoci shows otherwise", case.shown
    if case.shown is not None:
        return None, "unpacked by containerd, though its case says that it is refused"
    different = [path for path in sorted(tree.keys() | real.keys()) if tree.get(path) != real.get(path)]
    if not different:
        return (None, "equal, though its case says that times differ") if case.timeless else ("equal", None)
    if case.timeless is None or without_times(tree) != real:
        return None, "".join(f"\n  {path}: {tree.get(path)}; containerd: {real.get(path)}" for path in different)
    return "equal but for a time", case.timeless


def judge(work, gneiss, cases, recorded):
    layout = work + "/layout"
    write_layout(layout, cases)
    shown, said = gneiss_trees(gneiss, layout)
    counts, origins, reasons, wrong = collections.Counter(), collections.Counter(), collections.Counter(), []
    for case in cases:
        origins[case.origin] += case.is_of_origin()
        item = recorded[case.ref()]
        if isinstance(item, str):
            item = recorded[case.base]
        count, reason = verdict_of(case, shown.get(case.ref()), item["containerd"], item["umoci"])
        if count is None:
            wrong.append(f"{case.ref()}: {reason}")
            for number, entries in enumerate(case.layers, 1):
                wrong.append(f"  layer {number}: {'; '.join(map(repr, entries))}")
            wrong += ["  " + line for line in said.splitlines() if case.ref() + ":" in line]
            continue
        counts[count] += 1
        if reason:
            reasons[f"{count}: {reason}"] += 1
        elif item["umoci"] == "the same":
            counts["equal in umoci, too"] += 1
    print(f"{sum(origins.values())} cases ("
          + ", ".join(f"{count} of {ORIGINS[origin]}" for origin, count in origins.items())
          + f") in {len(cases)} histories: " + ", ".join(f"{count} {text}" for text, count in counts.items()))
    for text, count in reasons.most_common():
        print(f"  {count} {text}")
    if wrong:
        print(f"{sum(not line.startswith('  ') for line in wrong)} wrong")
        print("\n".join(wrong))
    return bool(wrong)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True)
    parser.add_argument("--gneiss")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    os.umask(0o022)
    cases, failed = list(all_cases()), False
    work = os.path.realpath(options.work)
    if options.record or options.check:
        found = record(work + "/runtimes", cases)
        if options.record:
            with open(RECORD, "w") as file:
                json.dump(found, file, indent=1)
                file.write("\n")
    with open(RECORD) as file:
        recorded = json.load(file)
    if options.check:
        for ref in sorted(found.keys() | recorded.keys()):
            if found.get(ref) != recorded.get(ref):
                print(f"{ref}: on record {recorded.get(ref)}\n  now {found.get(ref)}")
                failed = True
    if options.gneiss:
        failed |= judge(work, options.gneiss, cases, recorded)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
