"""English."""

TEXTS: dict[str, str] = {
    "landing_title": "Mail without the pitches",
    "landing_h": "Your inbox, without the sales pitches",
    "landing_lead": "Pitchgate reads new mail seconds after it arrives, holds what a stranger is trying "
    "to sell you, and lets anybody in who takes a moment for you.",
    "connect": "Connect Gmail",
    "first_look": "You can look at what it would do first: a new mailbox only gets labels, nothing is "
    "held until you say so.",
    "picture_invoice": "Re: the invoice",
    "picture_pipeline": "Grow your pipeline by 300 %",
    "picture_lunch": "Lunch on Thursday?",
    "picture_cooperation": "Cooperation",
    "picture_inbox": "inbox",
    "picture_held": "held",
    "picture_passed": "check passed",
    "step_1_h": "It holds",
    "step_1": "A small model on this server judges each mail from people you have never written to. A "
    "pitch leaves the inbox and gets a label. You find it there, on your phone too.",
    "step_2_h": "It answers",
    "step_2": "If you want, the sender gets a polite reply with a link. Behind it is a check that costs "
    "his computer a moment, and more each time.",
    "step_3_h": "It lets in",
    "step_3": "Whoever passes lands in your inbox and earns a few credits for later mail. Nobody is shut "
    "out for good.",
    "does_h": "What it does",
    "does_1": "Leaves mail from people you have written to alone, always.",
    "does_2": "Leaves newsletters, receipts and machines’ mail to Gmail.",
    "does_3": "Says for every mail why it was held or passed.",
    "does_4": "Undoes everything: release, allow, pause, disconnect.",
    "does_5": "Leaves mail in the inbox whenever it is in doubt.",
    "never_h": "What it never does",
    "never_1": "Delete a mail.",
    "never_2": "Keep the text of your mail, or send it to anybody else’s model.",
    "never_3": "Train a general model on your mail.",
    "never_4": "Answer people you know, lists or machines.",
    "never_5": "Track anybody: no pixels, no third parties, no advertisement.",
    "connect_lead": "Google asks which account it is, and what Pitchgate may do there. Tick every box; "
    "you can withdraw it at any time.",
    "google": "Continue with Google",
    "connect_after": "A mailbox that is connected anew only gets labels at first: nothing is held until "
    "you say so.",
    "connected": "Connected",
    "now_h": "What happens now",
    "now_1": "Labels of ours appear in Gmail. Held mail is always under one of them.",
    "now_2": "Move a mail out of it, or into it, and Pitchgate takes that as your word.",
    "now_3": "You can withdraw access at any time, here or in your Google account.",
    "go_on": "Go on: see what would have been held",
    "to_review": "See what is held",
    "close": "You can close this page.",
    "again": "Connect again",
    "connect_denied_h": "You said no, and that is fine",
    "connect_denied": "Google was told not to give access. Nothing was stored. You can connect whenever "
    "you like.",
    "connect_state_h": "This answer belongs to another visit",
    "connect_state": "Connecting has to begin and end in the same browser, with cookies allowed. Nothing "
    "was stored.",
    "connect_expired_h": "That took too long",
    "connect_expired": "Google’s page stood open longer than a connection attempt lives. Nothing was stored.",
    "connect_account_h": "That is another Google account",
    "connect_account": "You began with one account and came back with another. Nothing was stored. Choose "
    "the same one.",
    "missing_h": "A box was left unticked",
    "missing": "Without the following permission Pitchgate cannot work. Nothing was stored. Connect again "
    "and tick it.",
    "unavailable_h": "Google cannot be reached right now",
    "unavailable": "Nothing was stored. Wait a minute, then connect again.",
    "other_h": "Connecting did not work",
    "other": "Google did not accept the answer. Nothing was stored. Please begin again.",
    "scope_modify": "“Read, compose and send emails from your Gmail account”: to read new mail, move a "
    "pitch out of the inbox and back, and answer its sender.",
    "scope_email": "“See your primary Google Account email address”: to know which mailbox this is.",
    "scope_openid": "“Associate you with your personal info on Google”: to recognise the account when you "
    "come back.",
    "sign_in_title": "Sign in",
    "sign_in_h": "Sign in to see your mailbox",
    "sign_in": "Open this page from the Pitchgate app, or sign in with the Google account of your mailbox.",
    "signed_in_h": "You are signed in",
    "signed_in_on": "Go on to the page you asked for",
}
