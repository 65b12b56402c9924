"""Programs that unpack images, and what they unpacked, path by path.

A tree is a dictionary from path (bytes) to a dictionary: type, mode, uid, gid, mtime (ns), and size and sha256, target,
device, links (the other names of the file), xattrs where there are any. Its root is left out."""
import ctypes
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import time

CONFIG = """version = 2
root = "{work}/root"
state = "{work}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "{work}/containerd.sock"
[ttrpc]
  address = "{work}/ttrpc.sock"
[debug]
  level = "warn"
"""

TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFCHR: "char_device",
         stat.S_IFBLK: "block_device", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}


def read_tree(root):
    tree, names_of = {}, {}

    def walk(folder, prefix):
        for name in sorted(os.listdir(folder)):
            full, path = folder + b"/" + name, prefix + name
            try:
                info = os.lstat(full)
            except FileNotFoundError:
                continue  # A whiteout in a directory that lies on nothing: overlayfs names it, but has it not.
            entry = {"type": TYPES[stat.S_IFMT(info.st_mode)], "mode": stat.S_IMODE(info.st_mode),
                     "uid": info.st_uid, "gid": info.st_gid, "mtime": info.st_mtime_ns}
            tree[path] = entry
            if entry["type"] == "file":
                with open(full, "rb") as file:
                    entry["sha256"] = hashlib.sha256(file.read()).hexdigest()
                entry["size"] = info.st_size
            elif entry["type"] == "symlink":
                entry["target"] = os.readlink(full)
            elif entry["type"] in ("char_device", "block_device"):
                entry["device"] = f"{os.major(info.st_rdev)}:{os.minor(info.st_rdev)}"
            xattrs = {os.fsencode(key): os.getxattr(full, key, follow_symlinks=False)
                      for key in os.listxattr(full, follow_symlinks=False)}
            if xattrs:
                entry["xattrs"] = xattrs
            if entry["type"] == "directory":
                walk(full, path + b"/")
            elif info.st_nlink > 1:
                names_of.setdefault((info.st_dev, info.st_ino), []).append(path)

    walk(os.fsencode(root), b"")
    for names in names_of.values():
        for name in names:
            if len(names) > 1:
                tree[name]["links"] = [other for other in names if other != name]
    return tree


class Containerd:
    """A containerd of its own, wholly in `work`, for as long as the context lasts."""

    def __init__(self, work):
        self.work, self.socket = work, work + "/containerd.sock"
        self.unmount = ctypes.CDLL(None, use_errno=True).umount2

    def __enter__(self):
        os.makedirs(self.work + "/mounts")
        self.keep_in_memory()
        with open(self.work + "/config.toml", "w") as file:
            file.write(CONFIG.format(work=self.work))
        with open(self.work + "/log", "w") as log:
            self.process = subprocess.Popen(["containerd", "-c", self.work + "/config.toml"], stdout=log, stderr=log)
        while self.ctr("version").returncode != 0:
            if self.process.poll() is not None:
                raise RuntimeError("containerd ended: " + open(self.work + "/log").read())
            time.sleep(0.02)
        return self

    def keep_in_memory(self):
        """Blobs and databases, each write of which is synced: it takes five times as long on a disk."""
        self.memory = tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else self.work)
        for name in ("io.containerd.metadata.v1.bolt", "io.containerd.content.v1.content"):
            os.mkdir(f"{self.memory}/{name}")
            os.makedirs(self.work + "/root", exist_ok=True)
            os.symlink(f"{self.memory}/{name}", f"{self.work}/root/{name}")
        snapshotter = self.work + "/root/io.containerd.snapshotter.v1.overlayfs"
        os.mkdir(snapshotter)
        os.symlink(self.memory + "/snapshots.db", snapshotter + "/metadata.db")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.memory)

    def ctr(self, *arguments):
        return subprocess.run(["ctr", "-a", self.socket, *arguments], capture_output=True, text=True, errors="replace")

    def load(self, layout, name):
        """All images of a layout, not unpacked yet, as NAME:REF."""
        archive = self.work + "/layout.tar"
        subprocess.run(["tar", "-C", layout, "-cf", archive, "oci-layout", "index.json", "blobs"], check=True)
        run = self.ctr("images", "import", "--no-unpack", "--base-name", name, archive)
        os.unlink(archive)
        if run.returncode != 0:
            raise RuntimeError(f"ctr images import: {run.stderr}")

    def tree(self, image):
        """What a container of the image sees, and None; or None, and why containerd refuses it."""
        target = f"{self.work}/mounts/{image.replace(':', '-')}"
        os.mkdir(target)
        # A writable mount: a single layer alone would be shown with its whiteouts.
        run = self.ctr("images", "mount", "--rw", image, target)
        if run.returncode != 0:
            return None, run.stderr.strip()
        try:
            return read_tree(target), None
        finally:
            # The snapshot stays, and goes with the store.
            if self.unmount(target.encode(), 0) != 0:
                raise OSError(ctypes.get_errno(), "umount", target)


def umoci_tree(layout, ref, target):
    """The same of umoci."""
    os.makedirs(target)
    root = target + "/root"  # On some hostile names umoci deletes what its target is in.
    run = subprocess.run(["umoci", "--log=error", "raw", "unpack", "--image", f"{layout}:{ref}", root],
                         capture_output=True, text=True, errors="replace")
    return (None, run.stderr.strip()) if run.returncode != 0 else (read_tree(root), None)
