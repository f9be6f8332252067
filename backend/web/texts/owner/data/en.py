"""English."""

TEXTS: dict[str, str] = {
    "title": "Your data",
    "lead": "What Pitchgate keeps about your mailbox is yours: take it with you, or bring it from another "
    "server.",
    "kept_h": "What is kept",
    "kept_mail": "Of each new mail: sender, subject, times, score, reasons and what was decided; for {days} "
    "days.",
    "kept_senders": "Addresses you have written to, and conversations you took part in.",
    "kept_challenges": "Which senders were asked to pass a check, and how it ended.",
    "kept_credits": "The ledger of credits.",
    "kept_lists": "Whom you allow and block, and your settings.",
    "kept_word": "What you decided about a mail, so that it can be undone.",
    "never_kept": "The text of your mail is never kept, and neither are attachments.",
    "export_h": "Export everything",
    "export_text": "One JSON file with all of it, readable by people and programs. It holds no passwords and "
    "nobody’s link.",
    "export": "Export everything",
    "restore_h": "Bring an export back",
    "restore_text": "After a move to another server or a new beginning: what the file holds and this mailbox "
    "does not is added, and its settings are taken over. What is here already stays as it is.",
    "file": "The exported file",
    "file_hint": "At most 32 MB. It must have been made for this mailbox.",
    "restore": "Bring it back",
    "restored": "Brought back. New here:",
    "skipped_one": "{count} mail had not been judged when the file was made, so it was left out.",
    "skipped_other": "{count} mails had not been judged when the file was made, so they were left out.",
    "error_no_file": "Choose a file first.",
    "error_malformed": "This file cannot be taken: it is no export of Pitchgate, or was changed. Nothing was "
    "kept of it.",
    "error_other_mailbox": "This file was made for another mailbox. Nothing was kept of it.",
    "error_no_credit": "The file’s ledger spends credits that were never earned. Its entries from there on "
    "were not taken.",
    "list_rules": "Rules",
    "list_ledger": "Ledger entries",
    "list_messages": "Mails",
    "list_challenges": "Links sent",
    "list_corrections": "Decisions",
    "list_correspondents": "People you know",
    "list_threads": "Conversations",
    "list_unsubscriptions": "Unsubscriptions",
}
