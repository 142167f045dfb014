"""Measure the course against what a learner would otherwise use: `make benchmark`.

One module a topic, each with a function `tables(tiny)`. Some reuse what tests and tools
have: a lesson as data, the run that is resumed, the machine of the first cell.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
for folder in ("tools", "tests"):
    if str(ROOT / folder) not in sys.path:
        sys.path.append(str(ROOT / folder))
