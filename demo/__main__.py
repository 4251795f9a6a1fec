"""`python -m demo --url URL`: tell the story; exit 1 if anything is not as told."""

import argparse
import sys
import time

from demo import backstage, story
from demo.client import NotInTime
from demo.shopper import Untrue


def main() -> int:
    arguments = argparse.ArgumentParser(prog="demo", description=__doc__)
    arguments.add_argument("--url", default="http://127.0.0.1:8080", help="where the marketplace is")
    url = arguments.parse_args().url
    began = time.monotonic()
    try:
        for chapter in (story.two_vendors, story.declined_card, story.last_units, backstage.behind_the_shop):
            chapter(url, print)
    except (Untrue, NotInTime) as failure:
        print(f"\nNot as told: {failure}", file=sys.stderr)
        return 1
    except OSError as failure:
        print(f"\nNo marketplace at {url} ({failure}). Start one with `make run`.", file=sys.stderr)
        return 1
    print(f"\nAll as told, in {time.monotonic() - began:.1f} s.")
    return 0


sys.exit(main())
