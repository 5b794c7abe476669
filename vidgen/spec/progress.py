"""What a running job says of itself."""

from dataclasses import dataclass

from vidgen.spec.status import Stage


@dataclass(frozen=True, slots=True)
class Progress:
    """`fraction` is the share of the whole run's work that is done, 0..1, and never falls within one attempt.

    `step`/`total_steps` count denoising steps (0/0 outside that stage), of the chunk in hand where a clip is made in
    several: `chunk` of `total_chunks`, from 1 (0/0 of a clip in one piece). `preview` is a small JPEG of the denoised
    estimate, or None when there is nothing new to look at.
    """

    stage: Stage
    fraction: float
    step: int = 0
    total_steps: int = 0
    preview: bytes | None = None
    chunk: int = 0
    total_chunks: int = 0
