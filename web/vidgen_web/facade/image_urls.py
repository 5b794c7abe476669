"""Pictures that a client names by URL: fetched from public addresses only, or read out of a data: URL.

What comes back is bytes from outside like any uploaded file, and takes the same way from there.
"""

import base64
import binascii
import re
from io import BytesIO

from werkzeug.datastructures import FileStorage

from vidgen.errors import VidgenError
from vidgen.jobs.outbound.fetching import fetch
from vidgen_web.calls_outside import call_outside
from vidgen_web.problems import FieldError, ProblemError
from vidgen_web.services import Services

PICTURE_LIMIT = 10 << 20
# base64 writes three bytes as four letters
URL_LIMIT = PICTURE_LIMIT // 3 * 4 + 200
DATA_URL = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,(.*)", re.DOTALL)
FIELD = "input_reference.image_url"


def picture(services: Services, url: str) -> FileStorage:
    """The file behind a URL. Raises ProblemError url_refused, url_unreachable, invalid_media or too_many_calls."""
    try:
        content = _inline(url) if url.startswith("data:") else _fetched(services, url)
    except ProblemError:
        raise  # too many calls: nothing is wrong with the field
    except VidgenError as error:
        problem = FieldError(field=FIELD, message=error.message)
        raise ProblemError(error.code, f"{FIELD}: {error.message}", errors=(problem,)) from error
    return FileStorage(BytesIO(content), filename="input_reference")


def _inline(url: str) -> bytes:
    found = DATA_URL.fullmatch(url)
    if found is None or len(url) > URL_LIMIT:
        raise VidgenError(
            f"data: URLs are read as data:image/…;base64,… of {PICTURE_LIMIT >> 20} MB at most", code="invalid_media"
        )
    try:
        return base64.b64decode(found[1], validate=True)
    except (binascii.Error, ValueError) as error:
        raise VidgenError("the data: URL is not valid base64", code="invalid_media") from error


def _fetched(services: Services, url: str) -> bytes:
    with call_outside(services):
        return fetch(url, limit=PICTURE_LIMIT, allow=services.settings.fetch_allow_private)
