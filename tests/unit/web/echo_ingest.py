"""A stand-in for vidgen.media.ingest: same arguments, same answer, no decoding. Run as a child program."""

import json
import shutil
import sys
from pathlib import Path


def main() -> int:
    source, out_dir = Path(sys.argv[1]), Path(sys.argv[2])
    head = source.read_bytes()[:16]
    if head.startswith(b"BAD"):
        print(json.dumps({"error": {"code": "invalid_media", "message": "this is no picture"}}))
        return 2
    if head.startswith(b"CRASH"):
        return 139
    clip = head[4:8] == b"ftyp"
    filename = "media.mp4" if clip else "media.png"
    shutil.copyfile(source, out_dir / filename)
    facts = {"num_frames": 9, "fps": 8.0} if clip else {"num_frames": None, "fps": None}
    content_type = "video/mp4" if clip else "image/png"
    kind = "video" if clip else "image"
    print(
        json.dumps(
            {"kind": kind, "filename": filename, "content_type": content_type, "width": 64, "height": 64, **facts}
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
