"""English."""

TEXTS: dict[str, str] = {
    "title": "Insights",
    "span": "The last 13 weeks, since {since}.",
    "nothing": "Nothing has been held yet. When a pitch comes, this page begins to fill.",
    "sum_held": "pitches held",
    "sum_minutes": "minutes saved",
    "sum_precision": "rightly held",
    "sum_precision_sure": "rightly held ({low} to {high})",
    "weeks": "Pitches held each week",
    "weeks_drawn": "Bars: pitches held each week, and of these let in later. The same figures stand in the "
    "table below.",
    "still_held": "held",
    "let_in": "let in later",
    "as_table": "As a table",
    "week_of": "Week of",
    "of_these_let_in": "let in later",
    "minutes": "Minutes saved",
    "minutes_formula": "({held} held − {let_in} let in later) × {seconds} seconds = {minutes} minutes.",
    "minutes_note": "That a pitch costs 30 seconds to read and throw away is our assumption. The time you "
    "spend here is not taken off.",
    "precision": "How often it was right",
    "precision_text": "Of {held} held mails you let in {wrong} yourself: {share} stayed where we put them, or "
    "were let in by their own sender.",
    "precision_interval": "With so many mails, the true share lies between {low} and {high} (95 %, Wilson’s "
    "interval).",
    "precision_none": "Nothing was held, so there is nothing to be right about.",
    "missed_one": "{count} mail slipped through and was held by you.",
    "missed_other": "{count} mails slipped through and were held by you.",
    "precision_note": "Mail you never looked at counts as rightly held. Release what was wrong, and the "
    "figure tells the truth.",
    "senders": "Who sends most",
    "sender": "Sender",
    "funnel": "What became of the links",
    "step": "Step",
    "links": "Links",
    "funnel_sent": "Sent",
    "funnel_begun": "Page used",
    "funnel_solved": "Check passed",
    "funnel_bounced": "Came back undelivered",
    "funnel_regretted": "You let the sender in yourself",
    "funnel_note": "Opening a link is not counted: mail scanners open links too. A page counts as used when "
    "somebody does something on it.",
    "funnel_none": "No sender has been answered with a link.",
}
