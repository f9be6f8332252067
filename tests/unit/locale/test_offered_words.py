"""What the owner may decide, and every row of the policy, have their words on each screen; the API names the same."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from backend.domain.mailbox.decisions import OFFERED
from backend.domain.mailbox.mailbox import ROWS_ALWAYS_ON
from backend.domain.mailbox.message import PolicyRow
from backend.locale import LANGUAGES, catalogue
from backend.web.api.schemas import Correction


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_decision_has_its_words(language: str) -> None:
    wanted = {f"review.{what}_{decision}" for decision in OFFERED for what in ("done", "said")}
    wanted |= {f"card.did_{decision}" for decision in OFFERED}
    assert wanted - catalogue(language).ids == set(), f"missing in {language}.po"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_row_of_the_policy_has_its_words(language: str) -> None:
    wanted = {f"{what}_{row}" for row in PolicyRow for what in ("card.row", "lists.why", "start.row_short")}
    wanted |= {
        f"settings.rule_{row}"
        for row in PolicyRow
        if row not in ROWS_ALWAYS_ON and row is not PolicyRow.FAIL_OPEN
    }
    assert wanted - catalogue(language).ids == set(), f"missing in {language}.po"


def test_the_api_takes_what_the_page_offers() -> None:
    taken = set(get_args(get_type_hints(Correction)["decision"]))
    assert taken == {str(decision) for decision in OFFERED}
