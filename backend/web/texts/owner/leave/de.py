"""German."""

TEXTS: dict[str, str] = {
    "title": "Trennen und löschen",
    "lead": "Pitchgate lässt {email} los und vergisst alles darüber.",
    "happens_h": "Was geschieht",
    "happens_1": "Google soll uns keine neue Post mehr melden, und unser Zugriff wird zurückgenommen.",
    "happens_2": "Entscheidungen, Listen, Guthaben, Rechner und alles andere, was wir zu diesem Postfach "
    "aufheben, wird gelöscht.",
    "happens_3": "Ihre Post bleibt in Gmail. Was jetzt zurückgehalten ist, bleibt dort unter unserem "
    "Label; geben Sie es vorher frei, wenn Sie es im Posteingang wollen.",
    "happens_4": "Es lässt sich nicht rückgängig machen. Sie können jederzeit wieder verbinden und von "
    "vorn beginnen.",
    "confirm": "Tippen Sie zur Sicherheit die Adresse des Postfachs: {email}",
    "error_confirm": "Das ist nicht die Adresse dieses Postfachs. Nichts wurde gelöscht.",
    "do_it": "Trennen und alles löschen",
    "stay": "Alles behalten",
    "going_h": "Wird getrennt",
    "going": "Google erfährt es, dann wird alles gelöscht. Das dauert einige Sekunden; Sie können diese "
    "Seite schließen und unter ihrer Adresse wiederkommen.",
    "reload": "Nachsehen, ob es fertig ist",
    "stayed_h": "Doch nicht getrennt",
    "stayed": "Das Postfach wurde wieder verbunden, bevor etwas gelöscht war.",
    "receipt_h": "Getrennt und gelöscht",
    "receipt_lead": "Das ist Ihre Quittung. Sie nennt niemanden und bleibt 30 Tage unter der Adresse "
    "dieser Seite.",
    "asked_at": "Verlangt",
    "left_at": "Erledigt",
    "grant": "Zugriff bei Google",
    "grant_revoked": "von uns zurückgenommen",
    "grant_was_gone": "war schon zurückgenommen",
    "grant_refused": "Google hat nicht bestätigt. Bitte entfernen Sie Pitchgate selbst in Ihrem "
    "Google-Konto.",
    "deleted_h": "Was gelöscht wurde",
    "what": "Was",
    "rows": "Einträge",
    "group_messages": "Nachrichten und Entscheidungen darüber",
    "group_rules": "Zugelassene und gesperrte Absender",
    "group_known": "Leute und Gespräche, die Sie kennen",
    "group_challenges": "Gesendete Antworten und bestandene Prüfungen",
    "group_credits": "Guthaben",
    "group_devices": "Rechner, Browser und Codes",
    "group_mailbox": "Das Postfach, seine Einstellungen und sein Zugriff",
    "group_rest": "Arbeitseinträge",
    "all": "Zusammen",
    "home": "Zur ersten Seite",
    "no_receipt_h": "Diese Quittung gibt es nicht",
    "no_receipt": "Quittungen bleiben 30 Tage. Kopieren Sie die Adresse ganz.",
}
