"""python -m tests.growth: all pairs of functions and texts, for which the suite has no time. Its last line is JSON."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from tests.growth.patterns import escaping, patterns
from tests.growth.run import WALKED, Report, digest, walk_functions, walk_memory, walk_patterns


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the pairs of functions and texts, 0 to 1"
    )
    chosen = parser.parse_args()
    report = Report(growing=escaping())
    walk_patterns(report)
    if not report.growing:
        WALKED.write_text("\n".join(sorted(map(digest, patterns()))) + "\n", "ascii")
    walk_functions(report, chosen.share, chosen.share)
    walk_memory(report, chosen.share)
    for line in (*report.unmade, *report.growing):
        print(line.encode("utf-8", "backslashreplace").decode())
    print(json.dumps({name: value for name, value in asdict(report).items() if isinstance(value, int)}))
    return 1 if report.growing else 0


if __name__ == "__main__":
    sys.exit(main())
