"""Tar streams and OCI layouts, written byte by byte: entries that no archiver would write, too."""
import gzip
import hashlib
import json
import os

BLOCK = 512
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"


class Entry:
    """One entry as it is to be written. `kind` is the type flag; `mtime` is in nanoseconds; `sparse` is a list of
    (offset, length) of the runs that `body` holds, and `size` is then that of the whole file."""

    def __init__(self, name, kind="0", mode=0o644, uid=0, gid=0, mtime=0, body=b"", link=b"", device=(0, 0),
                 xattrs=None, form="pax", sparse=None, size=None):
        self.name, self.kind, self.mode, self.uid, self.gid, self.mtime = name, kind, mode, uid, gid, mtime
        self.body, self.link, self.device, self.xattrs = body, link, device, xattrs or {}
        self.form, self.sparse, self.size = form, sparse, len(body) if size is None else size

    def contents(self):
        if self.sparse is None:
            return self.body
        whole, used = bytearray(self.size), 0
        for offset, length in self.sparse:
            whole[offset:offset + length] = self.body[used:used + length]
            used += length
        return bytes(whole)

    def needs_pax(self):
        seconds, part = divmod(self.mtime, 10**9)
        return bool(self.xattrs or part or self.sparse is not None or not 0 <= seconds < 8**11
                    or max(self.uid, self.gid) >= 8**7)

    def __repr__(self):
        text = {"0": "f", "1": "h", "2": "s", "3": "char", "4": "block", "5": "d", "6": "fifo"}[self.kind]
        text += " " + repr(self.name)[2:-1]
        if self.kind in "12":
            text += " -> " + repr(self.link)[2:-1]
        if self.kind in "34":
            text += " %d:%d" % self.device
        text += " %04o" % self.mode
        if self.uid or self.gid:
            text += " %d:%d" % (self.uid, self.gid)
        text += " t=%d" % self.mtime
        if self.xattrs:
            text += " " + repr(self.xattrs)
        if self.kind == "0":
            text += " =" + repr(self.contents()[:20])[2:-1]
        return text


def number(value, width, form):
    if 0 <= value < 8 ** (width - 1):
        return b"%0*o\0" % (width - 1, value)
    if form != "gnu":  # The value is in the extended header.
        return b"%0*o\0" % (width - 1, 0)
    sign = 0 if value < 0 else 0x80 << 8 * (width - 1)
    return (value % 256**width | sign).to_bytes(width, "big")


def header(name, kind, size, form, mode=0o644, uid=0, gid=0, seconds=0, link=b"", device=(0, 0), prefix=b""):
    block = bytearray(BLOCK)

    def put(offset, data):
        block[offset:offset + len(data)] = data

    put(0, name[:100])
    put(100, number(mode, 8, form))
    put(108, number(uid, 8, form))
    put(116, number(gid, 8, form))
    put(124, number(size, 12, form))
    put(136, number(seconds, 12, form))
    put(148, b" " * 8)
    put(156, kind.encode())
    put(157, link[:100])
    put(257, b"ustar  \0" if form == "gnu" else b"ustar\x0000")
    put(329, number(device[0], 8, form))
    put(337, number(device[1], 8, form))
    put(345, prefix)
    put(148, b"%06o\0 " % sum(block))
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def pax_record(key, value):
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def pax_time(ns):
    seconds, part = divmod(abs(ns), 10**9)
    text = b"%s%d" % (b"-" if ns < 0 else b"", seconds)
    return text + (b".%09d" % part).rstrip(b"0") if part else text


def pax_header(records):
    data = b"".join(pax_record(key, value) for key, value in records)
    return header(b"PaxHeaders/x", "x", len(data), "pax") + padded(data)


def entry_bytes(entry):
    out, name, prefix, body = b"", entry.name, b"", entry.body
    form = "pax" if entry.needs_pax() else entry.form
    if form == "ustar" and len(name) > 100:
        cut = name.rfind(b"/", 0, 156)
        if 0 < cut < len(name) - 1 and len(name) - cut <= 101:
            prefix, name = name[:cut], name[cut + 1:]
        else:
            form = "pax"
    if form == "ustar" and len(entry.link) > 100:
        form = "pax"
    if form == "gnu":
        for kind, text in (("K", entry.link), ("L", name)):
            if len(text) > 100:
                out += header(b"././@LongLink", kind, len(text) + 1, form) + padded(text + b"\0")
    if form == "pax":
        records = []
        if entry.sparse is not None:
            table = b"%d\n" % len(entry.sparse) + b"".join(b"%d\n%d\n" % run for run in entry.sparse)
            body = padded(table) + body
            records += [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", name),
                        (b"GNU.sparse.realsize", b"%d" % entry.size)]
            name = b"GNUSparseFile.0/" + name[-20:]
        if len(name) > 100:
            records.append((b"path", name))
        if len(entry.link) > 100:
            records.append((b"linkpath", entry.link))
        if entry.mtime % 10**9 or not 0 <= entry.mtime // 10**9 < 8**11:
            records.append((b"mtime", pax_time(entry.mtime)))
        records += [(key, b"%d" % value) for key, value in ((b"uid", entry.uid), (b"gid", entry.gid)) if value >= 8**7]
        records += [(b"SCHILY.xattr." + key, value) for key, value in entry.xattrs.items()]
        if records:
            out += pax_header(records)
    out += header(name, entry.kind, len(body), form, entry.mode, entry.uid, entry.gid, entry.mtime // 10**9,
                  entry.link, entry.device, prefix)
    return out + padded(body)


def tar_bytes(entries):
    return b"".join(entry_bytes(entry) for entry in entries) + bytes(2 * BLOCK)


def zstd_frame(data):
    """A frame of blocks as they are: Python's library has no zstd."""
    out = b"\x28\xb5\x2f\xfd\xa0" + len(data).to_bytes(4, "little")
    for start in range(0, len(data), 1 << 17):
        part = data[start:start + (1 << 17)]
        last = start + len(part) == len(data)
        out += (len(part) << 3 | last).to_bytes(3, "little") + part
    return out


def compressed(data, how):
    if how == "gzip":
        return gzip.compress(data, 1, mtime=0)
    if how == "gzip members":
        half = len(data) // 2
        return gzip.compress(data[:half], 1, mtime=0) + gzip.compress(data[half:], 1, mtime=0)
    return zstd_frame(data) if how == "zstd" else data


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Layout:
    """An OCI layout of many images; close() writes its index."""

    def __init__(self, path):
        self.path, self.manifests = path, []
        os.makedirs(path + "/blobs/sha256")
        with open(path + "/oci-layout", "w") as file:
            file.write('{"imageLayoutVersion":"1.0.0"}')

    def add_blob(self, data):
        digest = digest_of(data)
        with open(f"{self.path}/blobs/sha256/{digest[7:]}", "wb") as file:
            file.write(data)
        return {"digest": digest, "size": len(data)}

    def add_image(self, ref, layers):
        """layers: (tar bytes, how it is compressed), the lowest first."""
        descriptors, diff_ids = [], []
        for data, how in layers:
            suffix = {"plain": "", "zstd": "+zstd"}.get(how, "+gzip")
            descriptors.append({"mediaType": LAYER_TYPE + suffix} | self.add_blob(compressed(data, how)))
            diff_ids.append(digest_of(data))
        config = {"architecture": "amd64", "os": "linux", "config": {"Labels": {"tree": ref}},
                  "rootfs": {"type": "layers", "diff_ids": diff_ids},
                  "history": [{"created_by": f"layer {i}"} for i in range(len(layers))]}
        manifest_type = "application/vnd.oci.image.manifest.v1+json"
        manifest = {"schemaVersion": 2, "mediaType": manifest_type,
                    "config": {"mediaType": "application/vnd.oci.image.config.v1+json"}
                    | self.add_blob(json.dumps(config).encode()),
                    "layers": descriptors}
        self.manifests.append({"mediaType": manifest_type} | self.add_blob(json.dumps(manifest).encode())
                              | {"annotations": {"org.opencontainers.image.ref.name": ref},
                                 "platform": {"architecture": "amd64", "os": "linux"}})

    def close(self):
        with open(self.path + "/index.json", "w") as file:
            json.dump({"schemaVersion": 2, "manifests": self.manifests}, file)
