"""Compares two directory trees path by path, and prints the first paths that differ.

    compare_trees.py LEFT RIGHT     exit status 1 when any does

Type, mode, owner, size, modification time, device number, link target, extended attributes, sha256 of the
contents, and which names are links of one file.
"""
import hashlib
import os
import stat
import sys


def describe(root):
    tree, names_of = {}, {}
    paths = ["."]
    for folder, folders, files in os.walk(root):
        paths += [os.path.relpath(os.path.join(folder, name), root) for name in folders + files]
    for path in paths:
        full = os.path.join(root, path)
        info = os.lstat(full)
        kind = stat.S_IFMT(info.st_mode)
        entry = {"mode": oct(info.st_mode), "owner": (info.st_uid, info.st_gid), "mtime": info.st_mtime_ns}
        if kind == stat.S_IFLNK:
            entry["target"] = os.readlink(full)
        elif kind in (stat.S_IFCHR, stat.S_IFBLK):
            entry["device"] = info.st_rdev
        elif kind == stat.S_IFREG:
            with open(full, "rb") as file:
                entry["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
            names_of.setdefault(info.st_ino, []).append(path)
        if kind != stat.S_IFLNK:
            entry["xattrs"] = {name: os.getxattr(full, name) for name in os.listxattr(full)}
        tree[path] = entry
    for names in names_of.values():
        for name in names:
            tree[name]["names"] = sorted(names)
    return tree


left, right = describe(sys.argv[1]), describe(sys.argv[2])
different = [path for path in sorted(left.keys() | right.keys()) if left.get(path) != right.get(path)]
for path in different[:10]:
    print(f"{path}: {left.get(path)} / {right.get(path)}")
sys.exit(1 if different else 0)
