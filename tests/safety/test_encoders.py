"""Texts that somebody chose stay texts in the systems notifications go to.

Microsoft's own are tested in `test_hostile_texts`, mail and chats in `test_formats`.
"""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from shared.notifications.psa import connectwise


@given(st.text(max_size=60))
@example('Help Desk" or name like "%')
@example("ends in a backslash\\")
def test_a_condition_of_connectwise_ends_where_the_text_ends(text: str) -> None:
    condition = f'name="{connectwise._literal(text)}"'
    assert re.fullmatch(r'name="[^"\\]*"', condition, re.DOTALL)
