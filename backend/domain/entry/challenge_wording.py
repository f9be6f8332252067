"""The words of a challenge, in the languages it can be written in. Data; `{owner}` and `{until}` are filled in.

`because` is the paragraph an owner may replace with their own. The rest stays: that a program wrote it, what the
link does, and how long it works cannot be left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

LANGUAGES = ("en", "de", "fr", "es", "pt")
DEFAULT = "en"
MAX_OWN_WORDING = 2_000
"""Characters of an owner's own paragraph."""

TAGS = {language: language for language in LANGUAGES} | {"pt": "pt-PT"}
"""How each is named to browsers and mail programs (BCP 47). Plain `pt` is read as Brazil's; ours is Portugal's."""


@dataclass(frozen=True, slots=True)
class Wording:
    """Paragraphs in their order. `link` is the text of the link in HTML; `date` puts day, month and year together."""

    greeting: str
    machine: str
    because: str
    todo: str
    link: str
    terms: str
    otherwise: str
    months: tuple[str, ...]
    date: str
    first: str = "1"

    def day(self, at: datetime) -> str:
        """The date of `at` (aware UTC) as this language writes it."""
        return self.date.format(
            day=at.day if at.day > 1 else self.first, month=self.months[at.month - 1], year=at.year
        )


WORDINGS = {
    "en": Wording(
        greeting="Hello,",
        machine="This is an automatic reply. A program, Pitchgate, wrote it for {owner}; nobody has read your message "
        "yet.",
        because="{owner} gets many offers from people who have not been in touch before. Your message looked like "
        "one of them, so it is on hold outside the inbox. It has not been deleted.",
        todo="Would you like it to be read? Open this page and pass a short check. Your message then goes to the "
        "inbox:",
        link="Deliver my message",
        terms="The link belongs to this one message and works once, until {until} (UTC).",
        otherwise="No action needed otherwise: there will be no reminder, and {owner} can still find your message "
        "among held mail and release it.",
        months=("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                "November", "December"),
        date="{day} {month} {year}",
    ),
    "de": Wording(
        greeting="Guten Tag,",
        machine="dies ist eine automatische Antwort. Ein Programm, Pitchgate, hat sie für {owner} geschrieben; kein "
        "Mensch hat Ihre Nachricht bisher gelesen.",
        because="{owner} bekommt viele Angebote von Menschen, mit denen es noch keinen Kontakt gab. Ihre Nachricht "
        "sah wie eines davon aus und wartet deshalb außerhalb des Posteingangs. Gelöscht ist sie nicht.",
        todo="Möchten Sie, dass sie gelesen wird? Öffnen Sie diese Seite und bestehen Sie eine kurze Prüfung. Danach "
        "kommt Ihre Nachricht in den Posteingang:",
        link="Meine Nachricht einlassen",
        terms="Der Link gehört zu dieser einen Nachricht und gilt einmal, bis zum {until} (UTC).",
        otherwise="Sie müssen nichts tun: Es kommt keine Erinnerung, und {owner} kann Ihre Nachricht auch so ansehen "
        "und einlassen.",
        months=("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
                "November", "Dezember"),
        date="{day}. {month} {year}",
    ),
    "fr": Wording(
        greeting="Bonjour,",
        machine="Ceci est une réponse automatique. Un programme, Pitchgate, l’a écrite pour {owner} ; personne n’a "
        "encore lu votre message.",
        because="{owner} reçoit beaucoup d’offres de personnes avec qui il n’y a pas encore eu d’échange. Votre "
        "message y ressemblait : il attend donc hors de la boîte de réception. Il n’a pas été supprimé.",
        todo="Souhaitez-vous qu’il soit lu ? Ouvrez cette page et passez une courte vérification. Votre message "
        "arrive ensuite dans la boîte de réception :",
        link="Laisser entrer mon message",
        terms="Le lien ne vaut que pour ce message et ne fonctionne qu’une fois, jusqu’au {until} (UTC).",
        otherwise="Vous n’êtes pas obligé de faire quoi que ce soit : il n’y aura pas de relance, et {owner} peut "
        "aussi consulter votre message et le laisser entrer sans cela.",
        months=("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
                "novembre", "décembre"),
        date="{day} {month} {year}",
        first="1er",
    ),
    "es": Wording(
        greeting="Hola:",
        machine="Esta es una respuesta automática. La ha escrito un programa, Pitchgate, en nombre de {owner}; nadie "
        "ha leído todavía su mensaje.",
        because="{owner} recibe muchas ofertas de personas con las que aún no ha tenido contacto. Su mensaje parecía "
        "una de ellas, por eso espera fuera de la bandeja de entrada. No se ha borrado.",
        todo="¿Desea que se lea? Abra esta página y supere una breve comprobación. Su mensaje llegará entonces a la "
        "bandeja de entrada:",
        link="Dejar pasar mi mensaje",
        terms="El enlace es solo para este mensaje y funciona una vez, hasta el {until} (UTC).",
        otherwise="No tiene que hacer nada: no habrá recordatorios, y {owner} también puede ver su mensaje y dejarlo "
        "pasar sin esto.",
        months=("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
                "noviembre", "diciembre"),
        date="{day} de {month} de {year}",
    ),
    "pt": Wording(
        greeting="Olá,",
        machine="Esta é uma resposta automática. Foi escrita por um programa, o Pitchgate, em nome de {owner}; "
        "ninguém leu ainda a sua mensagem.",
        because="{owner} recebe muitas propostas comerciais de pessoas com quem ainda não houve contacto. A sua "
        "mensagem parecia uma delas e, por isso, espera fora da caixa de entrada. Não foi apagada.",
        todo="Gostaria que fosse lida? Abra esta página e supere uma breve verificação. A sua mensagem chega depois "
        "à caixa de entrada:",
        link="Deixar entrar a minha mensagem",
        terms="A ligação vale só para esta mensagem e funciona uma vez, até {until} (UTC).",
        otherwise="Não precisa de fazer nada: não haverá lembretes, e {owner} também pode ver a sua mensagem e "
        "deixá-la entrar sem isso.",
        months=("janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
                "novembro", "dezembro"),
        date="{day} de {month} de {year}",
    ),
}  # fmt: skip
