"""German."""

TEXTS: dict[str, str] = {
    "language": "de",
    "skip": "Zum Inhalt springen",
    "pages": "Seiten",
    "held": "Zurückgehalten",
    "insights": "Einblicke",
    "settings": "Einstellungen",
    "computers": "Rechner",
    "sign_out": "Abmelden",
    "signed_in": "Angemeldet als {email}",
    "back": "Zurück",
    "save": "Speichern",
    "cancel": "Abbrechen",
    "search": "Suchen",
    "yes": "Ja",
    "no": "Nein",
    "watch_lapses": "In weniger als zwei Tagen meldet Gmail uns keine neue Post mehr: Das Verlängern gelang bisher "
    "nicht. Es wird von selbst weiter versucht; bleibt das so, verbinden Sie neu.",
    "gap": "Von {since} bis {until} hat Gmail keine Änderungen verzeichnet; {found} Mails wurden durch "
    "Suchen gefunden.",
    "gap_count": "Es waren mehr: Ältere Post aus dieser Zeit bleibt im Posteingang, von uns ungelesen.",
    "gap_unchecked": "{count} zurückgehaltene Mails waren zu viele, um sie mit Gmail zu vergleichen: Haben "
    "Sie in dieser Zeit welche verschoben, verschieben Sie sie noch einmal.",
    "gap_time": "Post von davor bleibt im Posteingang, von uns ungelesen.",
    "parts": "Teile der Einstellungen",
    "part_settings": "Wie es arbeitet",
    "part_lists": "Zugelassen und gesperrt",
    "part_wording": "Wortlaut der Antwort",
    "part_computers": "Rechner und Browser",
    "part_start": "Vorschau Ihres Posteingangs",
    "part_data": "Ihre Daten",
    "part_leave": "Trennen und löschen",
    "reconnect": "Neu verbinden",
    "index_progress": "{done} von etwa {total} gesendeten Mails sind gelesen.",
}
