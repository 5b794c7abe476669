import pytest

from vidgen.spec import Progress, Stage
from vidgen_workers.protocol import (
    Cancel,
    Exited,
    Failed,
    Finished,
    Message,
    Reported,
    Run,
    WasCancelled,
    decode,
    encode,
)

MESSAGES: list[Message] = [
    Run("job_1", {"prompt": "zwei\nZeilen"}, {"upl_1": "/x/y.png"}, "/out"),
    Cancel(),
    Reported("denoising", 0.5, 1, 2, None),
    Failed("invalid_media", "no clip", False),
    WasCancelled(),
    Exited(),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.kind)
def test_messages_survive_the_pipe_as_one_line(message: Message) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line) == message


def test_files_survive_as_a_list() -> None:
    finished = decode(encode(Finished(({"kind": "video", "path": "/x"},))))
    assert isinstance(finished, Finished)
    assert list(finished.files) == [{"kind": "video", "path": "/x"}]


def test_progress_survives_with_its_preview() -> None:
    progress = Progress(Stage.DENOISING, 0.25, 1, 4, preview=b"\xff\xd8\x00")
    reported = decode(encode(Reported.of(progress)))
    assert isinstance(reported, Reported)
    assert reported.progress() == progress


@pytest.mark.parametrize("line", [b"", b"hello\n", b"{}", b"[]", b'{"kind":"nonsense"}', b'{"kind":"run"}'])
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="protocol"):
        decode(line)
