"""What importing costs: the web process and the contracts stay free of torch and of decoders."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "diffusers", "transformers", "av", "decord", "cv2", "numpy")


@pytest.mark.parametrize(
    "module", ["vidgen", "vidgen.spec", "vidgen.cli", "vidgen.jobs.repository", "vidgen_models.registry", "vidgen_web"]
)
def test_importing_loads_nothing_heavy(module):
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
