"""A model's shares per term, said in words: findings first, then the words that weighed."""

from __future__ import annotations

from collections.abc import Iterable

from backend.domain.score import Reason

MOST = 6
_CLASSES = {
    "u_link": "(link)",
    "u_mail": "(address)",
    "n_money": "(amount)",
    "n_percent": "(percentage)",
    "n_clock": "(time)",
    "n_phone": "(phone number)",
    "n_year": "(year)",
    "n_number": "(number)",
    "x_firm": "(sender’s firm)",
    "x_name": "(sender’s name)",
    "o_firm": "(your firm)",
    "o_name": "(your name)",
}
_FINDINGS = {
    "re_unanswered": "“Re:” without an earlier mail",
    "re_answered": "answers an earlier mail",
    "re_quoting": "“Re:” over quoted text, no thread behind it",
    "thread": "belongs to a thread",
    "quotes_owner": "quotes your own words",
    "quotes_self": "quotes its own earlier mail",
    "quotes_other": "quotes other people’s mail",
    "forward": "is forwarded",
    "unsubscribe_header": "carries an unsubscribe header",
    "unsubscribe_one_click": "carries a one-click unsubscribe header",
    "unsubscribe_line": "has an unsubscribe line",
    "unsubscribe_link": "has an unsubscribe link",
    "mailing_list": "comes through a mailing list",
    "bulk_header": "is marked as bulk mail",
    "automatic": "was sent by a machine",
    "outreach_tool": "was sent with an outreach tool",
    "mailer_named": "names the program that sent it",
    "free_mail": "comes from a free mail provider",
    "campaign_domain": "comes from a domain made for campaigns",
    "no_reply_sender": "comes from an address nobody reads",
    "role_sender": "comes from a shared address",
    "name_not_in_address": "the sender’s name is not in the address",
    "reply_to_elsewhere": "answers would go to another domain",
    "not_to_owner": "is not addressed to you",
    "several_recipients": "has several recipients",
    "to_role_address": "went to a shared address",
    "links": "has links",
    "links_many": "has many links",
    "booking_link": "has a booking link",
    "tracked_link": "has tracked links",
    "link_elsewhere": "links to another site than the sender’s",
    "attachment": "has an attachment",
    "html": "is written in HTML",
    "html_rich": "is laid out like a newsletter",
    "pixel": "has a tracking pixel",
    "hidden_text": "hides text",
    "image_mail": "is mostly an image",
    "subject_lower": "subject in lower case",
    "question": "asks a question",
    "questions": "asks several questions",
    "ends_asking": "ends with a question",
    "exclaim": "has an exclamation mark",
    "exclaims": "has many exclamation marks",
    "merge_field": "has an unfilled merge field",
    "bullets": "has a list of points",
    "signature": "has a signature",
    "signature_long": "has a long signature",
}
_FAMILIES = {
    "length": "its length",
    "subject": "the length of its subject",
    "language": "its language",
}


def reasons(shares: Iterable[tuple[str, float]], most: int = MOST) -> tuple[Reason, ...]:
    """At most `most` reasons, strongest first. `shares` are (term, share of the logit) in any order."""
    grouped: dict[str, float] = {}
    words: list[tuple[str, float]] = []
    for term, share in shares:
        said = finding(term)
        if said:
            grouped[said] = grouped.get(said, 0.0) + share
        else:
            words.append((term, share))
    found = [Reason(said, weight) for said, weight in grouped.items()]
    for sign, said in ((1, "wording of a pitch"), (-1, "wording of ordinary mail")):
        side = sorted((w for w in words if w[1] * sign > 0), key=lambda w: (-abs(w[1]), w[0]))
        if side:
            found.append(Reason(said, sum(share for _, share in side), _shown(side)))
    return tuple(sorted(found, key=lambda r: (-abs(r.weight), r.text))[:most])


def finding(term: str) -> str:
    """What a finding about form means, or "" if `term` is made of the mail's own words."""
    tokens = [t for t in term.split(" ") if t.startswith("f_")]
    if not tokens:
        return ""
    name = tokens[0][2:]
    return _FINDINGS.get(name) or _FAMILIES.get(name.partition("_")[0], name.replace("_", " "))


def _shown(side: list[tuple[str, float]], most: int = 5) -> tuple[str, ...]:
    """The strongest words, none that is part of one already shown."""
    shown: list[str] = []
    for term, _ in side:
        text = " ".join(_CLASSES.get(t, t.removeprefix("g_").removeprefix("q_")) for t in term.split(" "))
        if not any(text in other or other in text for other in shown):
            shown.append(text)
        if len(shown) == most:
            break
    return tuple(shown)
