"""Domains where anybody gets an address: sharing one makes nobody colleagues."""

from __future__ import annotations

_LISTED = """
gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com rocketmail.com aol.com
icloud.com me.com mac.com proton.me protonmail.com pm.me gmx.com gmx.net gmx.de gmx.at gmx.ch web.de
t-online.de freenet.de mail.com email.com zoho.com zohomail.com yandex.com yandex.ru mail.ru inbox.ru
list.ru bk.ru fastmail.com fastmail.fm hey.com tutanota.com tuta.io tuta.com mailbox.org posteo.de
posteo.net orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr libero.it virgilio.it tiscali.it alice.it
tim.it hotmail.it hotmail.fr hotmail.de hotmail.es hotmail.co.uk live.nl live.fr live.co.uk outlook.de
outlook.fr outlook.es outlook.it yahoo.fr yahoo.de yahoo.es yahoo.it yahoo.co.uk yahoo.co.in yahoo.com.br
bol.com.br uol.com.br terra.com.br terra.es telefonica.net ziggo.nl kpnmail.nl xs4all.nl planet.nl home.nl
wp.pl o2.pl onet.pl interia.pl op.pl seznam.cz email.cz centrum.cz post.cz atlas.cz telia.com bredband.net
comhem.se sapo.pt iol.pt 163.com 126.com qq.com sina.com foxmail.com naver.com rediffmail.com btinternet.com
sky.com virginmedia.com comcast.net verizon.net att.net sbcglobal.net cox.net earthlink.net shaw.ca
rogers.com bigpond.com
"""
_DOMAINS = frozenset(_LISTED.split())


def is_free_mail(domain: str) -> bool:
    """Whether `domain` (lower case) is a public mail provider."""
    return domain in _DOMAINS
