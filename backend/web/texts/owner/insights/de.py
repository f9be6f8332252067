"""German."""

TEXTS: dict[str, str] = {
    "title": "Einblicke",
    "span": "Die letzten 13 Wochen, seit {since}.",
    "nothing": "Noch wurde nichts zurückgehalten. Sobald ein Angebot kommt, füllt sich diese Seite.",
    "sum_held": "Angebote zurückgehalten",
    "sum_minutes": "Minuten gespart",
    "sum_precision": "zu Recht zurückgehalten",
    "sum_precision_sure": "zu Recht zurückgehalten ({low} bis {high})",
    "weeks": "Zurückgehaltene Angebote je Woche",
    "weeks_drawn": "Balken: zurückgehaltene Angebote je Woche und davon später eingelassene. Dieselben "
    "Zahlen stehen in der Tabelle darunter.",
    "still_held": "zurückgehalten",
    "let_in": "später eingelassen",
    "as_table": "Als Tabelle",
    "week_of": "Woche ab",
    "of_these_let_in": "später eingelassen",
    "minutes": "Gesparte Minuten",
    "minutes_formula": "({held} zurückgehalten − {let_in} später eingelassen) × {seconds} Sekunden = "
    "{minutes} Minuten.",
    "minutes_note": "Dass ein Angebot 30 Sekunden kostet, bis es gelesen und weggeworfen ist, ist unsere "
    "Annahme. Die Zeit, die Sie hier verbringen, ist nicht abgezogen.",
    "precision": "Wie oft es richtig war",
    "precision_text": "Von {held} zurückgehaltenen Mails haben Sie {wrong} selbst eingelassen: {share} "
    "blieben, wo wir sie hingelegt haben, oder wurden dank ihres Absenders eingelassen.",
    "precision_interval": "Bei so vielen Mails liegt der wahre Anteil zwischen {low} und {high} (95 %, "
    "Intervall nach Wilson).",
    "precision_none": "Es wurde nichts zurückgehalten, also gibt es nichts zu bewerten.",
    "missed_one": "{count} Mail ist durchgerutscht und wurde von Ihnen zurückgehalten.",
    "missed_other": "{count} Mails sind durchgerutscht und wurden von Ihnen zurückgehalten.",
    "precision_note": "Post, die Sie nie angesehen haben, zählt als zu Recht zurückgehalten. Geben Sie "
    "frei, was falsch war, dann stimmt die Zahl.",
    "senders": "Wer am meisten schickt",
    "sender": "Absender",
    "funnel": "Was aus den Links wurde",
    "step": "Schritt",
    "links": "Anzahl",
    "funnel_sent": "Verschickt",
    "funnel_begun": "Seite benutzt",
    "funnel_solved": "Prüfung bestanden",
    "funnel_bounced": "Unzustellbar zurückgekommen",
    "funnel_regretted": "Absender von Ihnen selbst eingelassen",
    "funnel_note": "Das Öffnen eines Links zählt nicht: Auch Mailscanner öffnen Links. Eine Seite gilt als "
    "benutzt, wenn jemand dort etwas tut.",
    "funnel_none": "Noch kein Absender hat einen Link als Antwort bekommen.",
}
