"""`make bench-delivery`: what docs/delivery.md says of restored detail and of the invisible mark, in one run."""

import argparse
from pathlib import Path

from tests.bench.detail import restore_table
from tests.bench.invisible_mark import mark_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=Path, default=Path(".film"), help="where the films are kept")
    options = parser.parse_args()
    for table in (restore_table(options.films), mark_table()):
        for line in table:
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
