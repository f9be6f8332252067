"""German."""

TEXTS: dict[str, str] = {
    "landing_title": "Post ohne Verkaufsangebote",
    "landing_h": "Ihr Posteingang, ohne die Werbeangebote",
    "landing_lead": "Pitchgate liest neue Post Sekunden nach dem Eintreffen, hält zurück, was ein Fremder "
    "Ihnen verkaufen will, und lässt jeden ein, der sich einen Moment Zeit für Sie nimmt.",
    "connect": "Gmail verbinden",
    "first_look": "Sie können erst ansehen, was es täte: Ein neues Postfach bekommt nur Labels; "
    "zurückgehalten wird nichts, bis Sie es sagen.",
    "picture_invoice": "Re: die Rechnung",
    "picture_pipeline": "300 % mehr Aufträge für Sie",
    "picture_lunch": "Mittagessen am Donnerstag?",
    "picture_cooperation": "Zusammenarbeit",
    "picture_inbox": "Posteingang",
    "picture_held": "zurückgehalten",
    "picture_passed": "Prüfung bestanden",
    "step_1_h": "Es hält zurück",
    "step_1": "Ein kleines Modell auf diesem Server beurteilt jede Mail von Leuten, denen Sie nie "
    "geschrieben haben. Ein Angebot verlässt den Posteingang und bekommt ein Label. Dort finden Sie es, "
    "auch am Telefon.",
    "step_2_h": "Es antwortet",
    "step_2": "Wenn Sie wollen, bekommt der Absender eine höfliche Antwort mit einem Link. Dahinter steht "
    "eine Prüfung, die seinen Rechner einen Moment kostet, jedes Mal mehr.",
    "step_3_h": "Es lässt ein",
    "step_3": "Wer besteht, landet in Ihrem Posteingang und erhält etwas Guthaben für spätere Post. "
    "Niemand bleibt für immer draußen.",
    "does_h": "Was es tut",
    "does_1": "Lässt Post von Leuten, denen Sie geschrieben haben, immer in Ruhe.",
    "does_2": "Überlässt Newsletter, Belege und Post von Maschinen Gmail.",
    "does_3": "Sagt bei jeder Mail, warum sie zurückgehalten wurde oder durchkam.",
    "does_4": "Macht alles rückgängig: freigeben, zulassen, pausieren, trennen.",
    "does_5": "Lässt Post im Zweifel immer im Posteingang.",
    "never_h": "Was es nie tut",
    "never_1": "Eine Mail löschen.",
    "never_2": "Den Text Ihrer Post aufheben oder an ein fremdes Modell schicken.",
    "never_3": "Ein allgemeines Modell mit Ihrer Post trainieren.",
    "never_4": "Leuten antworten, die Sie kennen, Listen oder Maschinen.",
    "never_5": "Jemanden verfolgen: keine Zählpixel, keine Dritten, keine Werbung.",
    "connect_lead": "Google fragt, welches Konto es ist und was Pitchgate dort darf. Haken Sie jedes "
    "Kästchen an; Sie können es jederzeit zurücknehmen.",
    "google": "Weiter mit Google",
    "connect_after": "Ein neu verbundenes Postfach bekommt zunächst nur Labels: Zurückgehalten wird "
    "nichts, bis Sie es sagen.",
    "connected": "Verbunden",
    "now_h": "Was jetzt geschieht",
    "now_1": "In Gmail erscheinen Labels von uns. Zurückgehaltene Mails liegen immer unter einem davon.",
    "now_2": "Nehmen Sie eine Mail dort heraus oder legen Sie eine hinein: Pitchgate nimmt das als Ihr Wort.",
    "now_3": "Sie können den Zugriff jederzeit zurücknehmen, hier oder in Ihrem Google-Konto.",
    "go_on": "Weiter: sehen, was zurückgehalten worden wäre",
    "to_review": "Ansehen, was zurückgehalten ist",
    "close": "Sie können diese Seite schließen.",
    "again": "Neu verbinden",
    "connect_denied_h": "Sie haben Nein gesagt, und das ist in Ordnung",
    "connect_denied": "Google sollte keinen Zugriff geben. Nichts wurde gespeichert. Sie können "
    "verbinden, wann immer Sie mögen.",
    "connect_state_h": "Diese Antwort gehört zu einem anderen Besuch",
    "connect_state": "Das Verbinden muss im selben Browser beginnen und enden, mit erlaubten Cookies. "
    "Nichts wurde gespeichert.",
    "connect_expired_h": "Das hat zu lange gedauert",
    "connect_expired": "Googles Seite stand länger offen, als ein Versuch gilt. Nichts wurde gespeichert.",
    "connect_account_h": "Das ist ein anderes Google-Konto",
    "connect_account": "Sie haben mit einem Konto begonnen und kamen mit einem anderen zurück. Nichts "
    "wurde gespeichert. Wählen Sie dasselbe.",
    "missing_h": "Ein Kästchen blieb leer",
    "missing": "Ohne die folgende Erlaubnis kann Pitchgate nicht arbeiten. Nichts wurde gespeichert. "
    "Verbinden Sie neu und haken Sie es an.",
    "unavailable_h": "Google ist gerade nicht erreichbar",
    "unavailable": "Nichts wurde gespeichert. Warten Sie eine Minute und verbinden Sie dann neu.",
    "other_h": "Das Verbinden hat nicht geklappt",
    "other": "Google hat die Antwort nicht angenommen. Nichts wurde gespeichert. Bitte beginnen Sie neu.",
    "scope_modify": "„E-Mails in Ihrem Gmail-Konto lesen, schreiben und senden“: um neue Post zu lesen, "
    "ein Angebot aus dem Posteingang und zurück zu legen und dem Absender zu antworten.",
    "scope_email": "„Ihre primäre E-Mail-Adresse des Google-Kontos sehen“: um zu wissen, welches Postfach "
    "das ist.",
    "scope_openid": "„Sie mit Ihren persönlichen Daten bei Google verknüpfen“: um das Konto "
    "wiederzuerkennen, wenn Sie zurückkommen.",
    "sign_in_title": "Anmelden",
    "sign_in_h": "Melden Sie sich an, um Ihr Postfach zu sehen",
    "sign_in": "Öffnen Sie diese Seite aus der Pitchgate-App oder melden Sie sich mit dem Google-Konto "
    "Ihres Postfachs an.",
    "signed_in_h": "Sie sind angemeldet",
    "signed_in_on": "Weiter zur gewünschten Seite",
}
