#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry for tests that can misbehave.

usage: registry.py DIR [ADDRESS [CERT KEY]]

Serves DIR/blobs/HEX and DIR/manifests/REF (its media type is in REF.type) for every repository, takes
pushes, and writes its port to DIR/port and a line for each request to DIR/log:
METHOD PATH STATUS auth=SCHEME|none range=VALUE|none; DIR/seen gets all of its headers and forms.
DIR/rules is read at each request, a rule a line:

  MATCH ACTION [KEY=VALUE...]     for paths that contain MATCH; times=N: only the first N times

  status code=N [after=SECONDS] [body=TEXT]   answer so (after: Retry-After)
  cut at=N                                    send N bytes of the body, then break the connection
  slow                                        send half of the body, then nothing for a minute
  redirect to=URL [code=N]                    to=URL/PATH of the request, or URL itself with exact=1
  norange                                     ignore Range
  bytes from=FILE                             another body
  header name=N value=V                       one more header
  type value=T                                another Content-Type
  wait ms=N                                   before the answer
  endless code=N                              answer so, with a body without end
  open                                        announce more than comes, then break off
  badrange [start=N]                          answer ranges by 416, or by one that begins at N

$CLIENT_CA: the authority of those who may connect.
DIR/auth says what is asked for: `basic USER:PASSWORD` (percent-encoded), or `token USER:PASSWORD REALM [SERVICE]`; then
/token here is a token server. A file DIR/realm replaces the whole challenge.
"""
import base64, hashlib, json, os, socket, ssl, sys, threading, time, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

root = sys.argv[1]
used = {}
lock = threading.Lock()


def read(name, default=""):
    try:
        with open(os.path.join(root, name)) as f:
            return f.read()
    except FileNotFoundError:
        return default


def rules(path):
    for number, line in enumerate(read("rules").splitlines()):
        words = line.split()
        if len(words) < 2 or words[0] not in path:
            continue
        args = dict(w.split("=", 1) for w in words[2:])
        with lock:
            key = (number, line)
            used[key] = used.get(key, 0) + 1
            if "times" in args and used[key] > int(args["times"]):
                continue
        yield words[1], args


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    disable_nagle_algorithm = True  # head and body are two packets

    def log_message(self, *args):
        pass

    def log(self, status):
        auth = self.headers.get("Authorization", "none").split()[0]
        line = "%s %s %s auth=%s range=%s\n" % (
            self.command, self.path, status, auth, self.headers.get("Range", "none"))
        with lock, open(os.path.join(root, "log"), "a") as f:
            f.write(line)
        self.see("%s %s\n%s" % (self.command, self.path, self.headers))

    def see(self, text):
        with lock, open(os.path.join(root, "seen"), "a") as f:
            f.write(text + "\n")

    def answer(self, status, body=b"", headers=(), content_type="application/json"):
        self.log(status)
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        if not any(n == "Content-Length" for n, _ in headers):
            more = any(action == "open" for action, _ in self.actions)
            self.send_header("Content-Length", str(len(body) + more))
            self.close_connection |= more
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.send_body(body)

    def send_body(self, body):
        for action, args in self.actions:
            if action == "cut":
                self.wfile.write(body[: int(args["at"])])
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            if action == "slow":
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                time.sleep(60)
        self.wfile.write(body)

    def authorized(self, path):
        words = read("auth").split()
        if not words:
            return True
        got = self.headers.get("Authorization", "")
        basic = "Basic " + base64.b64encode(urllib.parse.unquote(words[1]).encode()).decode()
        if path.startswith("/token"):
            self.token(words, got == basic)
            return False
        if words[0] == "basic":
            challenge = 'Basic realm="test"'
            ok = got == basic
        else:
            challenge = 'Bearer realm="%s",service="test"' % words[2]
            ok = got == "Bearer " + read("token", "none")
        if not ok:
            self.body()
            challenge = read("realm").strip() or challenge
            self.answer(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}',
                        [("WWW-Authenticate", challenge)])
        return ok

    def token(self, words, known):
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length).decode()
        self.see(text)
        form = urllib.parse.parse_qs(text)
        if form.get("refresh_token") == ["identity"]:
            known = True
        if not known and words[1] != "anonymous:":
            return self.answer(401, b"{}")
        token = "t" + hashlib.sha256(os.urandom(8)).hexdigest()
        with open(os.path.join(root, "token"), "w") as f:
            f.write(token)
        self.answer(200, json.dumps({"token": token, "expires_in": 60}).encode())

    def serve(self):
        path = urllib.parse.urlsplit(self.path).path
        self.actions = list(rules(self.path))
        for action, args in self.actions:
            if action == "wait":
                time.sleep(int(args["ms"]) / 1000)
            if action == "endless":
                return self.endless(int(args["code"]))
            if action == "redirect":
                to = args["to"] if "exact" in args else args["to"] + self.path
                return self.answer(int(args.get("code", 307)), b"", [("Location", to)])
            if action == "status":
                self.body()
                more = [("Retry-After", args["after"])] if "after" in args else []
                return self.answer(int(args["code"]), args.get("body", "{}").encode(), more)
        if not self.authorized(path):
            return None
        if path in ("/v2/", "/v2"):
            return self.answer(200, b"{}")
        if "/blobs/uploads/" in path:
            return self.upload(path)
        if path.endswith("/tags/list"):
            return self.tags()
        if path == "/v2/_catalog":
            return self.answer(200, json.dumps({"repositories": ["a/one", "a/two"]}).encode())
        if self.command == "PUT":
            return self.put_manifest(path)
        return self.get(path)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = serve

    def endless(self, code):
        self.log(code)
        self.send_response(code)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        while True:
            self.wfile.write(b" " * 4096)

    def tags(self):
        tags = sorted(n for n in os.listdir(os.path.join(root, "manifests"))
                      if ":" not in n and not n.endswith(".type"))
        headers = [("Link", read("link").strip())] if read("link") else []
        self.answer(200, json.dumps({"name": "x", "tags": tags}).encode(), headers)

    def get(self, path):
        ref = path.rsplit("/", 1)[1]
        blob = "/blobs/" in path
        name = "blobs/" + ref.replace("sha256:", "") if blob else "manifests/" + ref
        file = os.path.join(root, name)
        kind = "application/octet-stream" if blob else read(name + ".type").strip()
        headers = []
        for action, args in self.actions:
            if action == "bytes":
                file = os.path.join(root, args["from"])
            if action == "header":
                headers.append((args["name"], args["value"]))
            if action == "type":
                kind = args["value"]
        if not os.path.isfile(file):
            return self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such thing"}]}')
        with open(file, "rb") as f:
            body = f.read()
        wanted = self.headers.get("Range")
        if wanted and not any(a == "norange" for a, _ in self.actions):
            start = int(wanted.split("=")[1].split("-")[0])
            for action, args in self.actions:
                if action == "badrange" and "start" not in args:
                    return self.answer(416)
                if action == "badrange":
                    start = int(args["start"])
            headers.append(("Content-Range", "bytes %d-%d/%d" % (start, len(body) - 1, len(body))))
            return self.answer(206, body[start:], headers, kind)
        return self.answer(200, body, headers, kind)

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while True:
                n = int(self.rfile.readline(), 16)
                data += self.rfile.read(n)
                self.rfile.readline()
                if n == 0:
                    return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def upload(self, path):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        data = self.body()
        session = os.path.join(root, "upload." + path.rsplit("/", 1)[1])
        if self.command == "POST":
            digest = query.get("mount", [""])[0].replace("sha256:", "")
            if digest and read("mounts") and os.path.exists(os.path.join(root, "blobs", digest)):
                return self.answer(201)
            return self.answer(202, b"", [("Location", path + hashlib.sha256(os.urandom(8)).hexdigest() + "?state=x")])
        with open(session, "ab") as f:
            f.write(data)
        if self.command == "PATCH":
            return self.answer(202, b"", [("Location", self.path)])
        with open(session, "rb") as f:
            data = f.read()
        os.unlink(session)
        digest = query["digest"][0].replace("sha256:", "")
        if hashlib.sha256(data).hexdigest() != digest:
            return self.answer(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"digest"}]}')
        with open(os.path.join(root, "blobs", digest), "wb") as f:
            f.write(data)
        return self.answer(201)

    def put_manifest(self, path):
        data = self.body()
        for name in (path.rsplit("/", 1)[1], "sha256:" + hashlib.sha256(data).hexdigest()):
            with open(os.path.join(root, "manifests", name), "wb") as f:
                f.write(data)
            with open(os.path.join(root, "manifests", name + ".type"), "w") as f:
                f.write(self.headers.get("Content-Type", ""))
        self.answer(201)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass


address = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
if ":" in address:
    Server.address_family = socket.AF_INET6
server = Server((address, 0), Handler)
if len(sys.argv) > 4:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    if os.environ.get("OLD_TLS"):
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    if os.environ.get("CLIENT_CA"):
        context.load_verify_locations(os.environ["CLIENT_CA"])
        context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(os.path.join(root, "port.new"), "w") as f:
    f.write(str(server.server_address[1]))
os.rename(os.path.join(root, "port.new"), os.path.join(root, "port"))
server.serve_forever()
