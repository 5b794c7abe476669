"""`python -m vidgen_workers`: a worker alone, with the settings of its environment."""

import sys

from vidgen.jobs.session import migrate
from vidgen.jobs.settings import load_settings
from vidgen_workers.main import run_worker

if __name__ == "__main__":
    settings = load_settings()
    migrate(settings)
    sys.exit(run_worker(settings))
