"""What gives a topic away: findings that its pitches have far more often than other pitches.

    python -m model_export.topics [--write | --swapped]

The topics are defined on half of the corpus' writers and judged on the other half, by logits of models that have read
neither. A finding with a lift of 8 says a topic alone, one of 4 says it beside another. Printed as JSON; `--write` puts
the findings where the server reads them, `--swapped` defines on the other half and judges on the first.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence, Set
from functools import cache
from pathlib import Path

import numpy as np

from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading import topics as reading
from backend.domain.reading.lexicon import LANGUAGES, lexicon
from backend.domain.reading.topics import Signs, Topic
from model_export.learner import Flags
from model_export.rows import Row, corpus
from model_export.training import Trained, train

WRITERS = frozenset(f"train_{number}" for number in range(2, 17, 2))
"""The files a topic is defined on; the others judge it."""

ALONE, BESIDE = 8.0, 4.0
OTHERWISE = {Topic.GOODS: (10.0, 2.6)}
"""Makers write each in their own way, so there it takes weaker findings, and fewer tell the topic alone."""

LEAST, LEAST_WRITERS = 4, 3
"""A finding counts if so many pitches of the topic have it, by so many writers."""

KINDS = {
    Topic.CANDIDATES: "candidate|recruit|temp.(staff|worker)|headhunt|personnel|staff_agency|^staffing|interim|"
    "exec_search|succession_search|hr_outsourcing|hiring-post-agent|apprentice",
    Topic.EVENTS: "^event|event_|events-|sponsor|exhibition|trade_fair|dinner|round.?table|speak|conference|"
    "career_fair|webinar",
    Topic.GOODS: "goods|manufactur|packaging|component|machin|equipment|towel|^led|led_|gloves|pcb|hose|supplier|"
    "pallet|cnc|gear|reagent|raw_mat|textile|toy_|wine|lab cons|wholesal|minerals|battery|switches|ssd|drones|mower|"
    "steel|tractor|import_china|sheet metal|dropship|print_labels|instruments|workwear|surplus|electronic|sticker|"
    "furniture|vet_supp|merchandise|trade-catalogue|oneliner:sample|solar panels|sanitizer|instrument ",
    Topic.WEBSITES: "web(?!3|inar)|seo|free.audit|google|eshop|ranking|mobile_app",
    Topic.DEVELOPERS: "dev.shop|offshore|nearshore|staff_augm|outsourc|software_house|it_freelanc|mobile_app|"
    "oneliner:(dev|app)",
    Topic.LOANS: "loan|cash_adv|factoring|invoice_fin|early_payment|funding|patient_financ|leasing",
    Topic.BUYERS: "acquisi|m&a|ma_broker|business_broker|practice_broker|oneliner:sell|investment_sale",
    Topic.PRESS: "podcast|guest|media|press|publication|journal|ghostwr|award|whos_who|editorial|link|paid_content|"
    "article|content|infographic|pr_serv|magazine|interview|blog|newsletter|speakers-paid",
    Topic.PARTNERS: "partner|resell|affiliate|referral|franchise|whitelabel|collab|cooperation|trade_offer",
    Topic.INSURANCE: "insur|pension|benefits_broker",
    Topic.ENERGY: "energy|solar|heat_pump|^pv$|ev_charg|ev-fleet|heating|photovolt",
}
"""What the writers called such pitches. A kind that tells no topic (a bump, a first touch) counts as another pitch."""


def main() -> None:
    """Define, judge, print."""
    trained = train(corpus())
    writers = WRITERS
    if "--swapped" in sys.argv:
        writers = frozenset(row.group for row in trained.judged) - WRITERS
    found = {topic: define(topic, trained.judged, writers) for topic in Topic}
    figures = {topic: judged(topic, found[topic], trained, writers) for topic in Topic}
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    if "--write" in sys.argv:
        lines = [
            f"{topic} {of['rightly']} {of['left out']}: {' '.join(signs.alone)} | {' '.join(signs.beside)}".rstrip()
            for (topic, signs), of in zip(found.items(), figures.values(), strict=True)
        ]
        path = Path(reading.__file__).with_suffix(".txt")
        head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
        path.write_text("\n".join([*head, *lines, ""]), encoding="utf-8")


def define(topic: Topic, rows: Sequence[Row], writers: Set[str] = WRITERS) -> Signs:
    """The findings that tell the topic, the surest first."""
    pitches = [row for row in rows if row.sales and row.group in writers]
    inside = [row for row in pitches if about(row, topic)]
    outside = [findings(row) for row in pitches if not about(row, topic)]
    lifts: dict[str, float] = {}
    for term in sorted(frozenset().union(*map(findings, inside))):
        having = [row for row in inside if term in findings(row)]
        if len(having) >= LEAST and len({row.group for row in having}) >= LEAST_WRITERS:
            others = sum(term in found for found in outside) + 0.5
            lifts[term] = len(having) / len(inside) / (others / len(outside))
    ordered = sorted(lifts, key=lambda term: -lifts[term])
    least_alone, least_beside = OTHERWISE.get(topic, (ALONE, BESIDE))
    return Signs(
        tuple(term for term in ordered if lifts[term] >= least_alone),
        tuple(term for term in ordered if least_beside <= lifts[term] < least_alone),
    )


def judged(topic: Topic, signs: Signs, trained: Trained, writers: Set[str] = WRITERS) -> dict[str, float]:
    """Of mail of the other writers held at *normal*, in %: what is about the topic of that which it lets in, what of
    that which is about it stays held, and the ordinary mail that it lets in."""
    held = trained.probabilities >= trained.thresholds[Strictness.NORMAL].hold
    held &= np.array([row.group not in writers for row in trained.judged])
    told = np.array([signs.tell(findings(row)) for row in trained.judged])
    sales = np.array([bool(row.sales) for row in trained.judged])
    own = sales & np.array([about(row, topic) for row in trained.judged])
    let_in, missed = held & sales & told, held & own & ~told
    return {
        "let in": int(let_in.sum()),
        "rightly": _percent(let_in & own, let_in),
        "about it": int((held & own).sum()),
        "left out": _percent(missed, held & own),
        "ordinary mail let in": _percent(held & ~sales & told, held & ~sales),
    }


def _percent(part: Flags, whole: Flags) -> float:
    return round(100 * float(part.sum()) / max(1, int(whole.sum())), 1)


def about(row: Row, topic: Topic) -> bool:
    """Whether its writer called it so."""
    return re.search(KINDS[topic], row.kind.lower()) is not None


def findings(row: Row) -> frozenset[str]:
    """What was found in a message by the lexicon: a topic rests on what is said, not by links, names or numbers."""
    return reading.findings(row.text) & _said()


@cache
def _said() -> frozenset[str]:
    every = [lexicon(language) for language in LANGUAGES]
    turns = ("t_" + name for one in every for name, _ in one.phrases)
    return frozenset((*turns, *("c_" + name for one in every for name, _ in one.concepts)))


if __name__ == "__main__":
    main()
