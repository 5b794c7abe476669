"""The chunks of a long clip as the viewer shows them: each with its picture, and with another take of it."""

from dataclasses import dataclass, replace

from vidgen.jobs.views import FinishedChunk, Job
from vidgen_web import variations
from vidgen_web.caller import caller
from vidgen_web.portal.seams import Seam, seam_before, seams_of
from vidgen_web.services import Services


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk, or the latest take of it, and its joint to what goes before it.

    Frames count from 1; `picture` is empty where none was kept, `seam` where nothing was measured.
    """

    chunk: int
    first: int
    last: int
    seed: int
    prompt: str
    picture: str
    take: bool
    seam: Seam | None


def timeline(found: Services, job: Job) -> list[Piece]:
    """The chunks that were made so far, in the clip's order; none of a clip in one piece."""
    if job.spec.long is None:
        return []
    latest: dict[int, Piece] = {}
    seams = seams_of(found, job)
    for chunk in found.jobs.chunks(job.id):
        if variations.is_chunk(chunk):
            place = variations.place_of(chunk)
            piece, before = _piece(found, job, place, chunk, seams), latest.get(place)
            # colours matched anew are no picture of their own: what it shows is what was there before
            latest[place] = replace(piece, picture=before.picture) if before and not piece.picture else piece
    return [latest[place] for place in sorted(latest)]


def _piece(found: Services, job: Job, place: int, chunk: FinishedChunk, seams: list[Seam]) -> Piece:
    about = chunk.about
    shown = found.store.chunk_picture(job.id, chunk.n).is_file()
    first, last = int(about.get("first_frame", 0)), int(about.get("last_frame", 0))
    return Piece(
        chunk=place,
        first=first + 1,
        last=last + 1,
        seed=chunk.seed,
        prompt=str(about.get("prompt") or job.spec.prompt),
        picture=f"{caller().api}/jobs/{job.id}/chunks/{chunk.n}/preview" if shown else "",
        take=about.get("take") is not None,
        seam=seam_before(seams, first, last) if place else None,
    )
