"""The web process: portal, HTTP API, event streams. It loads no torch, decodes no media and runs no jobs."""

from vidgen_web.app import create_app

__all__ = ["create_app"]
