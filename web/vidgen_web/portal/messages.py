"""What the API and the engine say of wrong values and failed jobs, in the language of the request.

They speak English, with values in their sentences. A sentence that is known here is told by its form: its fixed
parts are translated, its values stay. Any other stays as it is. A test fails when a form is no longer said by anybody.
"""

import re
from functools import cache

from vidgen.jobs.views import Job
from vidgen_web.portal.languages import SOURCE, language, mark
from vidgen_web.portal.languages import gettext as _

FORMS = (
    mark("%(job)s is %(state)s: wait for its end"),
    mark("%(job)s was changed meanwhile: read it again"),
    mark("%(kind)s loses something always"),
    mark("%(model)s always ends on a given picture; give one"),
    mark("%(model)s cannot end on a given picture; leave it out"),
    mark("%(model)s does not take it; it takes %(others)s"),
    mark(
        "%(move)s of %(model)s goes at %(full)s at most, whatever is asked beyond that; slower speeds are followed; "
        "nearest is %(nearest)s"
    ),
    mark("%(word)s is read as letters; add %(embedding)s to advanced.embeddings"),
    mark("no text says %(word)s, so %(embedding)s changes nothing; write %(again)s in a prompt"),
    mark("%(model)s ignores it; leave it empty"),
    mark("%(model)s is not led by pictures; leave them out"),
    mark("%(model)s makes single windows only"),
    mark("%(model)s makes single windows only; leave them out"),
    mark("%(model)s takes no text; leave it empty"),
    mark("%(model)s takes no weights; write the words alone"),
    mark("%(model)s takes none; leave it out (%(others)s)"),
    mark("%(model)s was not trained to follow it; it takes %(others)s"),
    mark("%(n)s frames are one window; leave it out or ask for more than %(most)s"),
    mark("%(n)s frames in all; at most %(most)s"),
    mark("%(name)s knows no transparency; put it before remove-background"),
    mark("%(format)s has %(others)s; nearest is %(nearest)s"),
    mark("a loop is one shot; leave it out"),
    mark("a restyle follows its clip; leave it out"),
    mark("a restyle follows its source; leave it out"),
    mark("an extension backward leads up to its own clip; leave it out"),
    mark("an extension goes on from its own clip; leave it out"),
    mark("belongs to video-to-video; give the clip as video"),
    mark("files may have %(n)s MB at most"),
    mark("give a whole number of at most %(n)s digits"),
    mark("give box or media"),
    mark("give factor or fps"),
    mark("give frame or seconds"),
    mark("give frames or seconds"),
    mark("give text or image"),
    mark("it carries no transparency; %(others)s do; nearest is %(nearest)s"),
    mark("must be later than %(moment)s, the moment before"),
    mark("must be later than %(moment)s, the key before"),
    mark("nothing goes before it in its shot; leave it out"),
    mark("one is named twice; give it one weight"),
    mark("other files are being read; try again"),
    mark("takes none; %(others)s do"),
    mark("too many requests wait for other hosts; try again"),
    mark(
        "the clip holds %(n)s frames at %(fps)s a second, the result has %(wanted)s; "
        "give a longer one or ask for num_frames=%(most)s at most"
    ),
    mark(
        "holds %(n)s frames at %(fps)s a second, and %(wanted)s of each are learned; "
        "give a longer one, or ask for a smaller num_frames"
    ),
    mark("there is such a LoRA already; choose another name"),
    mark("a job that has not ended is made from it; cancel the job, or wait for its end"),
    mark("the clip has a mask already; give one of them"),
    mark("the database does not answer or is busy; try again in %(n)s s"),
    mark("the disk is full; nothing was changed"),
    mark("the file holds no recipe: another program wrote it, or took the recipe out"),
    mark("the file is empty"),
    mark("the file is not a picture or clip that can be read"),
    mark("the file takes too much time or memory to read"),
    mark("the keys say it already; give one of them"),
    mark("the preset %(preset)s says it already; give one of them"),
    mark("the service failed; its log says more"),
    mark("the source holds %(n)s frames; at least %(least)s are needed"),
    mark("there is no camera, trajectory, brush or flow control to be stronger"),
    mark("there is no job %(job)s"),
    mark("there is no such upload or artifact"),
    mark("there is nothing at this address"),
    mark("this field is not known"),
    mark("this form is not from a current page of this portal; reload the page and try again"),
    mark("this is a %(kind)s; give %(wanted)s"),
    mark("must be given"),
    mark("give a whole number"),
    mark("give a number"),
    mark("must be more than %(n)s"),
    mark("must be at least %(n)s"),
    mark("must be less than %(n)s"),
    mark("may be at most %(n)s"),
    mark("choose one of %(choices)s"),
    mark("give at least %(n)s, not %(given)s"),
    mark("must have %(n)s characters at least"),
    mark("may have at most %(n)s characters"),
    mark("must have the form %(pattern)s"),
    mark("give at most %(n)s, not %(given)s"),
    mark("choose one of %(choices)s; nearest is %(nearest)s"),
    mark("this field is not known; nearest is %(nearest)s"),
    mark("belongs to %(tasks)s; give %(wanted)s, or leave it out"),
    mark("belongs to %(tasks)s, and %(other)s to %(task)s; give one of them"),
    mark("belongs to %(tasks)s; leave out the task, or this"),
    mark("does not belong to %(task)s; leave it out"),
    mark("the clip has frames 0 to %(last)s; nearest is %(nearest)s"),
    mark("give a text"),
    mark("give a list"),
    mark("give true or false"),
    mark("%(n)s jobs are waiting, the most allowed; try again later"),
    mark("%(n)s jobs are waiting, and with %(more)s more it would be above %(limit)s; try again later"),
    mark("%(n)s of your jobs are waiting, the most allowed; try again later"),
    mark("%(n)s of your jobs are waiting, and with %(more)s more it would be above %(limit)s; try again later"),
)
# why a job failed, by its code
FAILURES = {
    "chunk_lost": mark("A finished chunk was damaged or removed."),
    "out_of_memory": mark("The device ran out of memory; a shorter or smaller clip may fit."),
    "render_hung": mark("It stood still and was ended, more often than allowed."),
    "start_deadline_passed": mark("It did not start in time."),
    "storage_failed": mark("Its files could not be stored."),
    "worker_lost": mark("The process that made it ended unexpectedly, more often than allowed."),
}
HOLE = re.compile(r"%\((\w+)\)s")


def said(message: str) -> str:
    """The message in the reader's language, where its form is known; else as it is."""
    for form, pattern in _patterns():
        if found := pattern.fullmatch(message):
            told = form if language() == SOURCE else _(form)
            return told % found.groupdict() if found.groupdict() else told
    return message


def failure(job: Job) -> str:
    """Why the job failed, in the reader's language where its code is known."""
    if job.error is None:
        return _("Failed")
    if language() != SOURCE and job.error.code in FAILURES:
        return _(FAILURES[job.error.code])
    return said(job.error.message)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Every form and what it matches, the most particular first."""
    ordered = sorted(FORMS, key=lambda form: -len(HOLE.sub("", form)))
    return tuple((form, re.compile(_pattern(form), re.DOTALL)) for form in ordered)


def _pattern(form: str) -> str:
    """Fixed parts as they are, each hole as a group."""
    parts = HOLE.split(form)
    return "".join(f"(?P<{part}>.+?)" if n % 2 else re.escape(part) for n, part in enumerate(parts))
