"""Which language a text is in: a vote of its commonest words and of letters that only some languages use.

A short mail is easily taken for the wrong language, for the smallest words belong to several ("do", "a", "me").
A text is therefore of no language until one is clearly ahead: who is unknown is read as English, which does no
harm, while an English mail read as Czech loses what it says.
"""

from __future__ import annotations

import re
from itertools import islice

OTHER = "xx"

_COMMON = {
    "en": """
    the a an and you your we to of is are for with that this these those have has had our i my be been it its in
    not if can could would should will what which who why when where how do does did from at as was were any just
    me us them they their he she his her or but so on about there here then than some more most all one out up
    no yes get got let make made take see know need want like think look good best new next last week weeks month
    day days today tomorrow yesterday time back call quick question team help please thanks thank hi hello hey dear
    regards cheers sorry soon over after before because only also into by re am don t s ll ve minute minutes per people
    each other between first year years since while another much many still ten six work
    """,
    "de": """
    der die das den dem des ein eine einen einem einer und oder aber ist sind war hat habe haben hatte wird werden
    wurde kann können möchte möchten würde würden sie ihr ihre ihren ihrem ihnen wir uns unser unsere ich mich mir
    du dir dein deine es er nicht kein keine mit für auf aus bei nach von vom zu zum zur im am in an um über unter
    auch wie was wer wann wo warum wenn dass weil noch nur schon sehr mehr als so hier dann da heute morgen gestern
    woche bitte danke hallo liebe lieber guten tag sehr geehrte geehrter grüße gruß freundlichen viele anbei gerne
    kurz zeit gespräch frage termin ob mal
    """,
    "fr": """
    le la les l des du de un une et ou mais est sont était avez avons ont êtes suis vous votre vos nous notre nos
    je j il elle ils on tu te ton ta pour par dans avec sans sur sous chez que qu qui quoi dont où pas ne n plus se
    s ce c cette ces cet au aux en y si comme aussi très bien bonjour bonsoir merci madame monsieur cordialement
    être avoir faire fait peut pouvez pourriez souhaitez votre demain hier semaine prochaine jour jours temps
    appel question quelques minutes toujours à deux trois leur leurs depuis entre ainsi an ans chaque
    encore tout tous toute
    """,
    "es": """
    el la los las lo un una unos y e o pero es son está están era fue ha han he hemos tiene tienen tengo hay usted
    ustedes su sus nosotros nuestro nuestra nuestros yo tú te ti mi me le les se nos para por con sin en de del al
    que qué cómo cuándo dónde quién si sí no más muy también ya como cuando este esta esto estos estas ese esa hola
    buenos buenas días tardes gracias saludos estimado estimada hoy mañana ayer semana llamada minutos podemos
    podría quería puede tu tus dos tres desde hasta entre nuestras vos todo todos cada año años sobre puedo pueden hacer
    """,
    "pt": """
    o a os as um uma uns e ou mas é são está estão foi ser ter tem têm temos tenho há você vocês seu sua seus suas
    nós nosso nossa nossos eu me te ele ela lhe se para por com sem em de do da dos das no na nos nas ao à aos pelo
    pela que como quando onde quem não sim mais muito também já este esta isto esse essa isso olá oi bom boa dia
    tarde obrigado obrigada caro cara cumprimentos abraço hoje amanhã ontem semana chamada minutos podemos poderia
    pode gostaria até meu minha meus duas dois três desde entre cada ano anos sobre todo todos posso podem nossas
    """,
    "it": """
    il lo la i gli le un uno una e ed o ma è sono era ha hanno ho abbiamo avete ci vi mi ti si ne lei voi noi suo
    sua vostro vostra vostri nostro nostra per con senza in di del della dei delle dello da dal dalla al alla ai
    alle nel nella sul sulla che chi cosa come quando dove perché se non più molto anche già questo questa questi
    quello ciao buongiorno buonasera salve gentile grazie saluti cordiali oggi domani ieri settimana chiamata
    minuti possiamo potrebbe può vorrei tu tuo tua due tre entro tra solo ogni anno anni nostre vostre tutto tutti però
    """,
    "nl": """
    de het een en of maar is zijn was waren heb heeft hebben had kan kunnen wil willen zou zouden wordt worden
    u uw je jij jouw jullie wij we ons onze ik mij mijn hij ze zij hun voor met zonder van naar aan op in bij uit
    over om te tot als dan dat die dit deze er hier daar wat wie waar wanneer hoe waarom niet geen ook nog al meer
    zeer heel hallo hoi beste geachte dank bedankt groet groeten vriendelijke graag vandaag morgen gisteren week
    even tijd gesprek vraag
    """,
    "pl": """
    i w z na do o od po za przez przy dla bez u że to ten ta te tego tej jest są był była było być ma mam mamy mają
    nie tak się ja ty my wy on ona pan pana panu pani państwo państwa państwu nasz nasza nasze naszej wasz jak co kto
    kiedy gdzie dlaczego czy ale lub albo oraz już jeszcze tylko też także bardzo więcej może można możemy będzie
    dzień dobry cześć witam dziękuję proszę pozdrawiam dziś dzisiaj jutro wczoraj tydzień tygodniu rozmowa pytanie
    chwilę
    """,
    "cs": """
    a i v ve s se z ze k ke na do po o u za pro při bez že to ten ta tento tato je jsou byl byla bylo být má mám
    máme mají není ne ano si já ty my vy vám vás náš naše naší váš vaše jak co kdo kdy kde proč jestli zda ale nebo
    už ještě jen také tak taky velmi více může můžeme bychom bych bude dobrý den ahoj děkuji děkujeme díky prosím
    pozdravem pozdrav hezký dnes zítra včera týden týdnu hovor otázka krátký který která které
    """,
    "sv": """
    och eller men att det den detta ett en är var har hade kan kunde skulle vill ska blir bli vi oss vår vårt våra
    ni er ert era du dig din ditt dina jag mig min mitt han hon de dem som om för med utan av till från på i hos vid
    efter innan här där vad vem när var hur varför inte ingen också bara redan mycket mer så än hej tack hälsningar
    vänliga mvh idag imorgon igår vecka veckan samtal fråga minuter gärna snabb kort
    """,
}
_OF_WORD: dict[str, tuple[str, ...]] = {}
for _code, _words in _COMMON.items():
    for _word in set(_words.split()):
        _OF_WORD[_word] = (*_OF_WORD.get(_word, ()), _code)
_VOTES = {word: tuple((code, 1 / len(codes)) for code in codes) for word, codes in _OF_WORD.items()}

# Letters that only these languages use, among those known here.
_LETTERS = {
    "ß": ("de",), "ü": ("de",), "ö": ("de", "sv"), "ä": ("de", "sv"), "å": ("sv",),
    "ñ": ("es",), "¿": ("es",), "¡": ("es",), "ã": ("pt",), "õ": ("pt",), "ì": ("it",), "ò": ("it",),
    "ł": ("pl",), "ą": ("pl",), "ę": ("pl",), "ś": ("pl",), "ż": ("pl",), "ź": ("pl",), "ć": ("pl",), "ń": ("pl",),
    "ř": ("cs",), "ě": ("cs",), "ů": ("cs",), "š": ("cs",), "č": ("cs",), "ž": ("cs",), "ý": ("cs",),
    "œ": ("fr",), "û": ("fr",), "ê": ("fr", "pt"), "è": ("fr", "it"), "ç": ("fr", "pt"), "ù": ("fr", "it"),
}  # fmt: skip
_LETTER = re.compile(f"[{''.join(_LETTERS)}]")
# Letters at a number are no word: the "k" of "400k" would be a vote for Czech, the "h" of "17h" for nobody.
_WORD = re.compile(r"\b[^\W\d_]+\b|[¿¡]")
_ASCII_WORD = re.compile(r"\b[a-z]+\b")

_BEGINNING = 8_000
"""Characters in which most texts have the words that are looked at: they are found in one go there."""

LANGUAGES = tuple(_COMMON)
ENOUGH = 1.2
"""Votes the first needs."""
LEAD = 1.25
"""How many times the votes of the second the first must have."""


def commonplace(word: str) -> bool:
    """Whether a word in lower case is among the commonest of some language here: alone it tells nothing of a mail."""
    return word in _VOTES


def language(text: str, most: int = 400) -> str:
    """ISO code out of `LANGUAGES`, or "xx" where none is clearly ahead. Looks at the first `most` words."""
    votes = dict.fromkeys(LANGUAGES, 0.0)
    text = text.lower()
    word = _ASCII_WORD if (plain := text.isascii()) else _WORD
    words = word.findall(text, 0, _BEGINNING)
    if len(text) > _BEGINNING and len(words) <= most:  # the last one may be cut
        words = [match.group() for match in islice(word.finditer(text), most)]
    if plain:
        for known in filter(None, map(_VOTES.get, words[:most])):
            for code, share in known:
                votes[code] += share
        words = []
    for word in words[:most]:
        for code, share in _VOTES.get(word, ()):
            votes[code] += share
        if not word.isascii():
            for letter in set(_LETTER.findall(word)):
                for code in _LETTERS[letter]:
                    votes[code] += 1 / len(_LETTERS[letter])
    second, first = sorted(votes, key=votes.__getitem__)[-2:]
    return first if votes[first] >= max(ENOUGH, LEAD * votes[second]) else OTHER
