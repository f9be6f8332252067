"""English."""

TEXTS: dict[str, str] = {
    "language": "en",
    "skip": "Skip to the content",
    "pages": "Pages",
    "held": "Held mail",
    "insights": "Insights",
    "settings": "Settings",
    "computers": "Computers",
    "sign_out": "Sign out",
    "signed_in": "Signed in as {email}",
    "undo": "Undo",
    "back": "Back",
    "save": "Save",
    "cancel": "Cancel",
    "search": "Search",
    "yes": "Yes",
    "no": "No",
    "watch_lapses": "Gmail will stop telling us about new mail in less than two days: renewing has failed so far. It "
    "is tried again by itself; if this stays, connect again.",
    "gap": "From {since} to {until} Gmail kept no record of changes; {found} mails were found by searching.",
    "gap_count": "There were more: older mail of that time stays in the inbox, unread by us.",
    "gap_time": "Mail from before that time stays in the inbox, unread by us.",
    "reconnect": "Connect again",
    "index_progress": "{done} of about {total} sent mails are read.",
}
