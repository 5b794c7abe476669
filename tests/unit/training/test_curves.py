"""Learning curves out of what recipes print."""

from pathlib import Path
from xml.etree import ElementTree

from training.curves import described, panel, read, sheet, ticks

LOG = """5.73M parameters, 100 clips
50 1.00 min scene 0.9 text 0.3 clips/s 37.1
100 2.00 min scene 0.7 text 0.5 clips/s 35.2
5.73M parameters, begun anew
50 0.50 min scene 0.6 text 0.4 clips/s 30
"""


def test_a_run_that_began_anew_goes_on_in_time(tmp_path: Path) -> None:
    """Fails when minutes are taken as they stand: tried."""
    (tmp_path / "log").write_text(LOG)
    found = read(tmp_path / "log")
    assert found["scene"] == [(1.0, 0.9), (2.0, 0.7), (2.5, 0.6)]
    assert found["clips/s"][-1] == (2.5, 30)
    assert read(tmp_path / "log", smooth=2)["text"] == [(1.5, 0.4), (2.5, 0.4)]


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0, 80) == [0, 20, 40, 60, 80]
    assert ticks(25.1, 41.9) == [30, 35, 40]
    assert ticks(0.21, 0.88) == [0.4, 0.6, 0.8]


def test_a_sheet_is_a_picture_with_every_curve_and_what_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(LOG)
    drawn = sheet(
        [described(f"loss: {tmp_path / 'log'}: scene text", 1), panel("PSNR & <more>", {"a": [(0, 1), (2, 3)]}, 4)]
    )
    root = ElementTree.fromstring(drawn)
    lines = [element for element in root.iter() if element.tag.endswith("polyline")]
    assert len(lines) == 4
    assert sum("stroke-dasharray" in line.attrib for line in lines) == 1
    by_hand = described("PSNR: sprites = 559 38.6, 4381 40.05; film = 559 35.2, 4381 35.4: 41.5", 1, "steps")
    assert by_hand.count("<polyline") == 3
    assert ">steps<" in by_hand
    heights = [float(point.split(",")[1]) for point in lines[0].attrib["points"].split()]
    assert heights == sorted(heights), "a falling figure falls: y counts downwards"
    assert {"loss", "scene", "text", "PSNR & <more>"} <= {element.text for element in root.iter()}
