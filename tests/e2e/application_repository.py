"""The part of the Serverless Application Repository that `sam publish` needs: it creates an application, and keeps the request."""

import http.server
import json
import threading


class ApplicationRepository:
    def __init__(self):
        self.requests: list[dict] = []
        repository = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                repository.requests.append({"path": self.path, **body})
                response = {"applicationId": f"arn:aws:serverlessrepo:eu-west-1:123456789012:applications/{body.get('name')}"}
                content = json.dumps(response).encode()
                self.send_response(201)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
