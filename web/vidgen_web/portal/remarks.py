"""What a person should know of a request that is no fault, as sentences in the language of the page."""

from collections.abc import Iterable

from vidgen_models.words import Remark
from vidgen_web.portal import words
from vidgen_web.portal.composer.labels import label
from vidgen_web.portal.languages import gettext as _
from vidgen_web.portal.messages import said

UNKNOWN = "unknown_words"


def sentences(remarks: Iterable[Remark]) -> tuple[str, ...]:
    """Unknown words of all prompts together, then each other remark with the name of its field."""
    found = tuple(remarks)
    unknown = dict.fromkeys(word for it in found if it.code == UNKNOWN for word in it.words)
    first = (_("This model was not taught: %(words)s", words=", ".join(unknown)),) if unknown else ()
    others = (f"{label(it.field)}: {said(words.PREFIX.sub('', it.message))}" for it in found if it.code != UNKNOWN)
    return (*first, *others)
