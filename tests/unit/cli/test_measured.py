"""What the command says of a conditioned clip: a line at least of all that a report can hold."""

import pytest

from tests.unit.web.test_portal_measured import REPORT
from vidgen.cli.measured import LINES, lines_of
from vidgen_web.api.conditioning import ConditioningReport

LATER = {
    "ends": [{"end": "prefix", "frames": 9, "requested": 99.0, "psnr": 40.0, "elsewhere": None, "why": "all given"}],
    "controls": [{"kind": "canny", "weight": 0.5, "start": 0.0, "end": 0.4, "requested": 1.0, "measured": 0.82}],
    "regions": [
        {"region": 0, "weight": 1.0, "measured": 0.4, "elsewhere": None, "why": "it covers all"},
        {"region": 1, "weight": 0.0, "requested": None, "measured": -0.7, "elsewhere": -0.6},
    ],
    "camera": [{"axes": {}, "fit": None, "why": "a plain ground"}],
}


@pytest.mark.parametrize("report", [REPORT, LATER], ids=["whole", "with reasons"])
def test_every_entry_of_every_kind_is_told(report):
    """With the reason, where something is not known. Fails when a kind has no line (tried: brushes), and when a region
    of the whole frame has none (as it was)."""
    assert LINES.keys() == ConditioningReport.model_fields.keys()
    for kind, entries in report.items():
        for entry in entries:
            lines = lines_of({kind: [entry]})
            assert lines
            assert "None" not in "".join(lines)
            if "why" in entry:
                assert entry["why"] in lines[-1]
    assert REPORT.keys() == LINES.keys()


def test_a_weight_and_a_share_of_the_steps_are_told_where_they_are_not_whole():
    """Fails when "1 asked" stands alone, as it did."""
    assert lines_of(LATER)[-4:] == [
        "control canny (weight 0.5, steps 0% to 40%): 1 asked, 0.82 measured",
        "prefix: 40 dB to the clip (99: equal), the others unknown (all given)",
        "regions.0: 0.4 of -1 to 1 its own prompt, unknown (it covers all) elsewhere",
        "regions.1 (weight 0): -0.7 of -1 to 1 its own prompt, -0.6 elsewhere",
    ]
