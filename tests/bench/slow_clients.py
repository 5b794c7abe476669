"""Clients on a bad line: each sends and reads a byte at a time, and comes back when it is thrown out.

Runs as a process of its own: `python -m tests.bench.slow_clients PORT NUMBER`.
"""

import asyncio
import sys
from contextlib import suppress

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Filler: 0123456789012345678901234567890123456789\r\n\r\n"
PAUSE_SECONDS = 0.25


async def crawl(port: int) -> None:
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for n in range(len(REQUEST)):
                writer.write(REQUEST[n : n + 1])
                await asyncio.sleep(PAUSE_SECONDS)
            while await reader.read(1):
                await asyncio.sleep(PAUSE_SECONDS)
            writer.close()


async def main(port: int, number: int) -> None:
    await asyncio.gather(*(crawl(port) for _ in range(number)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
