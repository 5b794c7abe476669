"""Training is no installed package: it runs from the folder `models`, and so do its tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "models"))
