"""Makes the storage of a registry (registry:2) with many small images, for registry_report.sh.

    make_registry.py DIRECTORY REPOSITORIES TAGS

Images stand on one of 20 bases of three layers and add two of their own; every third tag names the manifest
of the one before.
"""
import hashlib
import json
import os
import sys

directory, repositories, tags = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
root = os.path.join(directory, "docker/registry/v2")
made = set()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def blob(text):
    hex_digest = hashlib.sha256(text.encode()).hexdigest()
    if hex_digest not in made:
        made.add(hex_digest)
        write(f"{root}/blobs/sha256/{hex_digest[:2]}/{hex_digest}/data", text)
    return "sha256:" + hex_digest


def link(path, digest):
    write(f"{path}/link", digest)


def descriptor(kind, text):
    return {"mediaType": "application/vnd.oci.image." + kind, "digest": blob(text), "size": len(text)}


for r in range(repositories):
    name = f"team-{r % 40}/app-{r}"
    here = f"{root}/repositories/{name}"
    manifest = None
    for t in range(tags):
        if t % 3 != 2:
            layers = [f"base {r % 20} layer {n}" for n in range(3)] + [f"{name} dependencies {t // 4}", f"{name} code {t}"]
            config = json.dumps({"os": "linux", "architecture": "amd64", "created": f"2026-01-{1 + t:02}T00:00:00Z",
                                 "config": {"Cmd": ["app"]},
                                 "rootfs": {"type": "layers",
                                            "diff_ids": ["sha256:" + hashlib.sha256(l.encode()).hexdigest() for l in layers]},
                                 "history": [{"created_by": "RUN make " + l} for l in layers]})
            config = descriptor("config.v1+json", config)
            layers = [descriptor("layer.v1.tar", l) for l in layers]
            for part in [config] + layers:
                link(f"{here}/_layers/sha256/{part['digest'][7:]}", part["digest"])
            manifest = blob(json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                                        "config": config, "layers": layers}))
            link(f"{here}/_manifests/revisions/sha256/{manifest[7:]}", manifest)
        link(f"{here}/_manifests/tags/1.{t}/current", manifest)
        link(f"{here}/_manifests/tags/1.{t}/index/sha256/{manifest[7:]}", manifest)
