"""The report in its forms: JSON, a picture, the command line; and the data file that its thresholds come from."""

import json
import math
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner

from tests.unit.quality.planted import AT, JOINTS, NUMBER, lighter, measured, moving
from vidgen.cli import main
from vidgen.errors import SpecError
from vidgen.media.writer import write_video
from vidgen.quality.seams import Joint, judge, plot
from vidgen.quality.seams.notation import joints_of
from vidgen.quality.seams.report import GHOST, MEASURES
from vidgen.quality.seams.thresholds import calibrated


@pytest.fixture(scope="module")
def stepped() -> np.ndarray:
    frames = moving()
    return np.concatenate([frames[:AT], lighter(frames[AT:], (16, 16, 16))])


def test_the_report_tells_every_measure_of_every_joint(stepped):
    report = json.loads(json.dumps(judge(measured(stepped), JOINTS).as_json()))
    assert (report["num_frames"], len(report["joints"])) == (60, len(JOINTS))
    assert report["verdicts"] == {"pass": len(JOINTS) - 1, "fail": 1, "cut": 0}
    joint = report["joints"][NUMBER]
    assert (joint["verdict"], joint["frames"]) == ("fail", [AT - 2, AT + 2])
    assert set(joint["measures"]) == set(MEASURES)
    colour = joint["measures"]["colour"]
    assert colour["frame"] == AT
    assert colour["score"] == pytest.approx(colour["z"] / colour["threshold"], abs=1e-3)
    assert joint["score"] >= colour["score"] > 1


def test_the_plot_is_a_picture_with_every_joint_and_measure(stepped):
    series = measured(stepped)
    drawn = ElementTree.fromstring(plot(series, judge(series, JOINTS)))
    words = [element.text for element in drawn.iter() if element.text]
    assert set(MEASURES) <= set(words)
    assert sum("joint " in word for word in words) == len(JOINTS)
    assert any("fail (" in word for word in words)
    assert len(drawn.findall("{*}polyline")) == len(MEASURES)


def test_every_measure_has_a_calibrated_threshold():
    limits = calibrated()
    assert set(limits.measures) == set(MEASURES)
    assert all(threshold.limit >= 1 for name, threshold in limits.measures.items() if name != GHOST)
    assert 0 < limits[GHOST].limit < math.log(2), "a ghost takes half of the detail at most"
    assert limits.provenance["films"]


def test_the_command_line_judges_named_joints(stepped, tmp_path):
    file, picture = write_video([stepped], tmp_path / "clip.mp4", fps=8).path, tmp_path / "seams.svg"
    asked = ["seams", str(file), "--joints", "12,34-38", "--plot", str(picture)]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 1
    assert "34-38  fail" in done.output
    assert "colour" in done.output
    ElementTree.parse(picture)
    report = json.loads(CliRunner().invoke(main, [*asked, "--json"]).output)
    assert [joint["verdict"] for joint in report["joints"]] == ["pass", "fail"]


def test_without_joints_the_whole_clip_is_looked_through(stepped, tmp_path):
    file = write_video([stepped], tmp_path / "clip.mp4", fps=8).path
    done = CliRunner().invoke(main, ["seams", str(file)])
    assert done.exit_code == 1
    assert "1 joints, 1 above" in done.output


def test_joints_are_written_as_frames_or_stretches():
    assert joints_of("25, 33-37", "30", 60) == (Joint(25, 25), Joint(30, 30, cut=True), Joint(33, 37))


@pytest.mark.parametrize(("text", "why"), [("0", "nearest is 1"), ("70", "nearest is 59"), ("x", "write the frame")])
def test_joints_that_are_none_are_refused(text, why):
    with pytest.raises(SpecError, match=why):
        joints_of(text, "", 60)
