"""What the viewer says of a conditioned clip: what was asked for, beside what its frames do."""

import re

import pytest
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from tests.unit.web.portal_forms import send

PAN = {"requested": 3.0, "measured": 2.714, "over_time": [2.7]}
TURN = {"requested": 0.0, "measured": 0.0, "requested_over_time": [-2.0, 0, 0, 2.0], "over_time": [-1.0, 0, 0, 1.5]}
BLIND = {"requested": 1.0, "measured": None, "requested_over_time": [1.0], "over_time": [None]}
ROLL = {"requested": 0.0, "measured": 0.1, "over_time": []}
REPORT = {
    "camera": [{"axes": {"pan": PAN, "roll": ROLL, "tilt": TURN, "zoom": BLIND}, "fit": 0.9}],
    "pictures": [
        {"picture": "keyframes.1", "frame": 4, "seconds": 0.5, "psnr": 21.0, "elsewhere": 11.5},
        {"picture": "last_image", "frame": 16, "seconds": 2.0, "psnr": 27.5, "elsewhere": 12.0},
    ],
    "trajectories": [
        {"requested": [[0.3, 0.5], [0.7, 0.5]], "measured": [[0.31, 0.5], [0.66, 0.5]], "mean_error": 0.041},
        {"requested": [[0.3, 0.5], [0.7, 0.5]], "measured": None, "mean_error": None, "why": "a pattern"},
    ],
    "controls": [
        {"kind": "canny", "weight": 1.0, "requested": 1.0, "measured": 0.82},
        {"kind": "gray", "weight": 0.0, "start": 0.0, "end": 0.4, "requested": None, "measured": 0.2},
        {"kind": "pose", "weight": 1.0, "measured": None, "why": "no network draws it from frames"},
    ],
    "brushes": [{"requested": 1.0, "measured": 0.7}],
    "motion": [{"requested": 1.5, "unit": "times", "measured": None, "why": "no baseline", "widths_a_second": 0.31}],
    "mask": [{"requested": 99.0, "outside_psnr": 48.2, "inside_change": 33.0, "share": 0.4}],
    "regions": [
        {"region": 0, "prompt": "a <cat>", "share": 0.5, "measured": 0.571, "elsewhere": -0.6, "difference": 40.0},
        {"region": 1, "prompt": "a dog", "share": 0.5, "measured": 0.4, "elsewhere": None, "why": "all"},
        {"region": 2, "prompt": "a cow", "share": 0.5, "measured": None, "why": "not asked", "difference": 3.0},
    ],
    "references": [
        {"kind": "subject", "requested": 1.0, "measured": 0.41, "other_colours": 0.12},
        {"kind": "subject", "requested": 1.0, "measured": 0.3, "other_colours": None, "why": "grey"},
    ],
    "ends": [{"end": "suffix", "frames": 5, "psnr": 31.0, "requested": 99.0, "elsewhere": 12.5}],
}
ROWS = [
    ("Pan (right)", "3", "2.71"),
    ("Tilt (up)", "-2 → 2", "-1 → 1.5"),
    ("Zoom (in)", "1", "not measured"),
    ("Path 1", "0.3 / 0.5 → 0.7 / 0.5", "0.31 / 0.5 → 0.66 / 0.5, off by 4 % of the width"),
    ("Path 2", "0.3 / 0.5 → 0.7 / 0.5", "not measured"),
    ("Control: edges", "1", "0.82"),
    ("Control: light and dark", "nothing, weight 0, steps 0 to 40 %", "0.2"),
    ("Control: pose", "1", "not measured"),
    ("Motion brush", "1", "0.7"),
    ("Strength of the motion", "1.5", "0.31 widths a second"),
    ("Outside of the mask", "unchanged", "48.2 dB to the source"),
    ("Inside of the mask", "made anew", "33 of 255 grey levels off"),
    ("Clip after it", "its 5 frames", "31 dB to them; the other frames 12.5"),
    ("Picture 2", "0.5 s", "21 dB to it; the other frames 11.5"),
    ("Last picture", "2 s", "27.5 dB to it; the other frames 12"),
    ("Part of the frame 1", "a &lt;cat&gt;", "0.57 of -1 to 1; elsewhere -0.6"),
    ("Part of the frame 2", "a dog", "0.4 of -1 to 1"),
    ("Part of the frame 3", "a cow", "not measured"),
    ("Reference picture 1", "its colours", "41 %; of the same in other colours 12 %"),
    ("Reference picture 2", "its colours", "30 %"),
]


@pytest.mark.parametrize("report", [REPORT, None])
def test_the_viewer_tells_what_was_asked_and_measured(
    client: FlaskClient, worker: SimulatedWorker, report: dict[str, object] | None
) -> None:
    """Fails when axes that nobody asked for are told, too: tried. The control: a clip without a report."""
    send(client, prompt="a cat")
    claim = worker.claim()
    worker.succeed(claim, conditioning=report)
    for path in (f"/?job={claim.job_id}", f"/jobs/{claim.job_id}"):
        page = client.get(path).get_data(as_text=True)
        rows = re.findall(r'<th scope="row">([^<]+)</th><td>([^<]+)</td><td>([^<]+)</td>', page)
        assert rows == (ROWS if report else [])
