"""The `vidgen` command, a module a verb; `options` are those of `render` that go together."""

from vidgen.cli.command import main

__all__ = ["main"]
