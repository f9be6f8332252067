"""What pitches and ordinary mail say, in German: one finding a paragraph (see `backend.domain.reading.phrases`)."""

PHRASES = """
asks_call: n_number minute/minuten/min | viertelstunde | halbe stunde | kurz
    telefonieren/sprechen/austauschen/anrufen/vorbeikommen/zeigen | kurze/kurzes/kurzer/kurzen
    gespräch/telefonat/austausch/anruf/termin/call | unverbindliches/unverbindlicher/unverbindlichen
    gespräch/termin/austausch | passt es ihnen/dir | passt ihnen/dir | hätten sie/hättest du ..
    zeit/lust/minuten/interesse | haben sie .. zeit | nächste/kommende woche | termin
    vereinbaren/buchen/ausmachen/finden | rufen sie mich | darf ich sie/dich .. anrufen | wann
    passt/erreiche/würde | lust auf | in meinem kalender
offers_free: kostenlos* | kostenfrei* | unverbindlich* | gratis* | ohne
    kosten/verpflichtung/risiko/bindung | kostet sie/dich nichts | auf unsere kosten | geschenkt |
    umsonst | keine kosten/verpflichtung/bindung | nur bei erfolg/einstellung
what_we_do: wir helfen/unterstützen/bieten/liefern/entwickeln/bauen/vermieten/
    verkaufen/übernehmen/reinigen/produzieren/fertigen/vermitteln/machen/
    betreuen/beraten/arbeiten/sorgen/drucken/reparieren/begleiten/planen/
    finanzieren/versichern/stellen/haben/sind | ich
    biete/vermittle/betreue/baue/helfe/verkaufe/arbeite/vertrete/berate/mache/restauriere |
    unser/unsere/unserem/unserer software/tool/plattform/lösung/system/produkt/agentur/team/firma/werk/
    kunden/dienst/angebot/app | x_firm
    ist/macht/hilft/bietet/liefert/übernimmt/liest/sorgt/rechnet/verbindet/findet | als
    dienstleister/agentur/hersteller/makler/großhändler
others_like_you: betriebe/unternehmen/firmen/kunden/praxen/kanzleien/kollegen/hotels/schulen wie
    ihr*/sie | ähnliche/vergleichbare betriebe/unternehmen/firmen/größe | in ihrer/deiner
    branche/größe/region/nachbarschaft/gegend/lage/straße/position | ihrer/deiner größe | ihr
    nachbar/wettbewerb* | bei ihrem/ihren nachbarn/mitbewerb*/kollegen
claims_result: um/bis n_percent/n_number/n_money | n_percent
    weniger/mehr/schneller/günstiger/niedriger/der | von n_number auf n_number | spar* ..
    n_percent/n_money/n_number/stunden | senk* .. n_percent/n_money/kosten | in n_number
    tagen/wochen/stunden | halb* | doppelt*
noticed_you: gesehen dass/auf | habe/hab gesehen/gelesen/bemerkt/gehört | aufgefallen | auf
    ihre/ihrer/ihren/ihrem/deine/deiner
    website/webseite/seite/homepage/anzeige/stelle/shop/firma/unternehmen/profil | gestoßen |
    vorbeigekommen/vorbeigefahren | ihr/ihre/ihren/deinen/dein
    beitrag/vortrag/artikel/stellenanzeige/anzeige/webseite/website/interview/podcast | respekt |
    glückwunsch/gratul* | sie suchen/bauen/expandieren/eröffnen | du suchst | beim stöbern | ich
    verfolge
right_person: richtige/richtiger/passende ansprechpartner* | ansprechpartner* | zuständig* | wer ..
    kümmert/macht/entscheidet/betreut/verantwortlich/pflegt/bestellt/schreibt/führt | verantwortlich
    für | an wen | sind sie der/die/dafür | weiterleiten/weiterreichen
bump: nachhaken/nachgehakt/nachfassen/nachfrage* | noch einmal | noch mal/nochmal/nochmals | meine
    letzte/erste/vorige/anfrage/mail/nachricht/frage/e | meiner letzten/ersten/mail/nachricht/e | ich
    hatte ihnen/dir/sie | schrieb/schrieb/geschrieben ihnen/dir/habe | haben sie/hast du
    meine/schon/gesehen | keine antwort/rückmeldung | noch nichts gehört | zweiter/dritter/vierter
    versuch/anlauf | erneut | erinnern/erinnerung | untergegangen | nur kurz | wollte nur/kurz | wie
    versprochen/angekündigt
breakup: letzte/letzter/letztes mail/nachricht/e/versuch/mal/schreiben | schließe/lege ..
    akte/ab/acta/vorgang/thema | melde mich .. nicht/mehr | nicht weiter/mehr
    stören/belästigen/behelligen/schreiben/nerven | nehme sie/dich .. liste/verteiler | dann
    höre/lasse/gebe ich | höre ich nichts | lasse ich sie/dich | gebe ich/auf | kein interesse | letztes
    mal
offers_to_send: darf/soll/kann/dürfte ich ihnen/dir/sie/einmal/das/ein/eine/mal/kurz/vorbei | darf/soll
    ich | schicke/sende/schick/zeige ihnen/dir/ich/gern* | lasse/lass ihnen/dir | zukommen lassen |
    zusenden/zuschicken/vorbeibringen | mache ihnen/dir | ich könnte ihnen/dir | gerne/gern
    schicke/zeige/sende/mache/komme/erstelle/komme | festpreisangebot | möchten sie ..
    sehen/testen/probieren | interesse ? | wäre das .. interessant/etwas/was | möchten sie
easy_no: kein interesse/bedarf/thema | falls/wenn nicht/kein/das/es | nicht
    relevant/interessant/passend/interessiert | kurze antwort/nachricht/info reicht/genügt | ein
    wort/satz/kurzes | ja oder nein | sagen sie einfach | abmelden/abbestellen/austragen
states_price: n_money pro/im/je/netto/monatlich/zzgl/inkl/plus/für/am/einmalig/fix/und/pauschal |
    ab/nur/für/zu/um/bei n_money | festpreis* | pauschal* | preis/preise/kosten/kostet
    n_money/liegt/ab/beginn* | n_percent rabatt/provision/honorar/skonto/vom | honorar
search_ranking: seo | backlink* | gastbeitrag/gastartikel | suchmaschin* | ranking* | sichtbarkeit |
    erste/ersten seite | google bewertung*/ranking* | keyword*
sells_lists: teilnehmerliste*/adressliste*/kontaktliste* | adressen/kontakte/kontaktdaten von/aus/kaufen
    | leads | neukund* | kaltakquise | termine mit
outsourcing: outsourc* | nearshore/offshore | stundensatz | webdesign/webseite/website
    erstellen/erstellung/relaunch/modernisieren | relaunch | wordpress | app entwicklung |
    entwicklerteam | virtuelle assistenz
lends_money: kredit* | finanzierung* | darlehen | liquidität* | factoring | leasing |
    fördermittel/förderung/zuschuss/zuschüsse
buys_business: nachfolge* | unternehmensverkauf | verkauf ihr*/der/des | käufer* | beteiligung* |
    investor* | erwerben/erwerb/übernahme | immobilie verkaufen
offers_people: kandidat* | profil/profile von/eines/zukommen/zusenden/zu | anonymisiert* |
    kündigungsfrist | honorar bei/fällt | personalvermittl*/zeitarbeit/leiharbeit* | sofort/kurzfristig
    verfügbar/einsetzbar/frei | fachkräfte/mitarbeiter/monteure/fahrer/pflegekräfte aus/zur/verfügbar |
    gehaltswunsch
asks_sponsor: sponsor* | aussteller* | messestand | stand auf | vortragsslot | partner der/des/werden |
    anzeige/inserat in/im
flatters_for_fee: ausgezeichnet/auszeichnung/auszeichnungen/nominiert/nominierung/award | porträt über |
    top n_number | siegel
dear_owner: sehr geehrte damen | sehr geehrter inhaber/geschäftsführer | ich hoffe/hoffentlich
    es/sie/diese | hoffe es geht | sehr geehrtes team | liebes team
introduces_self: mein name ist | ich bin x_name/der/die/inhaber*/gründer*/geschäftsführer*/von/bei | ich
    leite/arbeite/komme/betreibe/führe/schreibe/melde | wir sind ein/eine/der/die | von der firma | von
    x_firm | x_firm gmbh
names_clients: zu unseren kunden | referenz* | unsere kunden | kunden wie | arbeiten bereits/schon/mit |
    n_number kunden/betriebe/firmen/unternehmen/praxen/kanzleien/objekte/schulen nutzen/haben/in/setzen
    | setzen auf/wir/uns
praises: respekt | toll* | beeindruck* | großartig* | begeistert | glückwunsch | schön*
    arbeit/seite/laden
sales_title: vertrieb* | key account | business development | kundenberat* | geschäftsführer*/inhaber* |
    akquise | verkaufsleit* | objektleitung | sales
scarcity: nur noch/bis/n_number | noch n_number/wenige/zwei/drei plätze/platz/termine/frei | bis
    freitag/ende/zum/montag | frühbucher* | solange | sonst geht/gebe/vergebe
cold_excuse: entschuldigen sie/störung | sie kennen mich/uns nicht | unaufgefordert* | ohne umschweife |
    bin/habe .. gestoßen | ihre/ihren adresse/namen/kontakt habe/von/aus/über | ich schreibe
    ihnen/dir/weil | wende mich | melde mich bei/weil
asks_price: was kostet/kosten/würde/müssten/nehmen/verlangen | wie viel/teuer/hoch | wieviel | ihre/ihr
    preis*/preisliste/angebot/konditionen/stundensatz/honorar | um ein/ihr angebot | bitte
    um/senden/schicken/machen/ein angebot | angebot für/über/bitte/erstellen/machen | kostenvoranschlag
    | lieferzeit* | mindestbestell*/mindestmenge | händlerpreis*/preisliste/staffelpreis* | ungefähr
    rechnen/kosten | budget*
asks_whether_you_do: können sie/könnten/kannst/könntest | haben sie/hättest/hast du
    noch/auch/freie/das/eine/ein/kapazität | machen/liefern/bieten/nehmen/verkaufen/arbeiten sie/ihr |
    ist es möglich | wäre es möglich | gibt es/bei | wären sie bereit | würden sie | bis wann
own_need: wir/ich suchen/suche/benötigen/brauchen/bräuchte/bräuchten/planen/bauen/
    möchten/hätten/würden/interessieren/haben/wollen | meine/meinem/mein/meiner
    frau/mann/mutter/vater/sohn/tochter/kinder/haus/garten/küche/freundin | unser/unsere/unserem/unserer
    haus/garten/küche/hochzeit/sohn/tochter/dach/verein/lieferant/altes | bei bekannten | empfohlen* |
    empfehlung von | für unser/unsere/unseren/mein | anfrage | interessieren uns/mich | bestellen
uses_your_product: wir/ich nutzen/nutze/benutzen/verwenden/haben/kaufen/bestell* ..
    ihr*/euer/eure/bei/seit | seit jahren/n_number/januar | unser
    konto/vertrag/account/abo/lizenz/auftrag/bestellung | kunde bei/seit | kundennummer
job_for_you: stelle/position/rolle als/im/des/der/bei/zu | die stelle/position | sucht/suchen
    eine*/einen/nach | gehalt* | festanstellung | mandant*/auftraggeber sucht | ihr/dein
    profil/lebenslauf/werdegang | wechsel* | karriere | vertraulich* | direktansprache
applies: bewerb* | lebenslauf | praktik* | meine unterlagen/zeugnisse/abschlussarbeit | anschreiben |
    ausbildung | studium/studiere | eintrittstermin
journalism: ich bin/schreibe .. journalist*/redakteur*/reporter*/artikel/buch | redaktion |
    beitrag/artikel/interview/sendung/reportage über/zum/für | interview* | zitieren/zitat |
    abschlussarbeit/masterarbeit/bachelorarbeit/dissertation | studie an | umfrage* | redaktionsschluss
picks_up_known: wie besprochen/vereinbart/gewünscht/versprochen/telefonisch/gestern/
    abgesprochen/immer/bereits/angekündigt | ihre/deine/ihrer/deiner/eure
    bestellung/anfrage/rechnung/bewerbung/mail/nachricht/buchung/frage/
    rückmeldung/anmeldung/reservierung/antwort/unterlagen | danke/dank für | vielen dank |
    unser/unserem/unserer gespräch/termin/telefonat/vertrag/treffen/besprechung | gestern |
    letzte/letzten/letzter woche/freitag/montag/jahr/termin | anbei | im anhang | bis
    morgen/freitag/montag/dann/später | hat/haben .. geklappt | schön dass | wie geht
introduces_others: stelle euch/ihnen/dir | einander vor | in kopie/cc | ich verbinde | zur info/kenntnis
    | weitergeleitet | leite ich
private_life: mama/papa/oma/opa/tante/onkel/schatz/kuss/bussi/umarm* | geburtstag | wochenende | grillen
    | liebe grüße/dich | lg | hab dich | die kinder/kleine/kleinen
paperwork: rechnung* | auftragsnummer/bestellnummer/kundennummer/vorgangsnummer/aktenzeichen | fällig* |
    mahnung* | überweis* | zahlungs* | beleg* | quittung | passwort | anmeld* | konto* | nr n_number
at_work: bitte prüfen/freigeben/unterschreiben/schicken/bestätigen/melden/beachten/denken/um/nicht |
    kannst du/könntest/könnt ihr | können wir | protokoll | besprechung | dienstplan | budget | freigabe
    | bis freitag/morgen/montag/mittwoch | ich bin/komme .. krank/später/unterwegs | sag bescheid |
    bescheid
reports_fault: fehler* | störung* | kaputt | defekt* | reklam* | mangel/mängel | funktioniert/geht nicht
    | beschädigt | fehlt/fehlen | beschwerde*
not_selling: nichts verkaufen | verkaufe nichts | kein verkauf/honorar/geld | ehrenamtlich
you_subscribed: sie erhalten diese | newsletter | abmelden | im browser | ihr
    abo/abonnement/mitgliedschaft/testphase/testzeitraum/konto | willkommen bei | ausgabe n_number |
    datenschutz | nicht auf diese antworten
membership: verein* | mitglied* | elternabend | kita | vorstand | einladung zur/zum | tagesordnung |
    versammlung | teilnahme | anmeldung | ehrenamt* | gemeinde | spende*
authority: finanzamt | bescheid* | behörde* | amtsgericht | steuer* | genehmigung* | bauamt | frist* |
    gesetzlich* | prüfung | kontrolle
customer_care: ihr vertrag/konto/paket/lizenz/team/tarif | verlänger* | wartung* | preisanpassung* |
    lieferung verzögert* | servicetermin | avv/auftragsverarbeitung* | ansprechpartner für sie | ihr
    betreuer/berater
"""
