"""Makes what several of these tests share importable by name: tests are files, not a package."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
