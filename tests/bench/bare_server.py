"""The control of the load bench: one Flask route that answers a constant, under the same server as `vidgen web`."""

import sys

from flask import Flask, Response, jsonify
from waitress import serve

from vidgen_web.services import SERVER_THREADS

PATH = "/bare"


def main(port: int) -> None:
    app = Flask(__name__)

    @app.get(PATH)
    def bare() -> Response:
        return jsonify(status="ok")

    serve(app, host="127.0.0.1", port=port, threads=SERVER_THREADS, channel_request_lookahead=1, _quiet=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
