"""From a text to what the model reads of it: tokens, their places, concepts and phrases; and the text's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import filterfalse, islice
from typing import NamedTuple, TypeVar

from backend.domain.mail.message import clean, may_match
from backend.domain.reading.lexicon import LANGUAGES, lexicon

# ---- Text to tokens
# Links, addresses, numbers and the names of sender and owner become class tokens (`u_link`, `n_money`, `o_name`, …). An
# underscore never comes from the text itself, so nobody can write a class token into mail.


_URL = re.compile(r"https?://[^\s<>\"')\]]{1,2000}|\bwww\.[^\s<>\"')\]]{1,500}", re.I)
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]{1,64}+(?:\.[\w-]{1,64}+){1,6}")
_TOP_DOMAIN = r"\.(?:com|io|co|dev|net|org|de|fr|es|it|nl|pl|cz|se|pt|ch|at|eu|uk|ai|app)\b"
_HOST = re.compile(rf"\b[\w-]{{1,40}}+(?:\.[\w-]{{1,40}}+){{0,3}}{_TOP_DOMAIN}(?:/\S{{0,300}})?", re.I)
_HOST_ENDS = re.compile(_TOP_DOMAIN, re.I)
# These begin with a rare kind of character, to which `re` can skip, and then look back at what stands before it.
_MONEY = re.compile(
    r"[$€£¥\dcegkpsuzCEGKPSUZ\u017f\u212a](?i:(?:(?<=[$€£¥])|(?<!\w\w)(?:(?<=u)sd|(?<=e)ur|(?<=g)bp|(?<=c)hf|(?<=s)ek"
    r"|(?<=p)ln|(?<=c)zk|(?<=k)[čr]|(?<=z)ł)\b)\s?\d[\d.,' ]{0,15}(?:k|m)?\b"
    r"|(?<=\d)[\d.,']{0,15}+\s?+(?:k|m|mio|million)?\s?(?:[$€£¥]|\b(?:usd|eur|euros?|dollars?|gbp|chf|sek|pln|czk"
    r"|kč|zł|kr)\b))"
)
_MONEY_SIGNS = ("$", "usd", "eur", "dollar", "gbp", "chf", "sek", "pln", "czk", "kr")
_PERCENT = re.compile(r"\d[\d.,]{0,10}+\s?+(?:%|percent\b|prozent\b|pour cent\b|procent\b)", re.I)
_PERCENT_SIGNS = ("%", "cent", "prozent")
_CLOCK = re.compile(r"\d(?<!\w\d)\d?(?:(?::|h|\.)\d{2}\s?(?:am|pm|uhr|h)?\b|\s?(?:am|pm|uhr)\b)", re.I)
_PHONE = re.compile(r"[+\d](?<!\w[+\d])(?:(?<=\+)\d|(?<=0)0\d|(?<=\d))(?:[\s().\-/]{0,2}\d){6,14}(?!\w)")
_YEAR = re.compile(r"[12](?<!\w[12])(?:(?<=1)9|(?<=2)0)\d{2}\b")
_NUMBER = re.compile(r"\d[\d.,']*+")
_DIGIT = re.compile(r"\d")
_URL_SIGN = re.compile(r"://|www\.", re.I)
_MAIL_SIGN = re.compile("@")
_WORD = re.compile(r"\w++|\?")
MAX_LETTERS = 64
"""Characters of a word that are read. No real word is longer, and words are shown to people as reasons."""

_CLASSES = (
    (_URL, "u_link"), (_MAIL, "u_mail"), (_HOST, "u_link"), (_MONEY, "n_money"), (_PERCENT, "n_percent"),
    (_CLOCK, "n_clock"), (_PHONE, "n_phone"), (_YEAR, "n_year"), (_NUMBER, "n_number"),
)  # fmt: skip


class PlacedToken(NamedTuple):
    """`token` stands for text[start:end]."""

    token: str
    start: int
    end: int


def tokens(text: str, names: Mapping[str, str]) -> list[str]:
    """Words, classes and "?" of `text`, in order. `names` maps lower-case words to the classes that replace them."""
    if not text:
        return []
    text = clean(text).replace("_", " ")
    # Most texts and lines match no class; one quick search for a sign that every match has shows that.
    if "://" in text or "www." in text.lower():
        text = _in_lines(text, _URL_SIGN, _URL, " u_link ")
    if "@" in text:
        text = _in_lines(text, _MAIL_SIGN, _MAIL, " u_mail ")
    if _HOST_ENDS.search(text):
        text = _in_lines(text, _HOST_ENDS, _HOST, " u_link ")
    digits = len(_DIGIT.findall(text))
    if digits and may_match(text, _MONEY_SIGNS):
        text = _MONEY.sub(" n_money ", text)
    if digits:
        text = _PERCENT.sub(" n_percent ", text) if may_match(text, _PERCENT_SIGNS) else text
        text = _CLOCK.sub(" n_clock ", text)
        text = _PHONE.sub(" n_phone ", text) if digits > 6 else text
        text = _YEAR.sub(" n_year ", text) if "19" in text or "20" in text else text
        text = _NUMBER.sub(" n_number ", text)
    words: list[str] = _WORD.findall(text.lower())
    if not names.keys().isdisjoint(words):
        words = [names.get(word, word) for word in words]
    if max(map(len, words), default=0) > MAX_LETTERS:
        words = [word[:MAX_LETTERS] for word in words]
    return words


def _in_lines(text: str, sign: re.Pattern[str], pattern: re.Pattern[str], token: str) -> str:
    """`text` with `token` for each match of `pattern`, which never spans lines and always contains `sign`."""
    lines = text.split("\n")
    return "\n".join([pattern.sub(token, line) if sign.search(line) else line for line in lines])


def placed_tokens(text: str, names: Mapping[str, str]) -> list[PlacedToken]:
    """The same tokens with their places. Slower than `tokens`, which scoring uses.

    The two may differ in a letter whose lower case is longer than itself (the Turkish İ).
    """
    # A piece is (text, start, token), the token "" as long as nothing was recognised. Each step cuts its matches out of
    # the pieces without a token.
    pieces = [(clean(text).replace("_", " "), 0, "")]
    for pattern, token in _CLASSES:
        pieces = [part for piece in pieces for part in _cut(piece, pattern, token)]
    found = []
    for raw, start, token in pieces:
        if token:
            found.append(PlacedToken(token, start, start + len(raw.rstrip(" .,'"))))
            continue
        for match in _WORD.finditer(_lower(raw)):
            word, at = match.group(), start + match.start()
            found.append(PlacedToken(names.get(word, word[:MAX_LETTERS]), at, start + match.end()))
    return found


def _cut(piece: tuple[str, int, str], pattern: re.Pattern[str], token: str) -> Iterator[tuple[str, int, str]]:
    raw, start, taken = piece
    if taken:
        yield piece
        return
    position = 0
    for match in pattern.finditer(raw):
        yield raw[position : match.start()], start + position, ""
        yield match.group(), start + match.start(), token
        position = match.end()
    yield raw[position:], start + position, ""


def _lower(text: str) -> str:
    """Lower case of the same length."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)


# ---- Concepts: words by meaning, in any language
# "Angebot", "offre" and "oferta" are all `c_offer`. Concepts let a model trained mostly on English judge Czech mail.


_CLASS_PREFIXES = ("n_", "u_", "x_", "o_")
_LONGEST_ENDING = 14


def concepts(words: Iterable[str], language: str) -> list[str]:
    """`c_…` tokens in the order of `words`, which are lower-case; words without a concept are left out.

    Class tokens (`n_money`, `o_name`, …) and question marks are concepts of their own. Words unknown in
    `language` are looked up in English, because business mail mixes the two.
    """
    return [token for word in words if (token := _concept(word, language))]


@lru_cache(maxsize=20_000)
def _concept(word: str, language: str) -> str:
    """The token of a word's concept, "" if it has none."""
    if word == "?":
        return "c_ask"
    if word.startswith(_CLASS_PREFIXES):
        return f"c_{word}"
    found = _look_up(word, language if language in LANGUAGES else "en")
    if not found and language != "en" and len(word) > 3:
        found = _look_up(word, "en")
    return found and f"c_{found}"


def _look_up(word: str, language: str) -> str:
    exact, stems, beginnings = _tables(language)
    if word in exact:
        return exact[word]
    if word[:3] not in beginnings and word[:2] not in beginnings:
        return ""
    for end in range(len(word), max(1, len(word) - _LONGEST_ENDING), -1):
        if word[:end] in stems:
            return stems[word[:end]]
    return ""


@cache
def _tables(language: str) -> tuple[dict[str, str], dict[str, str], frozenset[str]]:
    """(whole words, stems) to concepts, and the first three letters of the stems. The first concept that claims a word
    keeps it."""
    exact: dict[str, str] = {}
    stems: dict[str, str] = {}
    for name, words in lexicon(language).concepts:
        for word in words.split():
            table, key = (stems, word[:-1]) if word.endswith("*") else (exact, word)
            table.setdefault(key, name)
    return exact, stems, frozenset(stem[:3] for stem in stems)


# ---- Phrases
# A pattern is a sequence of slots. `a/b` matches any of these words, `ab*` any word that begins so, `_` any one word,
# `..` up to four words. Patterns are looked up by their first word, so the time depends only on the text's length.


MAX_HITS = 400
MAX_WORDS = 10_000
"""Words that are searched, about twenty pages: a pitch comes to the point by then."""

MAX_KEPT = 5_000
"""Words of a language whose patterns are cached."""

_GAP_WORDS = 4


@dataclass(frozen=True, slots=True)
class PhraseHit:
    """`finding`, as the lexicon names it, at words[start:end]."""

    finding: str
    start: int
    end: int


_T = TypeVar("_T")
_Lists = dict[str, list[_T]]

_ALWAYS, _ANY, _GAP = range(3)
"""Numbers of special slots: one that always matches, even after the last word; any one word; a gap."""
_EVERY_WORD = frozenset({_ALWAYS, _ANY})
_AT_END = frozenset({_ALWAYS})

_Tail = tuple[int, ...]
_Candidate = tuple[int, _Tail, str]
"""A pattern that may begin with a word: the slot that the next word must match, all later slots, and the finding."""


class _WordEntry(NamedTuple):
    """The slots a word matches, the patterns that begin with it, and their `next_slots`."""

    slots: frozenset[int]
    next_slots: frozenset[int]
    candidates: tuple[_Candidate, ...]


def find_phrases(words: Sequence[str], language: str) -> list[PhraseHit]:
    """Every phrase of `language` (English if it has none of its own) in `words`, in order of position.

    `words` are lower-case, with classes for names and numbers and with "?" as a word; at most `MAX_HITS`
    hits of the first `MAX_WORDS` words are returned, and a finding counts once at each position.
    """
    entries = list(map(_patterns(language if language in LANGUAGES else "en"), words))
    matched = [entry.slots for entry in entries]
    matched.append(_AT_END)
    hits: dict[tuple[int, str], PhraseHit] = {}
    for start in [place for place, entry in enumerate(entries[:MAX_WORDS]) if entry.next_slots]:
        _, next_slots, candidates = entries[start]
        following = matched[start + 1]
        if next_slots.isdisjoint(following):
            continue
        for tail, finding in [(tail, finding) for slot, tail, finding in candidates if slot in following]:
            if (start, finding) not in hits and (end := _match_end(tail, matched, start + 1)):
                hits[start, finding] = PhraseHit(finding, start, end)
        if len(hits) >= MAX_HITS:
            break
    return list(hits.values())


def phrases_within(
    hits: Sequence[PhraseHit], begin: int, end: int, words: Sequence[str], language: str
) -> list[PhraseHit]:
    """The same as `find_phrases(words, language)`, faster: `words` begin with those from `begin` to `end` of a text
    whose `hits` are known. Only phrases that may reach beyond these are searched for."""
    reused = end - begin - _longest_phrase(language)
    if reused <= 0 or len(hits) >= MAX_HITS:
        return find_phrases(words, language)
    known = [
        PhraseHit(hit.finding, hit.start - begin, hit.end - begin)
        for hit in hits
        if begin <= hit.start < begin + reused
    ]
    others = find_phrases(words[reused:], language)
    if len(known) + len(others) >= MAX_HITS:
        return find_phrases(words, language)
    return known + [PhraseHit(hit.finding, hit.start + reused, hit.end + reused) for hit in others]


@cache
def _longest_phrase(language: str) -> int:
    """One word more than a phrase may span."""
    found = lexicon(language if language in LANGUAGES else "en").phrases
    patterns = [pattern.split() for _, body in found for pattern in body.split("|")]
    return 1 + max(len(slots) + (_GAP_WORDS - 1) * slots.count("..") for slots in patterns)


def _match_end(tail: _Tail, matched: Sequence[frozenset[int]], position: int) -> int:
    """Where the match ends, 0 without one. Shorter gaps come first."""
    for place, slot in enumerate(tail):
        if slot == _GAP:
            furthest = min(position + _GAP_WORDS, len(matched) - 1)
            ends = (_match_end(tail[place + 1 :], matched, after) for after in range(position, furthest + 1))
            return next(filter(None, ends), 0)
        if slot not in matched[position]:
            return 0
        position += 1
    return position


@cache
def _patterns(language: str) -> Callable[[str], _WordEntry]:
    """A function from a word to its entry in the language's patterns. It caches: mail repeats the same words."""
    numbers: dict[str, int] = {"_": _ANY, "..": _GAP}
    slots: _Lists[int] = {}
    starts: _Lists[_Candidate] = {}
    for finding, body in lexicon(language).phrases:
        for pattern in body.split("|"):
            written = pattern.split()
            if not written:
                continue
            for slot in written[1:]:
                if slot not in numbers:
                    numbers[slot] = len(numbers) + 1
                    _enter(slot, numbers[slot], slots)
            tail = tuple(numbers[slot] for slot in written[1:])
            next_slot = tail[0] if tail and tail[0] != _GAP else _ALWAYS
            _enter(written[0], (next_slot, tail, finding), starts)
    known = {*slots, *starts}
    lengths = sorted({len(choice) - 1 for choice in known if choice[-1] == "*"})
    nothing = _WordEntry(_EVERY_WORD, frozenset(), ())

    @lru_cache(maxsize=MAX_KEPT)
    def entry(word: str) -> _WordEntry:
        choices = [word, *[f"{word[:length]}*" for length in lengths if length <= len(word)]]
        found = [choice for choice in choices if choice in known]
        if not found:
            return nothing
        candidates = tuple([one for choice in found for one in starts.get(choice, ())])
        next_slots = frozenset([slot for slot, _, _ in candidates])
        own = [slot for choice in found for slot in slots.get(choice, ())]
        return _WordEntry(_EVERY_WORD.union(own), next_slots, candidates)

    return entry


def _enter(slot: str, what: _T, table: _Lists[_T]) -> None:
    """Add `what` under each word and each stem of a slot."""
    for choice in set() if slot in ("_", "..") else set(slot.split("/")):
        table.setdefault(choice, []).append(what)


# ---- Language detection
# Small words belong to several languages ("do", "a", "me"), so a language must be clearly ahead. A text of unknown
# language is read as English, which does no harm, while English mail read as Czech would lose its meaning.


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
VOTES = {word: tuple((code, 1 / len(codes)) for code in codes) for word, codes in _OF_WORD.items()}
"""Common words → their languages, each with its share of the word's one vote."""

# Letters that only these languages use, among those known here.
_LETTERS = {
    "ß": ("de",), "ü": ("de",), "ö": ("de", "sv"), "ä": ("de", "sv"), "å": ("sv",),
    "ñ": ("es",), "¿": ("es",), "¡": ("es",), "ã": ("pt",), "õ": ("pt",), "ì": ("it",), "ò": ("it",),
    "ł": ("pl",), "ą": ("pl",), "ę": ("pl",), "ś": ("pl",), "ż": ("pl",), "ź": ("pl",), "ć": ("pl",), "ń": ("pl",),
    "ř": ("cs",), "ě": ("cs",), "ů": ("cs",), "š": ("cs",), "č": ("cs",), "ž": ("cs",), "ý": ("cs",),
    "œ": ("fr",), "û": ("fr",), "ê": ("fr", "pt"), "è": ("fr", "it"), "ç": ("fr", "pt"), "ù": ("fr", "it"),
}  # fmt: skip
_LETTER = re.compile(f"[{''.join(_LETTERS)}]")
# Letters attached to a number do not vote: the "k" of "400k" would be a vote for Czech.
_ANY_WORD = re.compile(r"\b[^\W\d_]+\b|[¿¡]")
_ASCII_WORD = re.compile(r"\b[a-z]+\b")
# UTF-8 that was decoded as Windows-1252: without this, both characters of a pair such as "Ã¡" would vote.
_MISREAD = re.compile(r"(?:(?<=[a-zß-ÿ])[ÂÃÄÅ]|Ã(?![A-ZÀ-Þ]))[^a-zA-Z\s]?")

_BEGINNING = 8_000
"""Characters searched first: in most texts they hold enough words."""

DETECTED_LANGUAGES = tuple(_COMMON)
MIN_VOTES = 1.2
"""Votes that the first language needs."""
LEAD = 1.25
"""Votes the first needs for each vote of the second."""

COMMONPLACE = frozenset(VOTES)
"""The most common words of all languages, in lower case: alone they say nothing about a text."""


_LEADS_ON = {
    "en": """a an the my your our their his her its this these to of for with in on at by from about into as than like
    and or but if that which""",
    "de": """der die das den dem des ein eine einen einem einer eines mein meine meinen ihr ihre ihren ihrem ihrer unser
    unsere unseren unserem unserer zu zur zum mit für von vom bei im in an am auf aus über und oder als wie dass""",
    "fr": """le la les l un une des du de d mon ma mes votre vos notre nos son sa ses leurs à au aux avec pour par sur
    dans en chez et ou que qui si comme""",
    "es": """el la los las un una unos unas mi mis su sus nuestro nuestra nuestros nuestras tu tus de del a al con para
    por en sobre y o que si como""",
    "pt": """o a os as um uma uns umas meu minha seu sua seus suas nosso nossa nossos nossas de do da dos das ao à aos
    às com para por pelo pela em no na nos nas sobre e ou que se como""",
    "it": """il lo la i gli le un uno una di del della dei delle a al alla con per da dal in nel nella su sul e o che se
    come suo sua vostro vostra nostro nostra""",
    "nl": "de het een mijn uw jouw onze van voor met in aan bij naar om te en of dat als",
    "pl": "i w z na do o od za po dla oraz że jak", "cs": "a i v ve s se z ze na do o od po pro k ke že jak nebo",
    "sv": "en ett den er era vår vårt våra av för med på i till om och eller att som",
}  # fmt: skip
_LEADS_ON_IN = {code: frozenset(words.split()) for code, words in _LEADS_ON.items()}


def leads_on(word: str, language: str) -> bool:
    """Whether this lower-case word cannot end a phrase of that language: an article, a preposition, an "and"."""
    return word in _LEADS_ON_IN.get(language, ())


def language(text: str, most: int = 400) -> str:
    """The ISO code of the text's language, or "xx" if none is clearly ahead. Looks at the first `most` words."""
    votes = dict.fromkeys(DETECTED_LANGUAGES, 0.0)
    plain = text.isascii()
    text = text.lower() if plain else _MISREAD.sub("", text).lower()
    pattern = _ASCII_WORD if plain else _ANY_WORD
    words = pattern.findall(text, 0, _BEGINNING)
    if len(text) > _BEGINNING and len(words) <= most:  # the last one may be cut
        words = [match.group() for match in islice(pattern.finditer(text), most)]
    for shares in filter(None, map(VOTES.get, words[:most])):
        for code, share in shares:
            votes[code] += share
    for word in () if plain else filterfalse(str.isascii, words[:most]):
        for letter in set(_LETTER.findall(word)):
            for code in _LETTERS[letter]:
                votes[code] += 1 / len(_LETTERS[letter])
    second, first = sorted(votes, key=votes.__getitem__)[-2:]
    return first if votes[first] >= max(MIN_VOTES, LEAD * votes[second]) else OTHER
