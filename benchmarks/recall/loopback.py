"""An endpoint for embeddings on loopback, in OpenAI's form: POST /v1/embeddings, one JSON a reply.

It stands in for a hosted one in ``embeddings.py``, so that the client, the protocol and the network
stack are real where no key is at hand. The model behind it is the ONNX model in a folder, the
same as in the row of fastembed: the two rows differ in time only. It prints its address and
serves until it is ended.

    python benchmarks/recall/loopback.py FOLDER
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from analyst.memory.embedding import FolderEmbedder
from analyst.memory.errors import EmbeddingError

EMBEDDER = FolderEmbedder(sys.argv[1])


class Embeddings(BaseHTTPRequestHandler):
    """Answers each request with the embeddings of its texts."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        found = EMBEDDER.embed(texts).tolist() if self.path == "/v1/embeddings" else None
        reply = {
            "object": "list",
            "model": asked.get("model", ""),
            "usage": {"prompt_tokens": 0, "total_tokens": 0},
            "data": [
                {"object": "embedding", "index": index, "embedding": vector}
                for index, vector in enumerate(found or [])
            ],
        }
        data = json.dumps(reply).encode()
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def main() -> None:
    try:
        EMBEDDER.embed(["warm up"])
    except EmbeddingError as error:
        sys.exit(str(error))
    with ThreadingHTTPServer(("127.0.0.1", 0), Embeddings) as server:
        print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
