"""The control of the load bench: one Flask route that answers a constant, under the very server of `vidgen web`."""

import sys

from flask import Flask, Response, jsonify

from vidgen.jobs.settings import Settings
from vidgen_web.serve import bound

PATH = "/bare"


def main(port: int) -> None:
    app = Flask(__name__)

    @app.get(PATH)
    def bare() -> Response:
        return jsonify(status="ok")

    bound(app, Settings(port=port)).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
