"""A token server as registries of Docker's have it, for tests: user `reader`, password `secret word`.

    token_server.py KEY CERTIFICATE     prints its port once it listens, and a line for each token
"""
import base64
import http.server
import json
import subprocess
import sys
import time
import urllib.parse

key, certificate = sys.argv[1:]
der = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"], capture_output=True, check=True).stdout


def coded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        expected = "Basic " + base64.b64encode(b"reader:secret word").decode()
        if self.headers.get("Authorization") != expected:
            self.send_response(401)
            self.end_headers()
            return
        access = []
        for scope in query.get("scope", []):
            for one in scope.split():
                kind, name, actions = one.rsplit(":", 1)[0].split(":", 1) + [one.rsplit(":", 1)[1]]
                access.append({"type": kind, "name": name, "actions": actions.split(",")})
        now = int(time.time())
        claims = {"iss": "tests", "sub": "reader", "aud": query["service"][0], "exp": now + 300, "nbf": now - 60,
                  "iat": now, "jti": str(now), "access": access}
        header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        text = coded(json.dumps(header).encode()) + b"." + coded(json.dumps(claims).encode())
        signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text, capture_output=True,
                                check=True).stdout
        body = json.dumps({"token": (text + b"." + coded(signed)).decode(), "expires_in": 300}).encode()
        print("token for", query.get("scope"), flush=True)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
print(server.server_port, flush=True)
server.serve_forever()
