"""`vidgen alive`: whether the processes of this host live, for the health checks of containers and service managers."""

import socket
import urllib.request

from sqlalchemy.exc import SQLAlchemyError

from vidgen.errors import VidgenError
from vidgen.jobs.database.session import make_engine
from vidgen.jobs.settings import Settings
from vidgen.jobs.state.figures import SEEN_SECONDS
from vidgen.jobs.state.presence import Presence

ANSWER_SECONDS = 4.0
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def check_web(settings: Settings) -> None:
    """Raises VidgenError not_alive unless the web process of this host answers."""
    host = ANYWHERE.get(settings.host, settings.host)
    place = f"[{host}]" if ":" in host else host
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://{place}:{settings.port}/healthz", timeout=ANSWER_SECONDS) as answer:
            answer.read()
    except OSError as error:
        raise VidgenError("the web process does not answer", code="not_alive") from error


def check_worker(settings: Settings) -> None:
    """Raises VidgenError not_alive unless a worker of this host told the database so lately."""
    engine = make_engine(settings)
    try:
        hosts = {worker.host for worker in Presence(engine).alive(SEEN_SECONDS)}
    except SQLAlchemyError as error:
        raise VidgenError("the database does not answer", code="not_alive") from error
    finally:
        engine.dispose()
    if socket.gethostname() not in hosts:
        raise VidgenError(f"no worker of this host was seen for {SEEN_SECONDS:.0f} s", code="not_alive")


PROCESSES = {"web": check_web, "worker": check_worker}
