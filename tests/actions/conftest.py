"""What the tests of related actions share lies beside them: tests are files, not a package."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
