"""Why a message was written: the finer classes behind "sales" and "legit".

A pitch is told apart from each kind of ordinary mail on its own, because a newsletter, a colleague and a
stranger with an honest errand differ from a pitch in different ways.
"""

from __future__ import annotations

SALES = "sales"
NOTHING = "nothing"
ERRANDS = ("known", "stranger", "bulk", NOTHING)
"""Somebody the owner deals with; somebody he does not know, who sells nothing; mail sent to many; mail with next
to nothing in it, or far from anything the corpus speaks of, on which nobody should be judged."""

_STRANGERS = """
author beta_tester board_member_intro bug_report candidate commission contributor customer_enquiry donor foundation
form_lead former_student freelance_client grad_student inbound_buyer inbound_partner inbound_prospect internship intro
introduction investor job_applicant job_application journalist met_person neighbour peer peer_favour personal_note
phd_enquiry podcast_invite postdoc_application publisher reader_letter recruiter_for_recipient referral rfp_inbound
security_disclosure security_report source speaking_invite speculative_application sponsor_inbound student
student_interview academic user user_question
"""
STRANGER_KINDS = frozenset(_STRANGERS.split())
EMPTY_KINDS = frozenset({"next_to_nothing", "other_script"})
_BULK_TOKENS = frozenset({"f_unsubscribe_header", "f_automatic", "f_bulk_header", "f_mailing_list"})


def errand(label: str, kind: str, text: str) -> str:
    """`SALES` or one of `ERRANDS`, from a row's label, its kind and its prepared text."""
    if label == "sales":
        return SALES
    if not _BULK_TOKENS.isdisjoint(text.split(" ")):
        return "bulk"
    if kind in EMPTY_KINDS:
        return NOTHING
    return "stranger" if kind in STRANGER_KINDS else "known"
