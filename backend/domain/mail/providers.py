"""Data: domains where anybody gets an address, and suffixes below which every name is another tenant.

Consumer mail providers, internet access providers that hand out mailboxes, and alias or throw-away
services. Sharing such a domain makes nobody colleagues.
"""

from __future__ import annotations

_BRANDS = "gmail googlemail yahoo ymail rocketmail hotmail gmx protonmail tutanota yandex rediffmail aol"
_RENTED_OUT = """
    onmicrosoft.com gappssmtp.com amazonses.com sendgrid.net mailgun.org mailgun.net mandrillapp.com mcsv.net
    rsgsv.net mcdlv.net hubspotemail.net hs-send.com sparkpostmail.com postmarkapp.com mtasv.net zendesk.com
    freshdesk.com intercom-mail.com atlassian.net salesforce.com exacttarget.com helpscout.net teamwork.com odoo.com
"""

_WORLDWIDE = """
    outlook.com live.com msn.com passport.com windowslive.com icloud.com me.com mac.com aim.com love.com
    games.com wow.com verizon.net netscape.net compuserve.com cs.com proton.me pm.me mail.com email.com
    usa.com europe.com asia.com post.com consultant.com engineer.com doctor.com lawyer.com accountant.com
    dr.com writeme.com iname.com myself.com techie.com cheerful.com journalist.com teacher.com
    musician.org financier.com programmer.net chef.net inorbit.com workmail.com zoho.com zoho.eu zoho.in
    zohomail.com zohomail.eu zohomail.in fastmail.com fastmail.fm fastmail.net fastmail.org fastmail.us
    fastmail.co.uk fastmail.de fastmail.es fastmail.jp fastmail.to sent.com messagingengine.com
    123mail.org hey.com tuta.com tuta.io tutamail.com tutanota.de keemail.me mailbox.org runbox.com
    startmail.com hushmail.com hush.com hush.ai lavabit.com ctemplar.com mailfence.com countermail.com
    disroot.org riseup.net autistici.org inventati.org cock.li airmail.cc posteo.de posteo.net posteo.eu
    posteo.org posteo.at posteo.ch kolabnow.com migadu.com soverin.net vivaldi.net opera.com operamail.com
    lycos.com excite.com hotbot.com inbox.com mail2world.com gawab.com maktoob.com safe-mail.net
    lavabit.net zmail.ru openmailbox.org safe-mail.com onmail.com skiff.com simplelogin.com simplelogin.co
    slmail.me aleeas.com anonaddy.com anonaddy.me addy.io duck.com mozmail.com relay.firefox.com
    privaterelay.appleid.com passmail.net passinbox.com passmail.com opayq.com mailo.com net-c.com
    bigfoot.com juno.com netzero.net netzero.com earthlink.net mindspring.com peoplepc.com pobox.com
"""
_MICROSOFT = """
    outlook.at outlook.be outlook.cl outlook.co.id outlook.co.il outlook.co.th outlook.com.ar
    outlook.com.au outlook.com.br outlook.com.gr outlook.com.tr outlook.com.vn outlook.cz outlook.de
    outlook.dk outlook.es outlook.fr outlook.hu outlook.ie outlook.in outlook.it outlook.jp outlook.kr
    outlook.lv outlook.my outlook.ph outlook.pt outlook.sa outlook.sg outlook.sk live.at live.be live.ca
    live.ch live.cl live.cn live.co.kr live.co.uk live.co.za live.com.ar live.com.au live.com.mx
    live.com.my live.com.ph live.com.pt live.com.sg live.de live.dk live.fi live.fr live.hk live.ie
    live.in live.it live.jp live.nl live.no live.ru live.se
"""
_GERMAN = """
    web.de t-online.de magenta.de freenet.de arcor.de arcormail.de vodafone.de vodafonemail.de unitybox.de
    kabelmail.de unity-mail.de online.de onlinehome.de 1und1.de email.de mail.de mail-online.de ewetel.net
    ewe.net nexgo.de alice.de alice-dsl.net alice-dsl.de o2online.de o2mail.de netcologne.de osnanet.de
    versanet.de htp-tel.de m-net.de mnet-online.de kabelbw.de gmx.info lycos.de firemail.de smart-mail.de
    dokom.net swbmail.de aikq.de systemli.org aon.at a1.net chello.at utanet.at inode.at tele2.at
    liwest.at kabsi.at drei.at kabelplus.at bluewin.ch bluemail.ch sunrise.ch hispeed.ch swissonline.ch
    hin.ch vtxmail.ch quickline.ch green.ch infomaniak.ch ik.me tele2.ch pt.lu internet.lu
"""
_FRENCH = """
    orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr numericable.fr noos.fr cegetel.net
    club-internet.fr 9online.fr bbox.fr bouygtel.fr aliceadsl.fr libertysurf.fr tiscali.fr voila.fr
    caramail.com caramail.fr dbmail.com netcourrier.com mailo.fr zaclys.net lilo.org nordnet.fr
    ouvaton.org worldonline.fr infonie.fr cario.fr skynet.be telenet.be proximus.be scarlet.be voo.be
    base.be belgacom.net pandora.be tvcablenet.be videotron.ca sympatico.ca bell.net bellnet.ca rogers.com
    shaw.ca telus.net cogeco.ca cogeco.net eastlink.ca sasktel.net mts.net mymts.net teksavvy.com
    globetrotter.net tbaytel.net execulink.com nb.sympatico.ca ns.sympatico.ca
"""
_BRITISH = """
    btinternet.com btopenworld.com sky.com virginmedia.com virgin.net ntlworld.com blueyonder.co.uk
    talktalk.net talk21.com tiscali.co.uk lineone.net freeserve.co.uk plus.com plus.net plusnet.com
    o2.co.uk orange.net wanadoo.co.uk fsmail.net fsnet.co.uk tesco.net zen.co.uk pipex.com dsl.pipex.com
    demon.co.uk madasafish.com supanet.com onetel.com ukgateway.net postmaster.co.uk eircom.net iol.ie
    indigo.ie bigpond.com bigpond.net.au optusnet.com.au iinet.net.au tpg.com.au internode.on.net
    westnet.com.au dodo.com.au ozemail.com.au adam.com.au aapt.net.au netspace.net.au exemail.com.au
    xtra.co.nz slingshot.co.nz clear.net.nz orcon.net.nz vodafone.co.nz paradise.net.nz ihug.co.nz
    webmail.co.za mweb.co.za telkomsa.net vodamail.co.za absamail.co.za iafrica.com lantic.net
"""
_SOUTHERN = """
    libero.it virgilio.it tiscali.it alice.it tin.it tim.it inwind.it iol.it blu.it email.it fastwebnet.it
    tele2.it vodafone.it poste.it aruba.it infinito.it supereva.it jumpy.it katamail.com teletu.it pec.it
    legalmail.it postecert.it arubapec.it interfree.it giallo.it terra.es telefonica.net movistar.es
    ono.com orange.es ya.com wanadoo.es vodafone.es jazzfree.com euskaltel.net mundo-r.com telecable.es
    andorra.ad sapo.pt iol.pt clix.pt netcabo.pt mail.telepac.pt telepac.pt zonmail.pt nos.pt oninet.pt
    portugalmail.pt vodafone.pt bol.com.br uol.com.br terra.com.br ig.com.br globo.com globomail.com
    r7.com oi.com.br zipmail.com.br superig.com.br prodigy.net.mx telmexmail.com infinitummail.com
    ciudad.com.ar arnet.com.ar fibertel.com.ar speedy.com.ar uolsinectis.com.ar vtr.net terra.cl
    une.net.co etb.net.co cantv.net adinet.com.uy otenet.gr forthnet.gr hol.gr in.gr mail.gr freemail.gr
    cytanet.com.cy ttmail.com superonline.com mynet.com turk.net ttnet.net.tr walla.com walla.co.il
    bezeqint.net netvision.net.il 012.net.il zahav.net.il barak.net.il
"""
_NORTHERN_AND_EASTERN = """
    ziggo.nl kpnmail.nl kpnplanet.nl xs4all.nl planet.nl home.nl hetnet.nl upcmail.nl chello.nl casema.nl
    tele2.nl telfort.nl online.nl solcon.nl zeelandnet.nl caiway.nl caiway.net quicknet.nl zonnet.nl
    wanadoo.nl freeler.nl telia.com bredband.net bredband2.com comhem.se spray.se passagen.se tele2.se
    telenor.se swipnet.se home.se bahnhof.se mail.dk tdcadsl.dk post.tele.dk stofanet.dk jubii.dk ofir.dk
    youmail.dk webspeed.dk online.no broadpark.no lyse.net getmail.no frisurf.no c2i.net start.no
    altibox.no kolumbus.fi luukku.com elisanet.fi saunalahti.fi suomi24.fi pp.inet.fi welho.com
    dnainternet.net simnet.is wp.pl o2.pl onet.pl onet.eu op.pl vp.pl poczta.onet.pl poczta.onet.eu
    autograf.pl buziaczek.pl interia.pl interia.eu interia.com poczta.fm tlen.pl go2.pl gazeta.pl
    neostrada.pl int.pl spoko.pl prokonto.pl amorki.pl seznam.cz email.cz post.cz spoluzaci.cz stream.cz
    centrum.cz atlas.cz volny.cz tiscali.cz quick.cz razdva.cz centrum.sk azet.sk zoznam.sk pobox.sk
    post.sk stonline.sk atlas.sk inmail.sk freemail.hu citromail.hu indamail.hu t-online.hu vipmail.hu
    upcmail.hu digikabel.hu invitel.hu abv.bg mail.bg dir.bg net.hr inet.hr t-com.hr siol.net email.si
    t-2.net amis.net eunet.rs sbb.rs ptt.rs inbox.lv apollo.lv mail.ee hot.ee online.ee neti.ee delfi.ee
    one.lt takas.lt delfi.lt delfi.lv tvnet.lv mail.ru inbox.ru list.ru bk.ru internet.ru xmail.ru
    rambler.ru lenta.ru autorambler.ru myrambler.ru ro.ru ya.ru narod.ru pochta.ru qip.ru nm.ru ukr.net
    i.ua meta.ua bigmir.net online.ua email.ua tut.by mail.by yandex.kz
"""
_AMERICAN = """
    comcast.net xfinity.com att.net sbcglobal.net bellsouth.net ameritech.net pacbell.net swbell.net
    snet.net flash.net nvbell.net prodigy.net worldnet.att.net cox.net charter.net spectrum.net
    roadrunner.com rr.com twc.com brighthouse.com optonline.net optimum.net suddenlink.net centurylink.net
    centurytel.net embarqmail.com q.com qwest.net windstream.net frontier.com frontiernet.net
    myfairpoint.net tds.net cableone.net sparklight.com mediacombb.net mchsi.com rcn.com wowway.com
    wideopenwest.com knology.net insightbb.com adelphia.net bresnan.net gci.net hughes.net
    consolidated.net atlanticbb.net metrocast.net armstrongmail.net zoominternet.net ptd.net epix.net
    fuse.net cinci.rr.com tampabay.rr.com nycap.rr.com hawaii.rr.com hawaiiantel.net localnet.com usa.net
    address.com lycosmail.com
"""
_ASIAN = """
    qq.com vip.qq.com foxmail.com 163.com vip.163.com 126.com vip.126.com yeah.net 188.com 139.com 189.cn
    wo.cn 21cn.com sina.com sina.cn vip.sina.com sohu.com sogou.com tom.com 263.net chinaren.com
    aliyun.com wo.com.cn eyou.com netvigator.com hongkong.com pchome.com.tw seed.net.tw hinet.net
    msa.hinet.net url.com.tw naver.com daum.net hanmail.net nate.com empas.com korea.com dreamwiz.com
    lycos.co.kr paran.com docomo.ne.jp ezweb.ne.jp au.com softbank.ne.jp i.softbank.jp vodafone.ne.jp
    disney.ne.jp nifty.com biglobe.ne.jp so-net.ne.jp ocn.ne.jp plala.or.jp excite.co.jp goo.jp goo.ne.jp
    infoseek.jp auone.jp uqmobile.jp ymobile.ne.jp in.com indiatimes.com sify.com vsnl.net vsnl.com
    bsnl.in airtelmail.in sancharnet.in singnet.com.sg starhub.net.sg pacific.net.sg streamyx.com
    tm.net.my time.net.my indosat.net.id telkom.net cbn.net.id plasa.com pldtdsl.net globe.com.ph
    csloxinfo.com loxinfo.co.th truemail.co.th vnn.vn fpt.vn hcm.vnn.vn emirates.net.ae eim.ae
    batelco.com.bh qatar.net.qa link.net tedata.net.eg menara.ma topnet.tn gnet.tn
"""
_THROW_AWAY = """
    mailinator.com guerrillamail.com guerrillamail.net guerrillamail.org sharklasers.com grr.la
    10minutemail.com tempmail.com temp-mail.org temp-mail.io throwawaymail.com yopmail.com yopmail.fr
    yopmail.net trashmail.com trashmail.de trashmail.net wegwerfmail.de spamgourmet.com getnada.com
    maildrop.cc mohmal.com dispostable.com mintemail.com mailnesia.com moakt.com emailondeck.com
    fakeinbox.com spam4.me tempr.email discard.email byom.de einrot.com mytemp.email mail.tm
    inboxkitten.com burnermail.io 33mail.com spamex.com mailcatch.com
"""

BRANDS = frozenset(_BRANDS.split())
"""Names that are a provider below every public suffix: yahoo.co.uk, gmx.at, hotmail.com.br."""

PROVIDERS = frozenset(
    name
    for region in (
        _WORLDWIDE, _MICROSOFT, _GERMAN, _FRENCH, _BRITISH, _SOUTHERN, _NORTHERN_AND_EASTERN, _AMERICAN, _ASIAN,
        _THROW_AWAY,
    )
    for name in region.split()
)  # fmt: skip
"""Whole domains, lower-case. A subdomain of one counts too."""

SHARED_PARENTS = frozenset(_RENTED_OUT.split())
"""Domains whose subdomains belong to different customers though the public suffix list does not say so."""
