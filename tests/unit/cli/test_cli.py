"""The command line: what it makes, and how it refuses."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from vidgen.cli import main
from vidgen.errors import SpecError
from vidgen.media.probe import probe
from vidgen.media.reader import every_frame
from vidgen.media.recall import recall


@pytest.fixture
def run(tiny_manifests, monkeypatch, tmp_path):
    monkeypatch.setenv("VIDGEN_MODEL_FOLDERS", str(tiny_manifests))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


def test_render_writes_a_clip_that_knows_its_settings(run, tmp_path):
    done = run("render", "a red cat", "--model", "tiny", "--frames", "5", "--seed", "3", "--out", "a.mp4")
    assert done.exit_code == 0, done.output
    info = probe(tmp_path / "a.mp4")
    assert info.num_frames == 5
    assert recall(tmp_path / "a.mp4").spec.seed == 3
    assert '"a red cat"' in run("probe", "a.mp4").output


def test_a_clip_can_be_animated_and_restyled(run, tmp_path):
    run("render", "a red cat", "--model", "tiny", "--out", "a.mp4")
    animated = run("render", "dog", "--model", "tiny", "--image", "a.mp4", "--frame", "-1", "--out", "b.mp4")
    restyled = run("render", "dog", "--model", "tiny", "--video", "a.mp4", "--strength", "0.5", "--out", "c.mp4")
    assert (animated.exit_code, restyled.exit_code) == (0, 0), animated.output + restyled.output
    assert probe(tmp_path / "c.mp4").num_frames == probe(tmp_path / "b.mp4").num_frames == 9


def test_a_long_clip_is_gone_on_with_and_retaken_from_its_chunks(run, tmp_path):
    long = ("render", "a red cat", "--model", "tiny", "--seconds", "4", "--seed", "3", "--chunks", "kept")
    made = run(*long, "--out", "a.mp4")
    assert made.exit_code == 0
    assert "1 joints, " in made.output
    first = {file.name for file in (tmp_path / "kept").glob("*.safetensors")}
    assert len(first) == 2
    assert run(*long, "--out", "b.mp4").exit_code == 0
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert run(*long, "--out", "c.mp4", "--retake", "1 9 the green dog").exit_code == 0
    assert first < {file.name for file in (tmp_path / "kept").glob("*.safetensors")}
    assert (tmp_path / "c.mp4").read_bytes() != (tmp_path / "a.mp4").read_bytes()


def test_a_clip_is_extended_from_its_chunks(run, tmp_path):
    clip = ("render", "a red cat", "--model", "tiny", "--seed", "3")
    assert run(*clip, "--frames", "9", "--out", "a.mp4", "--chunks", "a.chunks").exit_code == 0
    longer = ("--extend", "a.mp4", "--frames", "8", "--chunks", "b.chunks", "--from-chunks", "a.chunks")
    assert run(*clip, *longer, "--out", "b.mp4").exit_code == 0
    assert probe(tmp_path / "b.mp4").num_frames == 17
    assert len(list((tmp_path / "b.chunks").glob("5000*"))) == 2
    assert run(*clip, "--frames", "12", "--loop", "--out", "c.mp4").exit_code == 0
    assert probe(tmp_path / "c.mp4").num_frames == 12
    refused = run(*clip, "--backward", "--out", "d.mp4")
    assert "--extend" in refused.output


def test_segments_and_branches_are_written_in_a_line(run, tmp_path):
    parts = ("--segment", "17 a red cat", "--segment", "1s the dog spins", "--segment", "cut 5 a cat")
    done = run("render", "--model", "tiny", *parts, "--branch", "1 7", "--overlap", "4", "--out", "a.mp4")
    assert done.exit_code == 0, done.output
    spec = recall(tmp_path / "a.mp4").spec.model_dump()
    assert [(part["frames"], part["cut"], part["prompt"]) for part in spec["segments"]] == [
        (17, False, "a red cat"),
        (8, False, "the dog spins"),
        (5, True, "a cat"),
    ]
    assert (spec["long"]["overlap"], spec["long"]["takes"][0]["then"]) == (4, "remake")
    assert probe(tmp_path / "a.mp4").num_frames == 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--segment", "a cat"), "24 PROMPT"),
        (("--frames", "33", "--retake", "one"), "CHUNK SEED"),
        (("--seconds", "2", "--frames", "17"), "give one of num_frames"),
        (("--frames", "20"), "nearest are 17 and 21"),
        (("--model", "nope"), "installed are sprites-64, sprites-64-fast, tiny"),
        (("--strength", "0.5"), "belongs to --video"),
        (("--frame", "-1"), "belongs to --image"),
        (("--fps", "0"), "--fps: must be at least 1"),
        (("--camera", "pan-rigth"), "nearest is pan-right"),
        (("--camera", "pan=11"), "camera.pan: may be at most 10"),
        (("--camera", "at=0 pan=0; at=1 pan=-11"), "camera.keys.1.pan: must be at least -10"),
        (("--camera", "pan=1", "--camera", "pan=2"), "camera.pan: is given twice"),
        (("--camera", "pan=1 pan=2"), "camera.pan: is given twice"),
        (("--camera", "pan=1", "--camera", "zoom-in"), "camera.preset: says all of the camera"),
        (("--camera", "pan=1", "--camera", "zoom=1"), "pan, zoom at once"),
        (("--camera", "dolly-in"), "nearest is zoom"),
        (("--out", "nowhere/x.mp4"), "there is no folder nowhere"),
    ],
)
def test_refusals_are_one_readable_line(run, arguments, message):
    done = run("render", "a cat", *arguments)
    assert done.exit_code in (1, 2)
    assert message in done.output
    assert "Traceback" not in done.output


def test_a_refused_render_leaves_nothing(run, tmp_path):
    run("render", "a cat", "--model", "tiny", "--video", __file__, "--out", "x.mp4")
    assert list(tmp_path.iterdir()) == []


def test_models_lists_and_describes(run):
    assert "sprites-64" in run("models").output
    assert json.loads(run("models", "show", "tiny", "--json").output)["family"] == "wan_vace"
    told = run("models", "show", "sprites-64").output
    assert "frames      5 to 25 in steps of 4 (default 17); up to 961 in chunks; 8 fps" in told
    assert "penguin" in told
    assert max(map(len, told.splitlines())) <= 100


def test_words_that_the_model_does_not_know_are_told(run):
    """Fails when nothing is said; the clip is made all the same."""
    long = ("--frames", "5", "--steps", "1", "--out", "a.mp4")
    assert 'never shown "unicorn"' in run("render", "a unicorn spins", *long).output
    assert "never shown" not in run("render", "a penguin spins", *long).output


def test_the_list_of_keys_says_what_its_columns_are(run, monkeypatch, tmp_path):
    monkeypatch.setenv("VIDGEN_DATA_DIR", str(tmp_path / "data"))
    run("keys", "create", "--name", "laptop")
    head, row = run("keys", "list").output.splitlines()
    assert head.split() == ["ID", "TENANT", "SCOPES", "USE", "END", "NAME"]
    assert [head.index(word) for word in ("TENANT", "SCOPES", "USE", "NAME")] == [
        row.index(word) for word in ("local", "admin", "never", "laptop")
    ]


def test_the_queue_is_paused_and_resumed(run, monkeypatch, tmp_path):
    monkeypatch.setenv("VIDGEN_DATA_DIR", str(tmp_path / "data"))
    assert run("queue", "status").output.startswith("open\n0 queued, 0 running, 0 workers")
    paused = run("queue", "pause", "--reason", "cleaning")
    assert paused.exit_code == 0, paused.output
    assert paused.output.startswith("paused since ")
    assert "UTC: cleaning" in run("queue", "status").output
    assert run("queue", "resume").output.startswith("open\n")


def test_a_clip_can_end_on_a_picture(run, tmp_path):
    run("render", "a red cat", "--model", "tiny", "--out", "a.mp4")
    done = run("render", "dog", "--model", "tiny", "--image", "a.mp4", "--last-image", "a.mp4", "--out", "b.mp4")
    assert done.exit_code == 0, done.output
    assert recall(tmp_path / "b.mp4").spec.last_image.upload_id == "upl_last"
    assert "belongs to --image" in run("render", "dog", "--model", "tiny", "--last-image", "a.mp4").output


def test_what_a_file_recalls_renders_the_same_frames_again(run, tmp_path):
    """Fails when the recipe leaves a field of the spec out: tried with the seed."""
    asked = ("a red cat", "--model", "tiny", "--frames", "5", "--steps", "3", "--quality", "lossless")
    assert run("render", *asked, "--out", "a.webm").exit_code == 0
    (tmp_path / "spec.json").write_text(run("recall", "a.webm").output)
    again = run("render", "--spec", "spec.json", "--out", "b.webm")
    assert again.exit_code == 0, again.output
    first, second = (np.stack(list(every_frame(tmp_path / name))) for name in ("a.webm", "b.webm"))
    assert np.array_equal(first, second)
    assert first.std() > 1
    assert (tmp_path / "a.webm").read_bytes() == (tmp_path / "b.webm").read_bytes()


def test_a_recalled_source_must_be_the_same_file(run, tmp_path):
    run("render", "a red cat", "--model", "tiny", "--frames", "5", "--out", "a.mp4")
    run("render", "a dog", "--model", "tiny", "--frames", "5", "--out", "other.mp4")
    assert run("render", "x", "--model", "tiny", "--image", "a.mp4", "--frames", "5", "--out", "b.zip").exit_code == 0
    (tmp_path / "recipe.json").write_text(run("recall", "--all", "b.zip").output)
    assert str(tmp_path) not in (tmp_path / "recipe.json").read_text()
    spec = ("render", "--spec", "recipe.json", "--out", "c.zip")
    assert run(*spec, "--image", "a.mp4").exit_code == 0
    assert (tmp_path / "c.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert "not the file of the recipe" in run(*spec, "--image", "other.mp4").output
    assert "the spec names a source" in run(*spec).output
    assert "leave out num_frames, seed" in run(*spec, "--seed", "3", "--frames", "9").output


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "av1"), ("a.gif", None), ("a.webp", None), ("a.mov", None)])
def test_the_name_of_the_file_says_the_format(run, tmp_path, name, codec):
    more = ("--codec", codec) if codec else ()
    done = run("render", "a red cat", "--model", "tiny", "--frames", "5", "--out", name, *more)
    assert done.exit_code == 0, done.output
    assert probe(tmp_path / name).num_frames == 5
    wrong = run("render", "a red cat", "--model", "tiny", "--format", "webm", "--out", name)
    assert "webm files end with .webm" in wrong.output
    assert "no format ends so" in run("render", "a red cat", "--model", "tiny", "--out", "a.avi").output


def test_a_control_that_is_drawn_by_a_wrong_option_names_that_option(run):
    run("render", "a red cat", "--model", "tiny", "--frames", "5", "--out", "a.mp4")
    assert "Error: --smoothing: may be at most 1 [" in run("control", "canny", "a.mp4", "--smoothing", "3").output


def test_a_clip_is_processed_and_still_knows_how_it_was_made(run, tmp_path):
    run("render", "a red cat", "--model", "tiny", "--frames", "5", "--seed", "4", "--out", "a.mp4")
    done = run("process", "a.mp4", "--sharpen", "--watermark", "x", "--out", "b.webm")
    assert done.exit_code == 0, done.output
    assert probe(tmp_path / "b.webm").num_frames == 5
    told = json.loads(run("recall", "b.webm").output)
    assert (told["task"], told["seed"], [step["step"] for step in told["post"]]) == (
        "text-to-video",
        4,
        ["sharpen", "watermark"],
    )
    assert told["output"]["format"] == "webm"
    larger = run("process", "a.mp4", "--fps", "20", "--upscale", "2", "--normalise-colour", "--out", "d.zip")
    assert larger.exit_code == 0, larger.output
    info = probe(tmp_path / "d.zip")
    assert (info.num_frames, info.fps, info.width) == (11, 20, 64)
    assert run("watermark", "a.mp4").exit_code == 1
    marked = run("process", "a.mp4", "--upscale", "2", "--invisible-watermark", "c0ffee42", "--out", "e.mp4")
    assert marked.exit_code == 0, marked.output
    read = run("watermark", "e.mp4")
    assert (read.exit_code, read.output.split()[0]) == (0, "c0ffee42")
    assert json.loads(run("watermark", "e.mp4", "--json").output)["frames"] == 5
    wrong = run("process", "a.mp4", "--invisible-watermark", "zz", "--out", "f.mp4").output
    assert "--invisible-watermark: must have the form" in wrong
    clear = run("process", "a.mp4", "--remove-background", "#000000", "--out", "c.mp4")
    assert "output.format=mp4: it carries no transparency; webm, gif, webp, prores, png do" in clear.output
    assert "--sharpen: may be at most 3" in run("process", "a.mp4", "--sharpen", "9", "--out", "c.mp4").output
    assert "no JSON" in run("process", "a.mp4", "--step", "blur", "--out", "c.mp4").output


def test_a_region_is_a_box_or_a_mask_with_a_prompt(tmp_path):
    from vidgen.cli.options.regions import take_regions

    (tmp_path / "mask.png").write_bytes(b"mask")
    fields = {"regions": ("0,0,.5,1 a red cat", f"{tmp_path / 'mask.png'} the green dog")}
    media = take_regions(fields)
    box, mask = fields["regions"]
    assert (box.prompt, box.box.right, box.media) == ("a red cat", 0.5, None)
    assert (mask.prompt, media[mask.media.key]) == ("the green dog", tmp_path / "mask.png")
    with pytest.raises(SpecError, match=r"write `LEFT,TOP,RIGHT,BOTTOM PROMPT`"):
        take_regions({"regions": ("0,0,1 a cat",)})


def test_conditioning_items_are_options_of_render(run, tmp_path):
    """Fails when an option does not reach its field: tried (the brush)."""
    run("render", "a red cat", "--model", "tiny", "--frames", "9", "--out", "a.mp4")
    painted = np.zeros((32, 32, 3), np.uint8)
    painted[8:24, 8:24] = 255
    Image.fromarray(painted).save(tmp_path / "painted.png")
    led = ("render", "a red cat", "--model", "tiny", "--frames", "9", "--steps", "2", "--seed", "3")
    options = (
        ("--control", "canny a.mp4 weight=0.5 end=0.6", "--reference", "painted.png"),
        ("--motion-from", "a.mp4", "--motion-strength", "0.5"),
        ("--camera", "at=0 pan=0; at=1 pan=5", "--brush", "painted.png 0.2,0.5 0.8,0.5"),
        ("--trajectory", "0.2,0.5 0.5,0.2@0.3 0.8,0.5 box=0.4x0.3", "--prefix", "1 a.mp4", "--suffix", "a.mp4"),
        ("--video", "a.mp4", "--mask", "painted.png", "--invert-mask"),
        ("--video", "a.mp4", "--outpaint", "0.5,0,0.5,0"),
    )
    specs = []
    for number, more in enumerate(options):
        done = run(*led, *more, "--out", f"{number}.mp4")
        assert done.exit_code == 0, done.output
        specs.append(recall(tmp_path / f"{number}.mp4").spec)
    assert (specs[0].controls[0].kind, specs[0].controls[0].weight, specs[0].controls[0].end) == ("canny", 0.5, 0.6)
    assert (specs[1].controls[0].kind, specs[1].motion_strength) == ("flow", 0.5)
    assert (specs[2].camera.keys[1].pan, specs[2].brushes[0].points[1].x) == (5, 0.8)
    assert [point.at for point in specs[3].trajectories[0].points] == [0, 0.3, 1]
    assert (specs[3].trajectories[0].height, specs[3].prefix.frames, specs[3].suffix.frames) == (0.3, 1, 4)
    assert specs[4].mask.invert
    assert specs[5].outpaint.left == 0.5
    for wrong in (
        ("--camera", "up"),
        ("--control", "canny nowhere.mp4"),
        ("--trajectory", "0.1,0.1"),
        ("--outpaint", "1"),
    ):
        refused = run(*led, *wrong)
        assert refused.exit_code == 1
        assert "write" in refused.output


def test_what_was_measured_of_regions_references_and_pictures_is_told_a_line_each(run, tmp_path):
    """And of what is not measured why. Fails when a kind of item is left out: tried
    (regions)."""
    painted = np.full((32, 32, 3), 255, np.uint8)
    painted[8:24, 8:24] = (200, 40, 170)
    Image.fromarray(painted).save(tmp_path / "p.png")
    items = ("--region", "0,0,.5,1 the green dog", "--reference", "p.png", "--trajectory", "0.2,0.5 0.8,0.5")
    short = ("--frames", "9", "--steps", "1", "--seed", "3", "--out", "a.mp4")
    done = run("render", "a red cat", "--model", "tiny", "--image", "p.png", *items, *short)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    for told in (
        r"regions\.0: -?[\d.e-]+ of -1 to 1 its own prompt, -?[\d.e-]+ elsewhere",
        r"reference: \d+% of its colours, \d+% of the same in other colours",
        r"image: frame 0 is [\d.]+ dB from it, the others [\d.]+",
        r"trajectory: (not measured; .* pattern.*|[\d.]+% of the width off)",
    ):
        assert any(re.fullmatch(told, line) for line in lines), (told, lines)


def test_a_control_video_is_drawn_and_followed(run, tmp_path):
    """Fails when the size is not looked at: tried."""
    run("render", "a red cat", "--model", "tiny", "--frames", "9", "--out", "a.mp4")
    drawn = run("control", "canny", "a.mp4", "--size", "48x48", "--out", "edges.mp4")
    assert drawn.exit_code == 0, drawn.output
    info = probe(tmp_path / "edges.mp4")
    assert (info.width, info.num_frames) == (48, 9)
    led = run(
        "render", "dog", "--model", "tiny", "--frames", "9", "--control", "canny edges.mp4 drawn", "--out", "b.mp4"
    )
    assert led.exit_code == 0, led.output
    assert "control canny: 1 asked, " in led.output
    refused = run("control", "pose", "a.mp4", "--out", "c.mp4")
    assert (refused.exit_code, "no pose network is installed" in refused.output) == (1, True)


def test_a_recalled_clip_with_items_takes_their_files(run, tmp_path):
    """And gives the same clip again. Fails when the file of an item is not asked for: tried."""
    run("render", "a red cat", "--model", "tiny", "--frames", "9", "--out", "a.mp4")
    asked = ("--frames", "9", "--steps", "2", "--control", "gray a.mp4", "--out", "b.mp4")
    assert run("render", "dog", "--model", "tiny", *asked).exit_code == 0
    (tmp_path / "spec.json").write_text(run("recall", "b.mp4").output)
    again = ("render", "--spec", "spec.json", "--out", "c.mp4")
    refused = run(*again)
    assert (refused.exit_code, "give controls.0.video=FILE" in refused.output) == (1, True)
    made = run(*again, "--media", "controls.0.video=a.mp4")
    assert made.exit_code == 0, made.output
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()
    assert "write FIELD=FILE" in run(*again, "--media", "controls.1.video=a.mp4").output
