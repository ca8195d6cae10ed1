"""Guards for following next links.

A service that repeats itself, or sends nothing for ever, must not keep a function busy.
"""

from shared.microsoft365.http.errors import Category, MicrosoftError, Service

MAX_PAGES = 2000
MAX_EMPTY_PAGES = 20
"""Graph documents that a page may be empty and still have a next one; some in a row are normal for filtered reads."""


class Pages:
    """What has been seen of one collection."""

    def __init__(self, service: Service) -> None:
        """Start with nothing seen."""
        self._service: Service = service
        self._links: set[str] = set()
        self._empty = 0

    def follow(self, link: str, rows: int) -> None:
        """Take note of a page with this many rows and the link to the next.

        Raises:
            MicrosoftError: the link was followed before, or too many pages came, or too many of them empty.
        """
        self._empty = 0 if rows else self._empty + 1
        if link in self._links:
            self._refuse("the same next page twice")
        if self._empty > MAX_EMPTY_PAGES or len(self._links) >= MAX_PAGES:
            self._refuse("pages without end")
        self._links.add(link)

    def _refuse(self, what: str) -> None:
        raise MicrosoftError(
            self._service, Category.unknown, f"The list cannot be read: the service sends {what}.", code="Paging"
        )
