"""A hub on this machine: as much of one as `datasets` and `huggingface_hub` need to read public sets."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@contextmanager
def fake_hub(sets: dict[str, dict[str, dict[str, bytes]]]) -> Iterator[str]:
    """The address of a hub with these sets: {id: {revision: {path: what is in the file}}}."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"sets": sets}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sets: dict[str, dict[str, dict[str, bytes]]]

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        asked = re.match(r"(/api)?/datasets/([^/]+/[^/]+)/(revision|tree|resolve)/(.*)", path)
        if not asked:
            return self.answer(b"", 404)
        api, name, what, rest = asked.groups()
        for revision, files in self.sets.get(name, {}).items():
            commit = sha1((name + revision).encode()).hexdigest()
            for known_as in (commit, revision):
                if rest == known_as or rest.startswith(known_as + "/"):
                    inner = rest[len(known_as) + 1 :]
                    return (
                        self.file(commit, files, inner)
                        if not api
                        else self.facts(name, commit, files, what, inner)
                    )
        self.answer(b"", 404, X_Error_Code="RevisionNotFound" if name in self.sets else "RepoNotFound")

    do_HEAD = do_GET

    def facts(self, name: str, commit: str, files: dict[str, bytes], what: str, folder: str):
        if what == "revision":
            siblings = [{"rfilename": path} for path in files]
            return self.answer(
                json.dumps({"id": name, "sha": commit, "siblings": siblings, "tags": []}).encode()
            )
        inside = [path for path in files if path.startswith(folder + "/" if folder else "")]
        if not inside:
            return self.answer(b"", 404, X_Error_Code="EntryNotFound")
        folders = {path.rsplit("/", i)[0] for path in inside for i in range(1, path.count("/") + 1)} - {
            folder
        }
        out = [{"type": "directory", "path": path, "oid": "0"} for path in folders if path.startswith(folder)]
        out += [{"type": "file", "path": path, "oid": "0", "size": len(files[path])} for path in inside]
        if "recursive=true" not in self.path:
            depth = folder.count("/") + bool(folder)
            out = [entry for entry in out if entry["path"].count("/") == depth]
        self.answer(json.dumps(out).encode())

    def file(self, commit: str, files: dict[str, bytes], path: str):
        if path not in files:
            return self.answer(b"", 404, X_Repo_Commit=commit, X_Error_Code="EntryNotFound")
        data, size = files[path], len(files[path])
        facts = {"X_Repo_Commit": commit, "ETag": f'"{sha1(data).hexdigest()}"'}
        if part := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            start, end = int(part[1]), min(int(part[2] or size), size - 1)
            return self.answer(
                data[start : end + 1], 206, Content_Range=f"bytes {start}-{end}/{size}", **facts
            )
        self.answer(data, **facts)

    def answer(self, body: bytes, status: int = 200, **headers: str):
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
