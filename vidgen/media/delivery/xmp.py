"""XMP packets (ISO 16684-1): the recipe as one text property, and where MP4, MOV and GIF files keep the packet."""

import html
import mmap
from pathlib import Path

NAMESPACE = "urn:vidgen:recipe:1"
# ISO 16684-3 names this box for ISO base media files
MP4_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
GIF_TRAILER = b"\x3b"
# readers that skip the packet as if it were blocks of up to 255 bytes land somewhere in here, and find their way out
GIF_LANDING = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
BEGIN, END = b"<vidgen:Recipe>", b"</vidgen:Recipe>"

PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:vidgen="{namespace}">'
    "<xmp:CreatorTool>vidgen</xmp:CreatorTool><vidgen:Recipe>{recipe}</vidgen:Recipe>"
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


def packet(recipe: str) -> bytes:
    """An XMP packet that holds the recipe."""
    return PACKET.format(namespace=NAMESPACE, recipe=html.escape(recipe, quote=False)).encode()


def recipe_in(content: bytes | mmap.mmap, limit: int) -> str | None:
    """The recipe, of `limit` bytes at most, of the packet in `content`.

    No XML is parsed: what is looked for is known to the letter.
    """
    start = content.find(BEGIN)
    end = content.find(END, start, start + limit) if start >= 0 else -1
    return html.unescape(content[start + len(BEGIN) : end].decode(errors="replace")) if end >= 0 else None


def append_to_mp4(path: Path, xmp: bytes) -> None:
    """Add the packet as a `uuid` box at the end, where it moves nothing that the index points to."""
    with path.open("ab") as file:
        file.write((8 + len(MP4_UUID) + len(xmp)).to_bytes(4, "big") + b"uuid" + MP4_UUID + xmp)


def append_to_gif(path: Path, xmp: bytes) -> None:
    """Add the packet as an application extension before the trailer."""
    with path.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x21\xff\x0bXMP DataXMP" + xmp + GIF_LANDING + GIF_TRAILER)
