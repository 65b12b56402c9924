"""Counts the instructions of gneiss on hostile inputs of n, 2n and 4n parts.

  growth.py GNEISS WORK [--long] [--only WORD]... [--reports FOLDER]

One generator for each kind of input. Each doubling must take less than 2.3 times as many
instructions, less those that a tiny input takes: 2 where the time is linear, a little more with a
logarithm, 4 where it is quadratic. Instructions do not depend on the load of the machine.

The short form counts at n and 4n, and takes the root: what takes long is to start valgrind.

With --reports the inputs are those that the scripts in FOLDER/quadratic and FOLDER/hash-collision
write.
"""

import argparse
import concurrent.futures
import hashlib
import http.server
import io
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading

MOST = 2.3
MOST_OF_ERROR = 600  # characters, of what a registry's answers lead to


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def fake(text):
    return sha(str(text).encode())


# Tars -------------------------------------------------------------------------------------------

def header(name, kind=b"0", size=0, link=b"", mode=0o644, uid=0):
    name = name if isinstance(name, bytes) else name.encode()
    link = link if isinstance(link, bytes) else link.encode()
    block = bytearray(512)
    block[0:len(name)] = name
    block[100:108] = b"%07o\0" % mode
    block[108:116] = b"%07o\0" % uid
    block[116:124] = b"%07o\0" % 0
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"%011o\0" % 1
    block[156:157] = kind
    block[157:157 + len(link)] = link
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data):
    return data + b"\0" * (-len(data) % 512)


def record(key, value):
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while True:
        line = b"%d" % length + rest
        if len(line) == length:
            return line
        length = len(line)


def pax(records, kind=b"x"):
    body = b"".join(record(k, v) for k, v in records)
    return header("pax", kind, len(body)) + padded(body)


def file(name, data=b"", **rest):
    return header(name, b"0", len(data), **rest) + padded(data)


def long_file(name, data=b"", kind=b"0", link=b""):
    records = [(b"path", name)] + ([(b"linkpath", link)] if link else [])
    return pax(records) + header("x", kind, len(data)) + padded(data)


def directory(name):
    return header(name + "/", b"5", mode=0o755)


def tar(parts):
    return b"".join(parts) + b"\0" * 1024


# Layouts ----------------------------------------------------------------------------------------

class Layout:
    def __init__(self, path):
        self.path = path
        self.manifests = []
        os.makedirs(path + "/blobs/sha256")
        with open(path + "/oci-layout", "w") as out:
            out.write('{"imageLayoutVersion":"1.0.0"}')

    def blob(self, data, media_type="", **rest):
        digest = sha(data)
        with open(f"{self.path}/blobs/sha256/{digest[7:]}", "wb") as out:
            out.write(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data), **rest}

    def layer(self, data):
        return self.blob(data, "application/vnd.oci.image.layer.v1.tar")

    def image(self, ref, layers, config=None):
        config = {"architecture": "amd64", "os": "linux",
                  "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
                  **(config or {})}
        manifest = {"schemaVersion": 2,
                    "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": self.blob(json.dumps(config).encode(),
                                        "application/vnd.oci.image.config.v1+json"),
                    "layers": layers}
        made = self.blob(json.dumps(manifest).encode(), manifest["mediaType"],
                         annotations={"org.opencontainers.image.ref.name": ref})
        self.manifests.append(made)
        return made

    def index(self, manifests):
        body = json.dumps({"schemaVersion": 2,
                           "mediaType": "application/vnd.oci.image.index.v1+json",
                           "manifests": manifests}).encode()
        return self.blob(body, "application/vnd.oci.image.index.v1+json")

    def done(self):
        with open(self.path + "/index.json", "w") as out:
            json.dump({"schemaVersion": 2, "manifests": self.manifests}, out)


# Each generator of layers yields the tars of one image.

def repeated_file(n):
    return [[file("d/f")] * n]


def repeated_directory(n):
    return [[directory("d")] * n + [file("d/f")]]


def repeated_directories(n):
    # The same in two images, so that waste compares the layers.
    return [[directory("d")] * n + [file("d/f")]]


def deep_path(n):
    return [[long_file(b"/".join([b"d"] * n))]]


def deep_directories(n):
    return [[long_file(b"/".join([b"d"] * 200 + [b"f%d" % i])) for i in range(n)]]


def whiteouts(n):
    return [[file(f"d/f{i}") for i in range(n)], [file(f"d/.wh.f{i}") for i in range(n)]]


def whiteouts_of_nothing(n):
    return [[file(f"d/f{i}") for i in range(n)], [file(f"e/.wh.f{i}") for i in range(n)]]


def opaque_again(n):
    return [[file(f"d/f{i}") for i in range(n)], [file("d/.wh..wh..opq")] * n]


def opaque_tree(n):
    # Markers of many directories, and small layers that cover few of them.
    base = [file(f"d{i}/f") for i in range(n)]
    return [base, [file(f"d{i}/.wh..wh..opq") for i in range(n)]] + \
        [[file(f"d{i}/.wh..wh..opq")] for i in range(8)]


def flips(n):
    return [[directory("d")] + [file(f"d/x{i}") for i in range(n)] +
            [header("d"), directory("d"), file("d/q")] * n]


def flips_of_layers(n):
    tree = [directory("d")] + [file(f"d/x{i}") for i in range(n)]
    return [tree, [header("d")], tree, [header("d")], tree, [header("d")]]


def hard_link_chain(n):
    return [[file("h0")] + [header(f"h{i}", b"1", link=f"h{i - 1}") for i in range(1, n)]]


def hard_link_star(n):
    return [[file("h0", b"x")] + [header(f"h{i}", b"1", link="h0") for i in range(1, n)],
            [file("h0", b"y")]]


def hard_links_below_layers(n):
    # Files of two names, and layers that have nothing to do with them.
    return [[part for i in range(n) for part in (file(f"a{i}"), header(f"b{i}", b"1", link=f"a{i}"))]] + \
        [[file(f"d/f{i}")] for i in range(n // 10)]


def hard_links_to_nothing(n):
    return [[file("f")], [header(f"h{i}", b"1", link=f"n{i}") for i in range(n)]]


def symlink_chain(n):
    return [[header(f"s{i}", b"2", link=f"s{i + 1}") for i in range(n)] +
            [header(f"s{n}", b"2", link="s0")]]


def symlinked_parents(n):
    return [[header(f"l{i}", b"2", link=f"l{i + 1}") for i in range(30)] +
            [file(f"l{i % 30}/x{i}") for i in range(n)]]


def xattrs_of_file(n):
    return [[pax([(b"SCHILY.xattr.user.%06d" % i, b"v") for i in range(n)]), file("x")]]


def xattrs_again(n):
    return [[pax([(b"SCHILY.xattr.user.a", b"%06d" % i) for i in range(n)]), file("x")]]


def xattrs_of_files(n):
    return [[pax([(b"SCHILY.xattr.user.%06d" % i, b"v" * 9)]) + file(f"x{i}") for i in range(n)]]


def long_names(n):
    return [[long_file(b"n" * 900 + b"%d" % i) for i in range(n)]]


def global_headers(n):
    return [[pax([(b"comment", b"%d" % i)], b"g") for i in range(n)] + [file("x")]]


def sparse_map(n):
    # GNU 0.1: the whole map in one record.
    body = b",".join(b"%d,1" % (2 * i) for i in range(n))
    records = [(b"GNU.sparse.size", b"%d" % (2 * n)), (b"GNU.sparse.numblocks", b"%d" % n),
               (b"GNU.sparse.map", body)]
    return [[pax(records) + header("s", b"0", n) + padded(b"x" * n)]]


def same_contents(n):
    return [[pax([(b"SCHILY.xattr.user.a", b"%d" % i)]) + file(f"c{i}", b"x" * 4096)
             for i in range(n)]]


def archives_beside_trees(n):
    return [[file("a.tar", b"x")] * n + [directory("a")] * n + [file("a/f")]]


def colliding_names(n):
    return [[long_file(name) for name in murmur_twins(n)]]


def dpkg(n):
    status = "".join(f"Package: p{i}\nStatus: install ok installed\nVersion: 1\n\n"
                     for i in range(n))
    lists = [file(f"var/lib/dpkg/info/p{i}.list", f"/usr/bin/p{i}\n".encode()) for i in range(n)]
    return [[file("var/lib/dpkg/status", status.encode())] + lists +
            [file(f"usr/bin/p{i}", b"x") for i in range(n)]]


def dpkg_one_file(n):
    # Every package claims the same file.
    status = "".join(f"Package: p{i}\nStatus: install ok installed\nVersion: 1\n\n"
                     for i in range(n))
    lists = [file(f"var/lib/dpkg/info/p{i}.list", b"/usr/bin/p\n" * 4) for i in range(n)]
    return [[file("var/lib/dpkg/status", status.encode())] + lists + [file("usr/bin/p", b"x")]]


def apk(n):
    database = "".join(f"P:p{i}\nV:1\nF:usr/bin\nR:p{i}\n\n" for i in range(n))
    return [[file("lib/apk/db/installed", database.encode())] +
            [file(f"usr/bin/p{i}", b"x") for i in range(n)]]


def wheels(n):
    return [[file(f"usr/lib/python3/p{i}-1.dist-info/RECORD", f"p{i}.py,,\n".encode())
             for i in range(n)] + [file(f"usr/lib/python3/p{i}.py", b"x") for i in range(n)]]


def rpm(n):
    return [[file("var/lib/rpm/rpmdb.sqlite", rpm_database(n))] +
            [file(f"usr/bin/p{i}", b"x") for i in range(n)]]


def rpm_header(n):
    """Tags as lib/header.c writes them: counts, index, store."""
    def entry(tag, kind, values):
        return tag, kind, values
    entries = [entry(1000, 6, [b"p%d" % n]), entry(1001, 6, [b"1"]), entry(1002, 6, [b"1"]),
               entry(1116, 4, [0]), entry(1117, 8, [b"p%d" % n]), entry(1118, 8, [b"/usr/bin/"])]
    index, store = b"", b""
    for tag, kind, values in entries:
        if kind == 4:
            store += b"\0" * (-len(store) % 4)
        index += tag.to_bytes(4, "big") + kind.to_bytes(4, "big") + \
            len(store).to_bytes(4, "big") + len(values).to_bytes(4, "big")
        for value in values:
            store += value.to_bytes(4, "big") if kind == 4 else value + b"\0"
    return len(entries).to_bytes(4, "big") + len(store).to_bytes(4, "big") + index + store


def rpm_database(n):
    import sqlite3
    import tempfile
    with tempfile.TemporaryDirectory() as directory_:
        database = sqlite3.connect(directory_ + "/db")
        database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, "
                         "blob BLOB NOT NULL)")
        database.executemany("INSERT INTO Packages (blob) VALUES (?)",
                             [(rpm_header(i),) for i in range(n)])
        database.commit()
        database.close()
        with open(directory_ + "/db", "rb") as data:
            return data.read()


def layers_again(n):
    # One image of n layers, two by turns; the second one deletes what the first one has.
    return [[file(f"d/f{i}") for i in range(20)], [file("d/.wh..wh..opq")]] * n


# Names that libstdc++'s std::hash cannot tell apart, whatever its seed (MurmurHash64A).
def murmur_twins(n):
    factor, mask = 0xc6a4a7935bd1e995, (1 << 64) - 1
    inverse = pow(factor, -1, 1 << 64)

    def block(mixed):
        word = mixed * inverse & mask
        word ^= word >> 47
        return (word * inverse & mask).to_bytes(8, "little")

    blocks, state = [], 7
    while 2 ** len(blocks) < n:
        pairs = []
        while len(pairs) < 2:
            state = (state * 6364136223846793005 + 1442695040888963407) & mask
            pair = block(state), block(state ^ (1 << 63))
            if not set(pair[0] + pair[1]) & {0, 0x0a, 0x2f}:
                pairs.append(pair)
        (a, a2), (b, b2) = pairs
        blocks.append((a + b, a2 + b2))
    return [b"".join(twins[i >> bit & 1] for bit, twins in enumerate(blocks)) for i in range(n)]


# Digests that 32-byte hashes of multiplications and shifts with constants cannot tell apart.
def colliding_digests(n):
    factor, mask = 0xff51afd7ed558ccd, (1 << 64) - 1
    inverse = pow(factor, -1, 1 << 64)

    def mix(state, word):
        state = (state ^ word) * factor & mask
        return state ^ state >> 32

    for i in range(n):
        state, words = 0x9e3779b97f4a7c15, []
        for k in range(3):
            words.append(int.from_bytes(hashlib.sha256(b"%d %d" % (i, k)).digest()[:8], "little"))
            state = mix(state, words[-1])
        last = 0x0123456789abcdef
        last ^= last >> 32
        words.append((last * inverse & mask) ^ state)
        yield "sha256:" + b"".join(word.to_bytes(8, "little") for word in words).hex()


# Whole inputs -----------------------------------------------------------------------------------

def layers_input(make, num_images=1):
    def build(path, n):
        layout = Layout(path + "/layout")
        layers = [layout.layer(tar(parts)) for parts in make(n)]
        layout.image("r:1", layers)
        for i in range(1, num_images):
            extra = layout.layer(tar([file(f"extra{i}")]))
            layout.image(f"r{i}:1", layers[:-1] + [extra, layers[-1]])
        layout.done()
        return "oci:layout"
    return build


def copied_layers(make):
    """The layer twice, in two images that have it with other times."""
    def build(path, n):
        layout = Layout(path + "/layout")
        for i in range(2):
            layout.image(f"r{i}:1", [layout.layer(tar(parts) + b"\0" * 512 * i)
                                     for parts in make(n)])
        layout.done()
        return "oci:layout"
    return build


def line(ref, layers, **rest):
    return {"ref": ref, "platform": "linux/amd64",
            "manifest_digest": fake(("m", ref, len(layers), layers[0] if layers else 0)),
            "layers": [layer if isinstance(layer, dict) else {"digest": layer, "size": 1000}
                       for layer in layers], **rest}


def fleet_input(make):
    def build(path, n):
        with open(path + "/fleet.ndjson", "w") as out:
            for image in make(n):
                out.write(json.dumps(image, separators=(",", ":")) + "\n")
        return "fleet.ndjson"
    return build


def many_images(n):
    return (line(f"r{i % 7}/a:{i}", [fake("base"), fake(("b", i % 10)), fake(("t", i))])
            for i in range(n))


def images_of_one_layer(n):
    return (line(f"a:{i}", [fake("base"), fake(("t", i))], labels={"k%d" % i: "v"})
            for i in range(n))


def long_chain(n):
    yield line("a:1", [fake(i) for i in range(n)])
    yield line("a:2", [fake(i) for i in range(n)] + [fake("top")])


def long_chains(n):
    return (line(f"a:{i}", [fake((i // 2, j)) for j in range(100)] + [fake(i)]) for i in range(n))


def layer_again(n):
    yield line("a:1", [fake("l")] * n)


def colliding_layers(n):
    yield from (line(f"a:{i}", [digest]) for i, digest in enumerate(colliding_digests(n)))


def colliding_refs(n):
    import base64
    for i, name in enumerate(murmur_twins(n)):
        # Any byte may be in a label; a ref has no control characters.
        yield line(f"a:{i}", [fake(i)],
                   labels={"l": base64.b64encode(name).decode(), name.hex(): "1"})


def refs_of_image(n):
    for i in range(n):
        image = line("a:1", [fake("l")])
        image["ref"] = f"repository{i}/a:{i}"
        yield image


def labels_and_pools(n):
    yield line("a:1", [fake("l")], labels={f"k{i}": "v" for i in range(n)},
               pools=[{"name": f"p{i}", "nodes": 2} for i in range(n)])


def steps_of_image(n):
    yield line("a:1", [fake("l")],
               history=[{"created_by": f"RUN {i}", "empty_layer": True} for i in range(n)])


def config_input(make):
    def build(path, n):
        layout = Layout(path + "/layout")
        layout.image("r:1", [layout.layer(tar([file("a")]))], make(n))
        layout.done()
        return "oci:layout"
    return build


def history(n):
    return {"history": [{"created_by": f"RUN {i}", "empty_layer": True} for i in range(n)]}


def environment(n):
    return {"config": {"Env": [f"PATH=/d{i}" for i in range(n)],
                       "Labels": {f"k{i}": "v" for i in range(n)},
                       "Cmd": [f"a{i}" for i in range(n)]}}


def search_path(n):
    return {"config": {"Env": ["PATH=" + ":".join(f"/d{i}" for i in range(n))],
                       "Cmd": ["program"]}}


def index_of_platforms(path, n):
    layout = Layout(path + "/layout")
    made = layout.image("r:1", [layout.layer(tar([file("a")]))])
    layout.manifests = [dict(made, platform={"os": "linux", "architecture": f"a{i}"})
                        for i in range(n)]
    layout.done()
    return "oci:layout"


def nested_index(path, n):
    # Each index names the next one n times.
    layout = Layout(path + "/layout")
    made = layout.image("r:1", [layout.layer(tar([file("a")]))])
    for _ in range(2):
        made = layout.index([{k: made[k] for k in ("mediaType", "digest", "size")}] * n)
    layout.manifests = [made]
    layout.done()
    return "oci:layout"


def index_chain(path, n):
    layout = Layout(path + "/layout")
    made = layout.image("r:1", [layout.layer(tar([file("a")]))])
    for i in range(n):
        made = layout.index([made, dict(made, annotations={"n": str(i)})])
    layout.manifests = [made]
    layout.done()
    return "oci:layout"


def docker_archive(links):
    def build(path, n):
        layer = tar([file("a")])
        with tarfile.open(path + "/archive.tar", "w") as out:
            def add(name, data, link=""):
                info = tarfile.TarInfo(name)
                info.size = 0 if link else len(data)
                if link:
                    info.type, info.linkname = tarfile.SYMTYPE, link
                out.addfile(info, io.BytesIO(data))
            config = json.dumps({"architecture": "amd64", "os": "linux",
                                 "rootfs": {"type": "layers",
                                            "diff_ids": [sha(layer)] * (1 if links else 20)}})
            images = []
            add("l0/layer.tar", layer)
            for i in range(1, n):
                if links:
                    add(f"l{i}/layer.tar", b"", f"../l{i - 1}/layer.tar" if i < 20 else
                        "../l0/layer.tar")
                else:
                    add(f"l{i}/layer.tar", layer)
            for i in range(0, n, 20):
                add(f"{i}.json", config.encode())
                images.append({"Config": f"{i}.json", "RepoTags": [f"a:{i}"],
                               "Layers": [f"l{i}/layer.tar"] if links else
                               [f"l{min(i + k, n - 1)}/layer.tar" for k in range(20)]})
            add("manifest.json", json.dumps(images).encode())
        return "docker-archive:archive.tar"
    return build


def beside(name, text):
    """A fleet of n images with one more file, which `text` makes of n."""
    def build(path, n):
        with open(f"{path}/{name}", "w") as out:
            out.write(text(n))
        return fleet_input(many_images)(path, n if name != "policy.json" else 20)
    return build


def policy(n):
    return json.dumps({"schema": "gneiss.policy/1", "allowed_bases": [f"b{i}:*" for i in range(n)],
                       "exempt": [f"e{i}/*" for i in range(n)],
                       "repositories": {f"r{i}/*": {"max_layers": 5} for i in range(n)}})


def events(n):
    return "".join(json.dumps({"t": 1500000000 + i, "ref": f"r{i % 7}/a:{i % 50}",
                               "digest": next(iter(many_images(1)))["manifest_digest"]}) + "\n"
                   for i in range(n))


def pulls(n):
    return "ref,pulls\n" + "".join(f"r{i % 7}/a:{i},{i}\n" for i in range(n))


def pods(n):
    return json.dumps({"apiVersion": "v1", "items": [
        {"apiVersion": "v1", "kind": "Pod",
         "spec": {"nodeName": f"n{i % 20}",
                  "containers": [{"image": f"r{i % 7}/a:{i}", "name": "c"}]},
         "status": {"phase": "Running"}} for i in range(n)]})


def lineages(n):
    return json.dumps({"schema": "gneiss.lineages/1",
                       "lineages": [{"name": f"l{i}", "pattern": f"b{i}:*"} for i in range(n)]})


# Registries -------------------------------------------------------------------------------------

def answers(make, scheme="docker"):
    """A registry of its own for each input, that answers as make(n, its URL) says: a function of the
    path and of whether the request has a token, to a status, fields and a body."""
    def build(path, n):
        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                status, fields, body = answer(self.path, self.headers.get("Authorization"))
                lines = [f"HTTP/1.1 {status} Answer", f"Content-Length: {len(body)}", *fields]
                # All at once: how often gneiss waits must not depend on the moment.
                self.wfile.write("\r\n".join(lines + ["", ""]).encode() + body)

            do_HEAD = do_POST = do_GET

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        server.daemon_threads = True
        # Whoever does not want the whole answer closes the connection.
        server.handle_error = lambda request, address: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"127.0.0.1:{server.server_port}"
        answer = make(n, "http://" + host)
        return f"{scheme}://{host}" + ("/r:1" if scheme == "docker" else "")
    return build


def header_fields(n, _):
    fields = [f"X-{i}: v" for i in range(n)] + ["X: " + "v" * 10 * n]
    return lambda path, token: (200 if path == "/v2/" else 404, fields, b"")


def challenge(make):
    """What all are asked for who have no token, and those who have one, too."""
    def answers_of(n, url):
        def answer(path, token):
            if path.startswith("/token"):
                return 200, [], b'{"token":"t"}'
            return 401, ["WWW-Authenticate: " + value for value in make(n, url + "/token")], b""
        return answer
    return answers_of


def challenges(n, realm):
    return [f'Basic realm="{i}"' for i in range(n)] + [f'Bearer realm="{realm}"']


def challenges_of_field(n, realm):
    return [",".join(f"S{i} a=b" for i in range(n)), "Negotiate " + "a=" * n,
            f'Bearer realm="{realm}"']


def parameters_of_challenge(n, realm):
    return [f'Bearer realm="{realm}",a="' + r'\"' * 5 * n + '",' +
            ",".join(f"a{i}=b" for i in range(n))]


def scopes(n, realm):
    return [f'Bearer realm="{realm}",scope="' + " ".join("a" * n) + '"']


def service(n, realm):
    return [f'Bearer realm="{realm}",service="' + "&" * n + '"']


def token_answer(n, url):
    body = json.dumps({**{f"a{i}": i for i in range(n)}, "token": "t" * 4 * n}).encode()

    def answer(path, token):
        if path.startswith("/token"):
            return 200, [], body
        return 401, [f'WWW-Authenticate: Bearer realm="{url}/token"'], b""
    return answer


def links(make):
    return lambda n, url: lambda path, token: (
        200, ["Link: " + value for value in make(n)], b'{"repositories":[]}')


def link_entries(n):
    return [f"<{i}>;rel=a" for i in range(n)] + [",".join(f"<{i}>;rel=a" for i in range(n)),
                                                 '<a>;rel="' + "a " * n + '"']


def link_target(n):
    return ["<" + "a/../" * n + ">;rel=next"]


# What is run ------------------------------------------------------------------------------------

class Kind:
    def __init__(self, name, n, build, commands, exit_codes=(0,), scan=False, few=None, group=""):
        self.name, self.n, self.build, self.commands = name, n, build, commands
        self.exit_codes, self.scan = exit_codes, scan
        self.group = group or ("layers" if scan else "fleets")  # of those with one tiny input
        self.few = commands if few is None else few  # of the short form


SCAN = "scan {source} --store new-store --jobs 1"
# report plans and looks for waste as well.
CONTENTS = [SCAN, "report {source} --format md"]
LONG_CONTENTS = CONTENTS + ["waste {source}", "plan {source} --level all", "check --policy policy.json {source}",
                            "verify {source} {source}",
                            "apply plan.json --from {source} --to oci:planned --level squash"]
# With what it says of each file, and the audit of that.
CARVE = ["plan {source} --level carve"]
FLEET = ["report {source} --format md"]
LONG_FLEET = FLEET + ["stat {source}", "plan {source} --no-contents", "tree {source}", "graph {source} -o g.dot", "diff {source} {source}",
                      "snapshot {source} -o s.ndjson"]


def layers(name, n, make, build=layers_input, few=None):
    return Kind(name, n, build(make), LONG_CONTENTS, scan=True, few=CONTENTS if few is None else few)


def fleet(name, n, make, few=None):
    return Kind(name, n, fleet_input(make), LONG_FLEET, few=FLEET if few is None else few)


def read(name, n, build):
    return Kind(name, n, build, LONG_FLEET, few=["stat {source}"])


def asked(name, n, make, scheme="docker"):
    return Kind("registry: " + name, n, answers(make, scheme), ["stat {source} --plain-http"],
                exit_codes=(1,), group="registries")


KINDS = [
    layers("layer: one file again", 1000, repeated_file),
    layers("layer: one directory again", 1000, repeated_directory),
    layers("layer: the same, twice", 1000, repeated_directories, copied_layers),
    layers("layer: a deep path", 1000, deep_path, few=[SCAN, "waste {source}"] + CARVE),
    layers("layer: deep directories", 100, deep_directories),
    layers("layer: whiteouts", 500, whiteouts),
    layers("layer: whiteouts of nothing", 500, whiteouts_of_nothing),
    layers("layer: an opaque marker again", 500, opaque_again),
    layers("layer: opaque markers", 300, opaque_tree),
    layers("layer: directories alone", 4000, lambda n: [[directory(f"d{i}") for i in range(n)]]),
    layers("layer: file, directory", 300, flips),
    layers("layer: layers that flip", 200, flips_of_layers),
    layers("layer: a chain of hard links", 1000, hard_link_chain),
    layers("layer: names of one file", 1000, hard_link_star),
    layers("image: hard links below layers", 200, hard_links_below_layers, few=CARVE),
    layers("layer: hard links to nothing", 500, hard_links_to_nothing),
    layers("layer: a chain of symlinks", 1000, symlink_chain),
    layers("layer: below symlinks", 500, symlinked_parents),
    layers("layer: attributes of a file", 1000, xattrs_of_file),
    layers("layer: an attribute again", 1000, xattrs_again, few=[SCAN]),
    layers("layer: attributes of files", 500, xattrs_of_files),
    layers("layer: long names", 300, long_names),
    layers("layer: global headers", 1000, global_headers, few=[SCAN]),
    layers("layer: a sparse file", 2000, sparse_map, few=[SCAN]),
    layers("layer: copies of a file", 100, same_contents),
    layers("layer: archives and trees", 500, archives_beside_trees),
    layers("layer: names that collide", 512, colliding_names),
    layers("layer: dpkg", 300, dpkg),
    layers("layer: dpkg, one file", 300, dpkg_one_file, few=[SCAN]),
    layers("layer: apk", 500, apk, few=[SCAN]),
    layers("layer: wheels", 300, wheels, few=[SCAN]),
    layers("layer: rpm", 300, rpm, few=[SCAN]),
    Kind("image: layers by turns", 20, layers_input(layers_again), CONTENTS, scan=True,
         few=[SCAN, "waste {source}"]),
    fleet("fleet: images", 500, many_images),
    fleet("fleet: images of one layer", 500, images_of_one_layer),
    fleet("fleet: digests that collide", 512, colliding_layers),
    fleet("fleet: labels that collide", 256, colliding_refs),
    fleet("image: layers", 100, long_chain, few=["stat {source}", "tree {source}"]),
    fleet("fleet: images of 100 layers", 10, long_chains),
    fleet("image: one layer again", 100, layer_again, few=["stat {source}", "tree {source}"]),
    fleet("image: refs", 500, refs_of_image),
    fleet("image: labels and pools", 500, labels_and_pools),
    fleet("image: steps", 500, steps_of_image, few=["stat {source}", "snapshot {source} -o s"]),
    read("config: history", 1000, config_input(history)),
    read("config: environment", 1000, config_input(environment)),
    Kind("config: search path", 1000, config_input(search_path), CONTENTS, scan=True,
         few=["waste {source}"]),
    read("index: platforms", 500, index_of_platforms),
    Kind("index: one index again", 200, nested_index, ["stat {source}"], exit_codes=(0, 1)),
    Kind("index: one in the other", 100, index_chain, ["stat {source}"], exit_codes=(0, 1)),
    read("docker-archive: members", 200, docker_archive(False)),
    read("docker-archive: links", 200, docker_archive(True)),
    Kind("policy", 500, beside("policy.json", policy),
         ["check --policy policy.json {source}"], exit_codes=(0, 1, 3)),
    Kind("events", 500, beside("events.ndjson", events), ["replay events.ndjson {source}"]),
    Kind("demand: pulls", 500, beside("pulls.csv", pulls), ["snapshot {source} --pulls pulls.csv -o s.ndjson"]),
    Kind("demand: pools", 500, beside("pods.json", pods), ["snapshot {source} --pools pods.json -o s.ndjson"]),
    Kind("plan file", 500, beside("events.ndjson", events),
         ["diff plan.json plan.json", "replay events.ndjson {source} --plan plan.json"]),
    asked("header fields", 1500, header_fields),
    asked("challenges", 1000, challenge(challenges)),
    asked("challenges of a field", 2000, challenge(challenges_of_field)),
    asked("parameters of a challenge", 1000, challenge(parameters_of_challenge)),
    asked("scopes of a challenge", 500, challenge(scopes)),
    asked("service of a challenge", 5000, challenge(service)),
    asked("answer of a token server", 3000, token_answer),
    asked("entries of links", 1000, links(link_entries), "registry"),
    asked("target of a link", 800, links(link_target), "registry"),
]


def reported(folder, work, steps):
    """Kinds of one layout each, as the scripts write them for smaller numbers than their own."""
    def write(script, n, change):
        path = f"{work}/{os.path.dirname(script)}-{n}"
        os.makedirs(path)
        with open(f"{folder}/{script}") as lines:
            # It looks beside itself for what it imports.
            text = f"__file__ = {folder + '/' + script!r}\n" + change(lines.read())
        subprocess.run([sys.executable, "-c", text], cwd=path, check=True, stdout=subprocess.DEVNULL)
        return path

    def written(layouts):
        def build(path, n):
            shutil.copytree(layouts[n], path + "/layout")
            return "oci:layout"
        return build

    made = {}  # by name: layouts by size
    for n in [500 * k for k in steps] + [3000 * k for k in steps]:
        # All numbers of parts, but for the depth where there are many of that; 1024 is the end of a
        # tar.
        path = write("quadratic/gen.py", n,
                     lambda text: re.sub(r"\b(?!1024\b)[0-9]{4,6}\b",
                                         lambda number: str(int(number[0]) * n // 100000),
                                         text.replace("[b'd']*2000", "[b'd']*200")))
        for name in sorted(os.listdir(path)):
            # What takes a few instructions for each pair takes more than the rest at larger n only;
            # of a path of few parts, all directories are made known.
            if (n >= 3000) == (name in ("deep", "opqstorm")) and name != "manyxattr":
                made.setdefault(name, {})[n] = f"{path}/{name}"
    for n in [512 * k for k in steps]:
        bits = n.bit_length() - 1
        path = write("hash-collision/gen.py", n, lambda text: text.replace("(13,15)", f"({bits},)"))
        for name in ("col", "rnd"):
            made.setdefault(name, {})[n] = f"{path}/{name}{bits}"
    return [Kind(name, min(layouts), written(layouts), ["report {source} --format md"], scan=True)
            for name, layouts in made.items()]


# Of each group of kinds.
TINY = [layers("a file", 1, repeated_file),
        Kind("an image", 1, fleet_input(many_images), [], exit_codes=(0, 1, 2, 3)),
        asked("an answer", 1, challenge(scopes))]


class Growth:
    def __init__(self, gneiss, work):
        self.gneiss, self.work = gneiss, work
        self.environment = dict(os.environ, XDG_CACHE_HOME=work + "/cache", LC_ALL="C")

    def prepare(self, kind, number, n):
        path = f"{self.work}/{number}-{n}"
        os.makedirs(path)
        source = kind.build(path, n)
        for name, text in (("policy.json", '{"schema":"gneiss.policy/1","no_secrets":true}'),
                           ("events.ndjson", "")):
            if not os.path.exists(f"{path}/{name}"):
                with open(f"{path}/{name}", "w") as out:
                    out.write(text)
        return path, source

    def count(self, kind, path, source, command):
        arguments = command.format(source=source).split()
        if kind.scan and arguments[0] != "scan":
            arguments += ["--store", "store"]
        for made in ("new-store", "planned"):
            shutil.rmtree(f"{path}/{made}", ignore_errors=True)
        # The tool that counts and does no more.
        counted = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
                   f"--log-file={path}/counts", self.gneiss] + arguments
        done = subprocess.run(counted, cwd=path, env=self.environment, text=True, errors="replace",
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with open(path + "/counts") as counts:
            found = re.search(r"I +refs: +([0-9,]+)", counts.read())
        if found is None or done.returncode not in kind.exit_codes:
            raise RuntimeError(f"{' '.join(arguments)} in {path}: exit code {done.returncode}: "
                               f"{done.stderr[-2000:]}")
        if kind.group == "registries" and (done.stderr.count("\n") != 1 or
                                           len(done.stderr) > MOST_OF_ERROR):
            raise RuntimeError(f"{' '.join(arguments)}: expected one line of at most "
                               f"{MOST_OF_ERROR} characters, found {done.stderr[:2000]}")
        return int(found.group(1).replace(",", ""))

    def rows(self, number, kind, commands, sizes):
        """Counts of the kind's commands: what a tiny input takes, then at each size."""
        made = [self.prepare(kind, number, n) for n in sizes]
        for path, source in made:
            if kind.scan:
                subprocess.run([self.gneiss, "scan", source, "--store", "store"], cwd=path,
                               env=self.environment, capture_output=True)
            if any("plan.json" in command for command in commands):
                with open(path + "/plan.json", "w") as out:
                    arguments = ["plan", source, "--json"]
                    arguments += ["--store", "store"] if kind.scan else ["--no-contents"]
                    subprocess.run([self.gneiss] + arguments, cwd=path, env=self.environment,
                                   stdout=out, stderr=subprocess.DEVNULL)
        rows = []
        for command in commands:
            counts = [self.count(kind, path, source, command) for path, source in made]
            rows.append((kind.name, command, sizes, counts))
        for path, _ in made:
            shutil.rmtree(path)
        return rows


def ratios_of(sizes, counts, tiny):
    """For each doubling between the sizes; a twentieth of `tiny` more or less says nothing."""
    own = [max(count - tiny, tiny / 20) for count in counts]
    return [(after / before) ** (1 / math.log2(larger / smaller))
            for before, after, smaller, larger in zip(own, own[1:], sizes, sizes[1:])]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gneiss")
    parser.add_argument("work")
    parser.add_argument("--long", action="store_true", help="more commands, and at 2n as well")
    parser.add_argument("--only", action="append", default=[], help="kinds that contain the word")
    parser.add_argument("--reports", help="the folder of reported inputs")
    arguments = parser.parse_args()
    growth = Growth(os.path.abspath(arguments.gneiss), os.path.abspath(arguments.work))
    steps = (1, 2, 4) if arguments.long else (1, 4)
    kinds = reported(arguments.reports, growth.work, steps) if arguments.reports else KINDS
    kinds = [kind for kind in kinds
             if not arguments.only or any(word in kind.name for word in arguments.only)]
    failed = []
    tiny = {}
    print(f"{'input':<32} {'command':<9} {'n':>5}" +
          "".join(f" {'at ' + (str(k) if k > 1 else '') + 'n':>13}" for k in steps) +
          "  for a doubling")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        def commands_of(kind):
            return kind.commands if arguments.long else kind.few

        def run_tiny(kind):
            commands = {command for other in kinds if other.group == kind.group
                        for command in commands_of(other)}
            return growth.rows("tiny-" + kind.group, kind, sorted(commands), [1]) if commands else []

        for kind, rows in zip(TINY, pool.map(run_tiny, TINY)):
            for _, command, _, counts in rows:
                tiny[kind.group, command] = counts[0]

        def run(numbered):
            number, kind = numbered
            commands = commands_of(kind)
            try:
                return growth.rows(number, kind, commands, [kind.n * k for k in steps])
            except RuntimeError as error:
                return [(kind.name, str(error), 0, None)]
        for kind, rows in zip(kinds, pool.map(run, enumerate(kinds))):
            for name, command, sizes, counts in rows:
                if counts is None:
                    print(f"{name:<32} {command}")
                    failed.append(name)
                    continue
                ratios = ratios_of(sizes, counts, tiny[kind.group, command])
                verdict = "" if max(ratios) < MOST else "  TOO MUCH"
                if counts[0] == counts[-1]:
                    verdict = "  NOTHING READ"
                print(f"{name:<32} {command.split()[0]:<9} {sizes[0]:>5}" +
                      "".join(f" {count:>13,}" for count in counts) +
                      "".join(f" {ratio:>6.2f}" for ratio in ratios) + verdict, flush=True)
                if verdict:
                    failed.append(f"{name}, {command.split()[0]}")
    if failed:
        print(f"growth: {len(failed)} grow by {MOST} times or more for a doubling, read nothing, or failed: "
              f"{'; '.join(failed)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
