"""Every verb of the `openai` SDK's video API against vidgen. Needs a running service (`make up`) and `openai`.

pip install openai
python docs/examples/openai_client.py --base-url http://127.0.0.1:8765/v1
"""

import argparse
from pathlib import Path

import openai
from openai import OpenAI


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", default="http://127.0.0.1:8765/v1")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="where the clips go")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    play(OpenAI(base_url=options.base_url, api_key="unused"), options.folder)


def play(client: OpenAI, folder: Path) -> None:
    # vidgen's own fields go through extra_body
    first = client.videos.create_and_poll(
        prompt="a rocket moves right on a blue background", seconds="2", size="64x64", extra_body={"seed": 7}
    )
    print(f"{first.id}: {first.status}, {first.seconds} s of {first.size} by {first.model}")
    for variant, name in (("video", "rocket.mp4"), ("thumbnail", "rocket.jpg"), ("spritesheet", "rocket-sheet.jpg")):
        client.videos.download_content(first.id, variant=variant).write_to_file(folder / name)
        print(f"  {variant}: {folder / name}")

    remixed = client.videos.poll(client.videos.remix(first.id, prompt="a rocket moves right on a green background").id)
    print(f"{remixed.id}: {remixed.status}, a remix of {remixed.remixed_from_video_id}")

    # the SDK's own arguments take files; an id goes through extra_body
    reference = {"video": {"id": first.id}}
    edited = client.videos.edit(prompt="an apple moves right", video=openai.omit, extra_body=reference)
    extended = client.videos.extend(prompt="a rocket rises", seconds="2", video=openai.omit, extra_body=reference)
    for verb, video in (("edit", edited), ("extension", extended)):
        done = client.videos.poll(video.id)
        print(f"{done.id}: {done.status}, an {verb} of {done.remixed_from_video_id}")

    drawn = client.videos.create_and_poll(prompt="it moves left", input_reference=folder / "rocket.jpg")
    print(f"{drawn.id}: {drawn.status}, from a picture")

    try:
        client.videos.create(prompt="a cat", size="1280x720")
    except openai.BadRequestError as error:
        print(f"refused, {error.code} in {error.param}: {error.body['message']}")

    mine = {first.id, remixed.id, edited.id, extended.id, drawn.id}
    # the SDK fetches further pages by itself; all are read before the first is deleted
    for video in [video for video in client.videos.list(limit=2) if video.id in mine]:
        print(f"deleted {client.videos.delete(video.id).id}")


if __name__ == "__main__":
    main()
