"""A provider's API for tests: a real HTTP server that answers as scripted and keeps what it got."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Api:
    """What to answer next, and what has been asked so far."""

    def __init__(self):
        self.answer = (200, {})
        self.asked = []
        self.released = threading.Event()
        self.address = ""


@contextmanager
def running_api():
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            api.asked.append((self.path, dict(self.headers), body))
            if api.answer == "hang":
                api.released.wait(10)
                self.close_connection = True
                return
            if api.answer == "drop":
                self.close_connection = True
                self.connection.close()
                return
            status, said = api.answer
            data = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

        def handle_one_request(self):
            try:
                super().handle_one_request()
            except (OSError, ValueError):  # a connection that the script has dropped
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    api.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield api
    finally:
        api.released.set()
        server.shutdown()
        server.server_close()
