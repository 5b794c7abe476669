"""Starts the service's processes. It knows their names, not their insides: web and worker stay strangers."""

import fcntl
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from vidgen.child_processes import Child, StopSignal, Worker, stop_all
from vidgen.errors import VidgenError
from vidgen.jobs.database.session import make_engine, migrate
from vidgen.jobs.exposure import refuse_exposure
from vidgen.jobs.settings import Settings, load_settings, unknown_variables
from vidgen.jobs.tenants.keys import KeyRepository

POLL_SECONDS = 0.2


def run_web() -> None:
    """The web process, in this process."""
    settings = load_settings()
    tell_unknown_variables()
    migrate(settings)
    show_first_key(settings)
    import_module("vidgen_web.serve").main(settings)


def run_worker(name: str | None = None) -> int:
    """One worker process, in this process; returns its exit code. `name`: what its jobs say that they belong to."""
    settings = load_settings()
    tell_unknown_variables()
    migrate(settings)
    code: int = import_module("vidgen_workers.main").run_worker(settings, name=name)
    return code


def run_service(settings: Settings) -> int:
    """Web and worker as child processes until a signal comes; one that dies is started again.

    The database is migrated once, before either starts. Returns 0 after a clean stop, and the exit code of a child
    that ends by itself as soon as it is first started. Raises VidgenError address_unavailable and
    exposed_without_login, before anything is made or started.
    """
    refuse_exposure(settings)
    tell_unknown_variables()
    check_port(settings)
    with sole_launcher(settings):
        return _run_service(settings)


def _run_service(settings: Settings) -> int:
    migrate(settings)
    show_first_key(settings)
    stop = StopSignal()
    children = [Child("web"), Worker(settings)]
    try:
        while not stop.asked:
            for child in children:
                if child.is_hopeless():
                    print(f"{child.name} cannot start (exit code {child.exit_code}); see above", file=sys.stderr)
                    return child.exit_code or 1
                child.look_after()
            time.sleep(POLL_SECONDS)
    finally:
        stop_all(children)
    return 0


def check_port(settings: Settings) -> None:
    """Raise VidgenError address_unavailable when another program has the port, as a second `vidgen up` would find."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.create_server((settings.host, settings.port), family=family):
            pass
    except OSError as error:
        raise VidgenError(
            f"{settings.host}:{settings.port} cannot be used ({error.strerror}); is vidgen running already? "
            "Else set VIDGEN_PORT to a free port",
            code="address_unavailable",
        ) from error


@contextmanager
def sole_launcher(settings: Settings) -> Iterator[None]:
    """Held while the service runs. The port is bound seconds after the start, and a second launcher may come before.

    Raises VidgenError address_unavailable.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    # by port: two services with one data folder may well have two ports
    with (settings.data_dir / f"up-{settings.port}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise VidgenError(
                f"`vidgen up` is running already with this data folder and port {settings.port}",
                code="address_unavailable",
            ) from error
        yield


def tell_unknown_variables() -> None:
    """Say which VIDGEN_… variables are none of ours, and what was probably meant."""
    for name, nearest in unknown_variables().items():
        meant = f"; did you mean {nearest}?" if nearest else ""
        print(f"warning: {name} is not a setting and does nothing{meant}", file=sys.stderr, flush=True)


def show_first_key(settings: Settings) -> None:
    """Make the first API key of a new service and say where it lies; a person at a terminal also sees it, this once."""
    engine = make_engine(settings)
    try:
        file = KeyRepository(engine).create_first(settings.data_dir)
    finally:
        engine.dispose()
    if file is not None:
        # what is not a terminal is a log, and logs hold no secrets
        shown = f": {file.read_text()}" if sys.stdout.isatty() else ""
        needed = "; programs on this machine need none" if settings.auth == "local" else ""
        print(f"an API key was made{needed}; it is kept in {file}{shown}", flush=True)
