"""A server with TLS that wants a client certificate, in front of a registry without.

    front.py REGISTRY CERTIFICATE KEY AUTHORITY

Says where it listens, and passes GET and HEAD on.
"""

import http.client
import http.server
import ssl
import sys

registry, certificate, key, authority = sys.argv[1:5]


class Front(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        behind = http.client.HTTPConnection(registry)
        headers = {"Accept": self.headers.get("Accept", "*/*"), "Host": registry}
        behind.request(self.command, self.path, headers=headers)
        answer = behind.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name in ("Content-Type", "Docker-Content-Digest", "OCI-Filters-Applied"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        length = answer.headers["Content-Length"] if self.command == "HEAD" else len(body)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """Clients without a certificate are what this is for."""


server = Server(("127.0.0.1", 0), Front)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
context.load_verify_locations(authority)
context.verify_mode = ssl.CERT_REQUIRED
# The handshake is done by the thread of the connection.
server.socket = context.wrap_socket(
    server.socket, server_side=True, do_handshake_on_connect=False
)
print(f"listening on 127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
