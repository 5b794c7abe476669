"""Files made to harm whoever reads them, each in a few lines. Nothing here is taken from elsewhere."""

import io
import struct
import tempfile
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

MARKER = b"MARKER-THAT-MUST-NOT-SURVIVE"
HOURS = 100


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *chunks: bytes, data: bytes = b"") -> bytes:
    """A PNG whose header says what it is told to, true or not."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (
        png_chunk(b"IHDR", header),
        *chunks,
        png_chunk(b"IDAT", data or zlib.compress(b"")),
        png_chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def picture(form: str = "PNG", size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8)).save(
        out, form, **options
    )
    return out.getvalue()


def clip(form: str = "mp4", codec: str = "libx264", *, frames: int = 5, **options: str) -> bytes:
    """A short, harmless clip."""
    # a file and not memory, because faststart reads again what it has written
    with tempfile.NamedTemporaryFile() as out:
        with av.open(out.name, "w", format=form, options=options) as container:
            stream = container.add_stream(codec, rate=8)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for n in range(frames):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 40 * n % 255, np.uint8), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return Path(out.name).read_bytes()


def packets(form: str, codec: str, bodies: list[bytes], rate: int = 8) -> bytes:
    """Packets that nobody has encoded, in a container that says 64×48."""
    out = io.BytesIO()
    with av.open(out, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for n, body in enumerate(bodies):
            packet = av.Packet(body)
            packet.stream, packet.time_base, packet.pts, packet.dts = stream, Fraction(1, rate), n, n
            packet.duration = 1
            container.mux(packet)
    return out.getvalue()


def zeros(count: int) -> bytes:
    """That many megabytes of zeros, packed."""
    packer = zlib.compressobj(1)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(count)) + packer.flush()


def png_bomb() -> bytes:
    """A few megabytes that are a gigabyte of pixels (of the filter type 0, in which zeros are rows)."""
    return png(18_000, 18_000, data=zeros(928))


def png_text_bomb() -> bytes:
    """A harmless picture with a compressed text of 256 megabytes."""
    text = png_chunk(b"zTXt", b"Comment\0\0" + zeros(256))
    return png(64, 48, text, data=zlib.compress((b"\0" + b"\x7f" * 3 * 64) * 48))


def huge_header() -> bytes:
    """A small MP4 whose sample table says that it holds 200 million frames of one byte."""
    content = bytearray(clip(movflags="faststart"))
    count = 200_000_000
    at = content.index(b"stsz")
    content[at + 8 : at + 16] = struct.pack(">II", 1, count)
    at = content.index(b"stts")
    content[at + 12 : at + 16] = struct.pack(">I", count)
    at = content.index(b"stsc")
    content[at + 16 : at + 20] = struct.pack(">I", count)
    return bytes(content)


def long_table() -> bytes:
    """Eight megabytes of sample times, none of which is needed."""
    content = clip(movflags="faststart")
    at = content.index(b"stts") - 4
    size = struct.unpack_from(">I", content, at)[0]
    entries = 1_000_000
    table = struct.pack(">I4sII", 16 + 8 * entries, b"stts", 0, entries) + struct.pack(">II", 1, 64) * entries
    return grown(content[:at] + table + content[at + size :], at, len(table) - size)


def grown(content: bytes, at: int, more: int) -> bytes:
    """Add `more` to the size of every box that holds the byte `at`."""
    result = bytearray(content)

    def walk(start: int, end: int) -> None:
        while start + 8 <= end:
            size, kind = struct.unpack_from(">I4s", result, start)
            if start <= at < start + size and kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"dref"):
                struct.pack_into(">I", result, start, size + more)
                walk(start + (16 if kind == b"dref" else 8), start + size + more)
                return
            start += max(size, 8)

    walk(0, len(result))
    return bytes(result)


def hundred_hours() -> bytes:
    """Five megabytes that play for a hundred hours, a frame a second."""
    return packets("mp4", "mjpeg", [b"\xff\xd8frame\xff\xd9"] * (HOURS * 3600), rate=1)


def growing_frames() -> bytes:
    """64×48 says the header and the first frame; the second is 6000×6000."""
    return packets("matroska", "mjpeg", [picture("JPEG"), picture("JPEG", (6000, 6000), quality=5)])


def turned_frames() -> bytes:
    """Sizes that are allowed, but not in one clip."""
    return packets("matroska", "mjpeg", [picture("JPEG"), picture("JPEG", (48, 64))])


def elsewhere(path: Path) -> bytes:
    """A QuickTime file whose frames lie in another file, named by an alias record."""
    content = clip("mov")
    at = content.index(b"dref") + 12
    size = struct.unpack_from(">I", content, at)[0]
    name = str(path).encode()
    record = b"\0" * 10 + b"\x04disk".ljust(28, b"\0") + b"\0" * 12
    record += bytes([min(len(path.name), 63)]) + path.name.encode()[:63].ljust(63, b"\0") + b"\0" * 16
    record += struct.pack(">HH", 1, 1) + b"\0" * 16
    record += struct.pack(">HH", 2, len(name)) + name + b"\0" * (len(name) % 2) + struct.pack(">Hh", 0xFFFF, 0)
    entry = struct.pack(">I4sI", 12 + len(record), b"alis", 0) + record
    return grown(content[:at] + entry + content[at + size :], at, len(entry) - size)


def many_streams() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as container:
        streams = [container.add_stream("mjpeg", rate=8) for _ in range(40)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for stream in streams:
            packet = av.Packet(picture("JPEG"))
            packet.stream, packet.pts, packet.dts = stream, 0, 0
            container.mux(packet)
    return out.getvalue()


def sound_alone() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def with_extras() -> bytes:
    """A clip with tags, a subtitle track and an attachment that all carry the marker."""
    out, text = io.BytesIO(), MARKER.decode()
    with av.open(out, "w", format="matroska") as container:
        container.metadata.update({"title": text, "comment": text})
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.add_attachment("note.txt", "text/plain", MARKER)
        for n in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 40 * n, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def animation(form: str, frames: int, **options: object) -> bytes:
    out = io.BytesIO()
    pictures = [Image.new("RGB", (16, 16), (n % 256, n // 256, 0)) for n in range(frames)]
    pictures[0].save(out, form, save_all=True, append_images=pictures[1:], duration=20, **options)
    return out.getvalue()


def harmless_with_marker() -> dict[str, bytes]:
    """Two files in one, and notes beside the pixels: what is taken must lose them."""
    text = png_chunk(b"tEXt", b"Comment\0" + MARKER)
    icc = png_chunk(b"iCCP", b"x\0\0" + zlib.compress(MARKER))
    rows = zlib.compress((b"\0" + b"\x7f" * 3 * 64) * 48)
    plain = png(64, 48, text, icc, data=rows)
    return {
        "png with text and profile": plain,
        "png and zip": plain + b"PK\x03\x04" + MARKER,
        "jpeg and php": picture("JPEG", comment=b"<?php " + MARKER),
        "gif and script": animation("GIF", 3) + b"/*<script>" + MARKER,
        "gif with a note in latin-1": animation("GIF", 3, comment=b"\xa8" + MARKER),
        "mp4 and zip": clip() + b"PK\x03\x04" + MARKER,
        "mkv with tags and attachment": with_extras(),
    }


def refused() -> dict[str, Callable[[], bytes]]:
    """Files that no limit lets through."""
    return {
        "png bomb": png_bomb,
        "png of absurd sides": lambda: png(2**31 - 1, 2**31 - 1),
        "png without size": lambda: png(0, 0),
        "png a pixel high": lambda: png(4096, 1, data=zlib.compress(b"\0" + b"\x7f" * 3 * 4096)),
        "png cut": lambda: picture("PNG")[:200],
        "jpeg cut": lambda: picture("JPEG")[:300],
        "webp cut": lambda: picture("WEBP")[:100],
        "gif of absurd sides": lambda: b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"\x3b",
        "gif without frames": lambda: b"GIF89a" + struct.pack("<HHBBB", 64, 64, 0, 0, 0) + b"\x3b",
        "gif of many frames": lambda: animation("GIF", 4000),
        "mp4 with a huge header": huge_header,
        "mp4 of a hundred hours": hundred_hours,
        "mp4 cut in the header": lambda: clip(movflags="faststart")[:400],
        "mp4 without header": lambda: clip()[:600],
        "mp4 without frames": lambda: clip(frames=0, movflags="empty_moov"),
        "mp4 with sound alone": sound_alone,
        "mkv whose frames grow": growing_frames,
        "mkv whose frames turn": turned_frames,
        "mkv of forty streams": many_streams,
        "mkv of an unlisted codec": lambda: clip("matroska", "ffv1"),
        "avi": lambda: clip("avi", "mpeg4"),
        "tiff": lambda: picture("TIFF"),
        "bmp": lambda: picture("BMP"),
        "eps": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(/etc/passwd) (r) file\n",
        "html": lambda: b"<!doctype html><script>alert(1)</script>",
        "zip": lambda: b"PK\x03\x04" + bytes(100),
        "elf": lambda: b"\x7fELF" + bytes(100),
        "one byte": lambda: b"\0",
        "nothing but a box": lambda: b"\0\0\0\x08ftyp",
        "box that ends nowhere": lambda: b"\xff\xff\xff\xffftypisom" + bytes(64),
    }


def references(file: Path, url: str) -> dict[str, bytes]:
    """Texts and containers that ask the reader to open `file`, or to fetch `url`."""
    uri, hls = file.as_uri(), "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
    dash = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="isoff-on-demand">'
        '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>"
    )
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><image href="{}"/></svg>'
    entity = '<!DOCTYPE svg [<!ENTITY x SYSTEM "{}">]><svg xmlns="http://www.w3.org/2000/svg">&x;</svg>'
    texts = {
        "ffconcat": "ffconcat version 1.0\nfile {}\n",
        "hls": hls,
        "dash": dash,
        "svg": svg,
        "svg entity": entity,
        "asx": '<asx version="3.0"><entry><ref href="{}"/></entry></asx>',
        "sdp": "v=0\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\na=control:{}\n",
    }
    found = {
        f"{name} to {kind}": text.format(to).encode()
        for name, text in texts.items()
        for kind, to in (("file", uri), ("host", url))
    }
    # the same behind a head that looks like a container's
    heads = {"mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\n", "mkv": b"\x1a\x45\xdf\xa3\n", "gif": b"GIF89a\n"}
    for name, head in heads.items():
        found |= {f"{name} head, ffconcat": head + texts["ffconcat"].format(file).encode()}
        found |= {f"{name} head, hls to host": head + hls.format(url).encode()}
    return found | {"plain ffconcat": f"ffconcat version 1.0\nfile {file}\n".encode(), "mov alias": elsewhere(file)}
