"""`python -m vidgen_workers`: a worker alone, with the settings of its environment."""

import sys

from vidgen.errors import VidgenError
from vidgen.jobs.database.session import migrate
from vidgen.jobs.settings import load_settings
from vidgen_workers.main import run_worker

if __name__ == "__main__":
    try:
        settings = load_settings()
        migrate(settings)
    except VidgenError as error:
        sys.exit(f"Error: {error.message} [{error.code}]")
    sys.exit(run_worker(settings))
