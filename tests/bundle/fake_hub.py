"""The Hugging Face hub in a temporary folder: its cache, and a server."""

import hashlib
import http.server
import json
import pathlib
import threading
import urllib.parse
from collections.abc import Mapping

COMMIT = '0123456789abcdef0123456789abcdef01234567'


def files(folder: pathlib.Path) -> dict[str, bytes]:
  """Contents of a folder by name."""
  return {path.name: path.read_bytes() for path in folder.iterdir()}


def keep(
    cache: pathlib.Path,
    repository: str,
    contents: Mapping[str, bytes],
    revision: str = 'main',
    commit: str = COMMIT,
) -> pathlib.Path:
  """Lays files out as the hub's cache has them; returns the snapshot."""
  storage = cache / f'models--{repository.replace("/", "--")}'
  snapshot = storage / 'snapshots' / commit
  for folder in (storage / 'blobs', storage / 'refs', snapshot):
    folder.mkdir(parents=True, exist_ok=True)
  for name, content in contents.items():
    blob = storage / 'blobs' / hashlib.sha256(content).hexdigest()
    blob.write_bytes(content)
    (snapshot / name).symlink_to(f'../../blobs/{blob.name}')
  (storage / 'refs' / revision).write_text(commit)
  return snapshot


class Server(http.server.ThreadingHTTPServer):
  """Answers downloads of repositories, each with a branch `main`.

  Attributes:
    repositories: Files by name, by repository.
    asked: Paths of the files that were asked for.
    url: Where it listens.
  """

  def __init__(self, repositories: Mapping[str, Mapping[str, bytes]]):
    super().__init__(('127.0.0.1', 0), _Handler)
    self.repositories, self.asked = repositories, []
    self.url = f'http://127.0.0.1:{self.server_port}'

  def __enter__(self) -> 'Server':
    threading.Thread(target=self.serve_forever, daemon=True).start()
    return self

  def __exit__(self, *error) -> None:
    self.shutdown()
    super().__exit__(*error)


class _Handler(http.server.BaseHTTPRequestHandler):
  server: Server

  def do_GET(self):
    words = urllib.parse.urlsplit(self.path).path.strip('/').split('/')
    words = words[2:] if words[:2] == ['api', 'models'] else words
    contents = self.server.repositories.get('/'.join(words[:2]))
    if contents is None:
      self._send(404, b'', {'X-Error-Code': 'RepoNotFound'})
    elif words[3] not in ('main', COMMIT):
      self._send(404, b'', {'X-Error-Code': 'RevisionNotFound'})
    elif words[2] == 'resolve':
      self._send_file(words[4], contents[words[4]])
    elif words[2] == 'tree':
      self._send(200, json.dumps(_listed(contents)).encode())
    else:
      about = {'id': '/'.join(words[:2]), 'sha': COMMIT, 'siblings': []}
      self._send(200, json.dumps(about).encode())

  do_HEAD = do_GET

  def _send_file(self, name, content):
    self.server.asked.append(name)
    etag = hashlib.sha256(content).hexdigest()
    headers = {'ETag': f'"{etag}"', 'X-Repo-Commit': COMMIT}
    self._send(200, content, headers)

  def _send(self, status, content, headers=()):
    self.send_response(status)
    for name, value in dict(headers).items():
      self.send_header(name, value)
    self.send_header('Content-Length', str(len(content)))
    self.end_headers()
    if self.command == 'GET':
      self.wfile.write(content)

  def log_message(self, *args):
    pass


def _listed(contents):
  return [
      {
          'type': 'file',
          'path': name,
          'size': len(content),
          'oid': hashlib.sha1(content).hexdigest(),
      }
      for name, content in contents.items()
  ]
