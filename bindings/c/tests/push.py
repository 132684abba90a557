"""Pushes an OCI layout to a registry without the referrers API.

    push.py LAYOUT REGISTRY REPOSITORY TAG [USER:PASSWORD]

What the layout tags `v1` gets the tag TAG; signatures are listed under the
fallback tag of the referrers of their subject.
"""

import base64
import json
import pathlib
import sys
import urllib.request

INDEX = "application/vnd.oci.image.index.v1+json"

layout, registry, repository, tag = sys.argv[1:5]
account = sys.argv[5] if len(sys.argv) > 5 else None
blobs = pathlib.Path(layout) / "blobs" / "sha256"
base = f"http://{registry}/v2/{repository}"


def send(method, url, data=b"", content_type="application/octet-stream"):
    request = urllib.request.Request(url, data=data, method=method)
    request.add_header("Content-Type", content_type)
    if account:
        token = base64.b64encode(account.encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    with urllib.request.urlopen(request) as response:
        return response.headers


def content(digest):
    return (blobs / digest.removeprefix("sha256:")).read_bytes()


def push_blob(digest):
    place = send("POST", f"{base}/blobs/uploads/")["Location"]
    if place.startswith("/"):
        place = f"http://{registry}{place}"
    joint = "&" if "?" in place else "?"
    send("PUT", f"{place}{joint}digest={digest}", content(digest))


referrers = {}
for entry in json.loads((pathlib.Path(layout) / "index.json").read_bytes())["manifests"]:
    manifest = json.loads(content(entry["digest"]))
    for part in [manifest["config"], *manifest["layers"]]:
        push_blob(part["digest"])
    name = entry["digest"]
    if "org.opencontainers.image.ref.name" in entry.get("annotations", {}):
        name = tag
    send("PUT", f"{base}/manifests/{name}", content(entry["digest"]), entry["mediaType"])
    if "subject" in manifest:
        kind = manifest.get("artifactType") or manifest["config"]["mediaType"]
        listed = {key: entry[key] for key in ("mediaType", "digest", "size")}
        subject = manifest["subject"]["digest"]
        referrers.setdefault(subject, []).append({**listed, "artifactType": kind})

for subject, manifests in referrers.items():
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    name = subject.replace(":", "-")
    send("PUT", f"{base}/manifests/{name}", json.dumps(index).encode(), INDEX)
