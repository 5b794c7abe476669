"""Files that say how they were made, and the program that reads them, out of this working tree."""

import io
import sys
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vidgen.spec import Recipe, TextToVideo

ROOT = Path(__file__).parents[1]
RECALL = (
    sys.executable,
    "-c",
    f"import sys; sys.path[:0] = {[str(ROOT / part) for part in ('', 'models')]!r}; "
    "from vidgen.media.recall import main; sys.exit(main())",
)
RECIPE = Recipe(spec=TextToVideo(prompt="a <red> cat & a “dog”", seed=7), model_revision="3", vidgen="0")


def recipe_picture(recipe: str = RECIPE.text()) -> bytes:
    """A small PNG as it lies in a delivered sequence."""
    info, buffer = PngInfo(), io.BytesIO()
    info.add_itxt("Comment", recipe, zip=True)
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()
