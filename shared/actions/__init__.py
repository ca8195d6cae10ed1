"""What an action is: what it reads, how it is planned and judged, and what several actions know."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Loader:
    """Imports the actions when the catalogue is asked for one: a start that only indexes functions needs none."""

    def __init__(self) -> None:
        """Know of no actions yet."""
        self._lock = threading.RLock()
        self._import: Callable[[], None] | None = None
        self._is_through = True

    def when_asked(self, import_all: Callable[[], None]) -> None:
        """Take what imports the actions; nothing is imported yet."""
        self._import, self._is_through = import_all, False

    def load(self) -> None:
        """Import the actions, once; whoever asks meanwhile waits until all are there."""
        if self._is_through:
            return
        with self._lock:
            import_all, self._import = self._import, None
            if import_all is None:
                return  # loaded meanwhile, or asked for by an action that is being imported
            try:
                import_all()
            except BaseException:
                self._import = import_all
                raise
            self._is_through = True


loader = Loader()
