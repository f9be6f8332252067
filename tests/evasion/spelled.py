"""Tricks by which the letters of a pitch are others than those that a person reads."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace

from tests.evasion.mail import TRICKS, Mail, letters, trick

ZWSP, SOFT, JOINER, FILLER, NBSP = "\u200b", "\u00ad", "\u034f", "\u3164", "\u00a0"
CYRILLIC = str.maketrans("aceopxyiACEOPXTHKMB", "асеорхуіАСЕОРХТНКМВ")
GREEK = str.maketrans("aoviunAEHIKMNOPTXBZ", "αονιυηΑΕΗΙΚΜΝΟΡΤΧΒΖ")
PSEUDO = str.maketrans("aehinotuwk", "αєнιησтυωк")
DRAWN = str.maketrans({"a": "/\\", "o": "()", "v": "\\/", "l": "|"})
LEET = str.maketrans("aeiost", "4310$7")
CAPITALS = str.maketrans("abcdefghijklmnoprtuvwyz", "ᴀʙᴄᴅᴇғɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢ")
NO_VOWELS = dict.fromkeys(map(ord, "aeiouyäöüéèêàâáíóúýůěąęåæøãõçô"))
NO_CAPITALS = dict.fromkeys(map(ord, "AEIOUYÄÖÜÉÓÚ"))
STARS = dict.fromkeys(NO_VOWELS, "*")
MARKED = str.maketrans("aeioucnsz", "ăėĭŏŭċńśż")


def _between(word: str, sign: str, every: int = 1) -> str:
    return sign.join(word[at : at + every] for at in range(0, len(word), every))


def _styled(letter: str, capital: int, small: int) -> str:
    if "A" <= letter <= "Z":
        return chr(capital + ord(letter) - 65)
    return chr(small + ord(letter) - 97) if "a" <= letter <= "z" else letter


def _style(capital: int, small: int) -> Callable[[str], str]:
    return lambda word: "".join(_styled(letter, capital, small) for letter in word)


# ---- Characters nobody sees

letters("A zero width space between all letters.", lambda w: _between(w, ZWSP), "zero_width")
letters(
    "A soft hyphen in the middle of each word.", lambda w: _between(w, SOFT, 3), "soft_hyphens", worn=True
)
letters("Grapheme joiners between letters.", lambda w: _between(w, JOINER, 2), "grapheme_joiners")
letters("Word joiners between letters.", lambda w: _between(w, "\u2060"), "word_joiners")
letters("Hangul fillers, which have no width.", lambda w: _between(w, "\uffa0", 2), "fillers")
letters("Characters of the block of tags.", lambda w: _between(w, "\U000e0061", 2), "tags")
letters("Variation selectors behind letters.", lambda w: _between(w, "\ufe0e", 1), "variation_selectors")
letters("Marks of direction in words.", lambda w: _between(w, "\u200e", 2), "direction_marks")
letters("A stroke through every letter.", lambda w: "".join(f"{c}\u0336" for c in w), "struck")
letters(
    "Marks heaped upon every letter.", lambda w: "".join(f"{c}\u0311\u0324\u033e" for c in w), "heaped_marks"
)
letters(
    "Accents as characters of their own.", lambda w: unicodedata.normalize("NFD", w), "decomposed", worn=True
)
letters("Controls between letters.", lambda w: _between(w, "\x7f", 2), "controls")

# ---- Letters that look like letters

letters("Cyrillic letters for those that look the same.", lambda w: w.translate(CYRILLIC), "cyrillic")
letters("Greek letters for those that look the same.", lambda w: w.translate(GREEK), "greek")
letters("Letters of three alphabets that merely resemble.", lambda w: w.translate(PSEUDO), "pseudo_letters")
letters("Mathematical bold letters.", _style(0x1D400, 0x1D41A), "mathematical_bold")
letters("Mathematical script letters.", _style(0x1D4D0, 0x1D4EA), "mathematical_script")
letters("Letters of full width.", _style(0xFF21, 0xFF41), "full_width")
letters("Letters in circles.", _style(0x24B6, 0x24D0), "circled")
letters("Letters in dark squares.", lambda w: _style(0x1F170, 0x1F170)(w.upper()), "dark_squares")
letters("Letters in brackets.", _style(0x1F110, 0x249C), "bracketed")
letters("Small capitals.", lambda w: w.lower().translate(CAPITALS), "small_capitals")
letters("Digits and signs for letters.", lambda w: w.translate(LEET), "leet")
letters("A mark upon every other letter.", lambda w: w.translate(MARKED), "odd_accents")
letters("Letters drawn with strokes.", lambda w: w.translate(DRAWN), "drawn")


@trick("All letters apart, three blanks between words.")
def letters_apart(mail: Mail) -> Mail:
    return mail.said(
        "\n".join("   ".join(" ".join(word) for word in line.split()) for line in mail.text.split("\n"))
    )


@trick("All letters apart, one blank everywhere.")
def letters_apart_evenly(mail: Mail) -> Mail:
    return mail.said("\n".join(" ".join(line.replace(" ", "")) for line in mail.text.split("\n")))


letters("A full stop between letters.", lambda w: ".".join(w), "dotted")
letters("A hyphen between letters.", lambda w: "-".join(w), "hyphened")
letters("A star in the middle of longer words.", lambda w: f"{w[:2]}*{w[2:]}" if len(w) > 4 else w, "starred")
letters("A narrow blank between letters.", lambda w: _between(w, "\u200a"), "hair_spaces")

# ---- Letters of fonts that other scripts' letters and signs make up

ABC = "abcdefghijklmnopqrstuvwxyz"
FONTS = {
    "cjk_font": "卂乃匚刀乇下厶卄工丁长乚从几口尸甲尺丂丅凵リ山乂丫乙",
    "syllabics_font": "ᗩᗷᑕᗪEᖴGᕼIᒍKᒪᗰᑎOᑭᑫᖇᔕTᑌᐯᗯ᙭Yᘔ",
    "cherokee_font": "ᎪᏴᏟᎠᎬᎰᏀᎻᏆᎫᏦᏞᎷNᎾᏢQᎡᏚᎢUᏙᎳXᎽᏃ",
    "lisu_font": "ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑQꓣꓢꓔꓴꓦꓪꓫꓬꓜ",
    "katakana_font": "ﾑ乃cd乇ｷgんﾉﾌズﾚﾶ刀oｱq尺丂ｲu√wﾒﾘ乙",
    "armenian_font": "ɑեςժҽƒցհíյƙӀʍղօρզɾʂԵմѵաՃվՀ",
    "coptic_font": "ⲁⲃⲥⲇⲉfⲅⲏⲓjⲕⲗⲙⲛⲟⲣqrꙅⲧuvⲱⲭⲩⲍ",
    "digits_font": "คც८ძ૯Բ૭ҺɿʆқՆɱՈ૦ƿҩՐς੮υ౮ω૪עઽ",
    "barred_font": "ⱥƀȼđɇfǥħɨɉꝁłmnøᵽꝗɍsŧʉvwɏƶz",
}
UPSIDE_DOWN = str.maketrans(ABC, "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz")


def _font(letters_: str) -> Callable[[str], str]:
    table = str.maketrans(ABC, letters_)
    return lambda word: word.lower().translate(table)


for _name, _signs in FONTS.items():
    letters(f"Letters of a {_name.replace('_', ' ')}.", _font(_signs), _name)
letters("Letters upside down.", lambda w: w.lower().translate(UPSIDE_DOWN), "upside_down")

# ---- Words spelled otherwise

letters("Every word backwards.", lambda w: w[::-1], "backwards")
letters("Every letter twice.", lambda w: "".join(2 * c for c in w), "doubled")
letters("The second letter twice.", lambda w: w[:2] + w[1:], "one_doubled")
letters("A rocket in each word.", lambda w: f"{w[:2]}\U0001f680{w[2:]}", "rockets")
letters("A digit before each word.", lambda w: f"1{w}", "numbered")
letters(
    "A blank in the middle of each word.", lambda w: f"{w[: len(w) // 2]} {w[len(w) // 2 :]}", "cut_in_two"
)


letters("An apostrophe in longer words.", lambda w: f"{w[:2]}'{w[2:]}" if len(w) > 3 else w, "apostrophes")
letters("An apostrophe behind every two letters.", lambda w: _between(w, "'", 2), "apostrophes_everywhere")
letters("The third letter left out.", lambda w: w[:2] + w[3:] if len(w) > 4 else w, "left_out")
letters(
    "Inner letters in the order of the alphabet.",
    lambda w: w[0] + "".join(sorted(w[1:-1])) + w[-1],
    "inner_order",
)
letters("No vowels behind the first letter.", lambda w: w[0] + w[1:].translate(NO_VOWELS), "no_vowels")
letters("No vowels.", lambda w: w.translate(NO_VOWELS | NO_CAPITALS) or w, "no_vowels_at_all")
letters(
    "A star for each vowel behind the first letter.",
    lambda w: w[0] + w[1:].translate(STARS),
    "stars_for_vowels",
)


@trick("No blanks and no signs.")
def run_together(mail: Mail) -> Mail:
    return mail.said("\n".join("".join(filter(str.isalnum, line)) for line in mail.text.lower().split("\n")))


@trick("No blanks; each word begins with a capital.")
def camel_case(mail: Mail) -> Mail:
    lines = mail.text.split("\n")
    return mail.said("\n".join("".join(w[:1].upper() + w[1:] for w in line.split()) for line in lines))


def _joined(sentence: str, sign: str, name: str) -> None:
    @trick(sentence)
    def dress(mail: Mail) -> Mail:
        return replace(mail, text=mail.text.replace(" ", sign), subject=mail.subject.replace(" ", sign))

    TRICKS[-1] = replace(TRICKS[-1], name=name)


_joined("Escaped blanks.", "%20", "escaped_blanks")
_joined("A zero for each blank.", "0", "zeros_for_blanks")
letters("Each word as the address of a link.", lambda w: f"<https://sender.test/{w}>", "words_as_links")
