"""What a long clip is to be made of: its windows with their prompts, and all that is given from outside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from vidgen.longvideo.history import History
from vidgen.longvideo.order import Settings
from vidgen.longvideo.planner import GROUP, Window
from vidgen.spec import Take
from vidgen.stages.conditioning import Conditioning


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """What is to be made. `prompts` are by span of the plan; `source` gives a window its clip's own latents.

    `pins` are latents given at places (shot, position) of the clip: pictures to be shown there, frames of a clip that
    is gone on from. `reference` are levels that colours are held to from the first window on. `control` is the
    condition of a window, and `control_name` says what it is; `kept` which of its source's latents stay.
    `transitions` are by span: over how many latent frames the prompt before still counts. With `loop` the last window
    ends on frame 1 of the first; one that `turns` may begin a few frames later.
    `clock` says, by shot, as which frame of the clip latent frame 1 begins; `until` is the last chunk to be made.
    `begin` and `end` are the latent frames of the first shot that are this clip's own; None: to its end. `history` is
    the clip that this one goes on from in latents, `run_up` the last latents before `begin`. `rerolls` is how many
    other seeds a chunk may try when its joint shows; 0 leaves all joints as they are. What is not `sealable` shows
    other frames than its latents do, and cannot be gone on from in latents. `group` is how many frames a
    latent frame shows. `from_the_end`: the last window is made first; what two windows share stays as it was.
    """

    windows: Sequence[Window]
    prompts: Sequence[str]
    seed: int
    settings: Settings
    takes: Sequence[Take] = ()
    pins: Mapping[tuple[int, int], Tensor] = field(default_factory=dict)
    reference: Tensor | None = None
    control: Callable[[Window], Conditioning | None] | None = None
    control_name: Callable[[Window], str] | None = None
    kept: Callable[[Window], Tensor] | None = None
    source: Callable[[Window], Tensor] | None = None
    transitions: Sequence[int] = ()
    loop: bool = False
    turns: bool = False
    clock: Sequence[int] = (1,)
    until: int | None = None
    begin: int = 0
    end: int | None = None
    history: History | None = None
    run_up: Tensor | None = None
    sealable: bool = True
    rerolls: int = 0
    group: int = GROUP
    from_the_end: bool = False

    def frames(self, shot: int, start: int, stop: int) -> tuple[int, int]:
        """First and last frame of the clip that latent frames `start` to `stop` show."""
        begin = self.clock[shot]
        first = begin + self.group * (start - 1) if start else begin - 1
        return first, begin + self.group * (stop - 1) - 1
