"""The real web process in a thread, for tests and measurements that look at it through a browser."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from waitress.server import TcpWSGIServer

from vidgen.jobs.settings import Settings
from vidgen_web import create_app
from vidgen_web.serve import bound
from vidgen_web.services import EXTENSION

ROOT = Path(__file__).parents[1]
# the program that draws controls, out of this working tree
DRAW = (
    sys.executable,
    "-c",
    f"import sys; sys.path[:0] = {[str(ROOT / part) for part in ('', 'models')]!r}; "
    "from vidgen.motion.controls.strip import main; sys.exit(main(sys.argv[1:]))",
)


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """Where the server of a migrated database listens, until the block ends."""
    app = create_app(settings, draw_command=DRAW)
    services = app.extensions[EXTENSION]
    server = bound(app, settings)
    assert isinstance(server, TcpWSGIServer), "one address"
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    services.stopping.set()
    server.task_dispatcher.shutdown(timeout=5)
    # closed by the thread that uses the sockets; it ends when none is left, and may have done so before it was woken up
    with suppress(OSError):
        server.trigger.pull_trigger(lambda: _close_all(server))
    thread.join(timeout=10)
    assert not thread.is_alive()
    services.engine.dispose()


def _close_all(server: TcpWSGIServer) -> None:
    for channel in list(server.active_channels.values()):
        channel.handle_close()
    server.close()
