"""German."""

TEXTS: dict[str, str] = {
    "title": "Ihre Daten",
    "lead": "Was Pitchgate über Ihr Postfach aufbewahrt, gehört Ihnen: Nehmen Sie es mit oder bringen Sie es "
    "von einem anderen Server.",
    "kept_h": "Was aufbewahrt wird",
    "kept_mail": "Von jeder neuen Mail: Absender, Betreff, Zeiten, Wert, Gründe und was entschieden wurde; "
    "{days} Tage lang.",
    "kept_senders": "Adressen, an die Sie geschrieben haben, und Unterhaltungen, an denen Sie teilnahmen.",
    "kept_challenges": "Welche Absender um eine Prüfung gebeten wurden und wie sie ausging.",
    "kept_credits": "Das Guthabenbuch.",
    "kept_lists": "Wen Sie zulassen und sperren, und Ihre Einstellungen.",
    "kept_word": "Was Sie über eine Mail entschieden haben, damit es sich rückgängig machen lässt.",
    "never_kept": "Der Text Ihrer Mails wird nie aufbewahrt, Anhänge ebenso wenig.",
    "export_h": "Alles exportieren",
    "export_text": "Eine JSON-Datei mit allem, lesbar für Menschen und Programme. Sie enthält keine "
    "Passwörter und niemandes Link.",
    "export": "Alles exportieren",
    "restore_h": "Einen Export einspielen",
    "restore_text": "Nach einem Umzug auf einen anderen Server oder einem Neuanfang: Was die Datei enthält "
    "und diesem Postfach fehlt, kommt hinzu, ihre Einstellungen werden übernommen. Was hier schon ist, "
    "bleibt, wie es ist.",
    "file": "Die exportierte Datei",
    "file_hint": "Höchstens 32 MB. Sie muss für dieses Postfach gemacht sein.",
    "restore": "Einspielen",
    "restored": "Eingespielt. Hier neu:",
    "skipped_one": "{count} Mail war noch nicht beurteilt, als die Datei entstand, und wurde ausgelassen.",
    "skipped_other": "{count} Mails waren noch nicht beurteilt, als die Datei entstand, und wurden "
    "ausgelassen.",
    "error_no_file": "Wählen Sie zuerst eine Datei.",
    "error_malformed": "Diese Datei lässt sich nicht einspielen: Sie ist kein Export von Pitchgate oder "
    "wurde verändert. Nichts davon wurde behalten.",
    "error_other_mailbox": "Diese Datei wurde für ein anderes Postfach gemacht. Nichts davon wurde behalten.",
    "error_no_credit": "Das Guthabenbuch der Datei gibt Guthaben aus, das nie verdient wurde. Seine Einträge "
    "ab dort wurden nicht genommen.",
    "list_rules": "Regeln",
    "list_ledger": "Guthabenbuchungen",
    "list_messages": "E-Mails",
    "list_challenges": "Verschickte Links",
    "list_corrections": "Entscheidungen",
    "list_correspondents": "Bekannte Adressen",
    "list_threads": "Unterhaltungen",
    "list_unsubscriptions": "Abmeldungen",
}
