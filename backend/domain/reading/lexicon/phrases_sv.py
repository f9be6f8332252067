"""What pitches and ordinary mail say, in Swedish: one finding a paragraph (see `backend.domain.reading.phrases`)."""

PHRASES = """
asks_call: n_number minuter/minut/min | en kvart | halvtimme | kort
    samtal/möte/avstämning/demo/kaffe | ett samtal/möte | kan/får jag ringa/komma/svänga | ringer
    jag/dig | har du/ni .. tid/minuter/möjlighet | nästa vecka | boka in/ett/en | passar
    det/onsdag/torsdag/tisdag/dig/er | en kaffe/fika | i min kalender | ses | höras |
    tio/femton/tjugo/trettio minuter | när passar/skulle | har du/ni en stund | komma/titta förbi |
    ta en kaffe/lunch/titt | höras vid/på/av | ett kort/första möte/samtal | teams/zoom möte
offers_free: gratis | kostnadsfri* | utan kostnad/förbindelse*/bindning/risk | kostar
    inget/ingenting/er | på vår bekostnad | provperiod/prova | bjuder/bjuda på | fri
    konsultation/analys/genomgång/besiktning | förutsättningslös* | första månaden/månaderna | helt
    utan | betalar inget/ingenting/bara
what_we_do: vi
    hjälper/erbjuder/levererar/bygger/säljer/hyr/tillverkar/gör/utvecklar/är/arbetar/jobbar/trycker/
    städar/importerar/sköter/har/förmedlar/tar/finansierar
    | jag hjälper/erbjuder/säljer/representerar/bygger/gör/förmedlar/jobbar | vårt/vår/våra
    verktyg/plattform/system/lösning/byrå/företag/tjänst/tjänster/team/produkt/fabrik/kunder/app/
    verkstad
    | x_firm är/hjälper/erbjuder/gör/läser/sköter | vi/jag
    specialiserar/stöttar/bistår/installerar/renoverar/rekryterar/designar/marknadsför/distribuerar/
    representerar/driver/reparerar/utbildar/försäkrar/coachar
    | specialiserade/specialiserad på/inom | specialist/specialister på/inom |
    leverantör/tillverkare/importör av | vår lösning/modell/metod/erfarenhet
others_like_you: företag/butiker/team/kliniker/byråer/hotell/restauranger/kunder/skolor som
    ert/er/ni/ditt/du/o_firm | liknande företag/butiker/storlek/verksamheter | i er/din/ert
    bransch/storlek/område/stad/region/läge | era/dina grannar/konkurrent* | andra
    företag/butiker/verksamheter/kunder/bolag i/inom/som | många/flera av era/dina |
    branschkolleg*/kollegor i
claims_result: n_percent mindre/mer/lägre/högre/av/billigare/snabbare | med n_percent | upp till
    n_percent/n_number/n_money | spara*/sparade .. n_percent/n_money/n_number/timmar | minska* ..
    n_percent | från n_number till n_number | på n_number dagar/veckor/timmar | hälften | dubbl* |
    spara/sparar/sparat tid/pengar | sänka/sänker/sänkt/öka/ökar/ökat/ökade .. n_percent/n_money | i
    snitt/genomsnitt | mer än n_percent/n_number
noticed_you: jag såg/läste/märkte/hörde/tittade/hittade/cyklade/gick | såg att/er/din/ert |
    sett/läst att/er/din | er/din/ert
    artikel/hemsida/annons/sajt/sida/butik/föreläsning/podd/skyltfönster | ni
    söker/växer/öppnar/rekryterar | grattis | fastnade för | lade/la märke | hittade/fann er/din/ert
    | stötte på | imponerad av | följer/följt er/ditt/din | noterade/noterat att
right_person: rätt person | vem .. ansvar*/sköter/bestämmer/hand | är du/det du rätt/den/som |
    ansvarig för | till vem | vidarebefordra/skicka vidare | rätt kontakt | vem hos er | vem jag |
    hänvisa mig | beslut*
bump: följer upp | återkommer/återkomma | mitt/min/mina
    förra/senaste/första/mejl/mail/meddelande/tidigare | jag skrev/mejlade/mailade/skickade/ringde |
    har du/ni hunnit/sett/läst/haft | hann du/ni | inte/inget hört/svar/fått | påminn* |
    andra/tredje försöket/gången/mejlet | igen | som utlovat/lovat | hamnat/försvann | hör av mig
    igen | ville bara/följa | kort påminnelse | lyfter/lyfta upp | inte fått/hört | stämma/kolla av
    | tidigare mejl/mail/meddelande | fick du/ni mitt/min
breakup: sista mejlet/mejl/mailet/gången/försöket/mail | inte .. störa/mejla/tjata/besvära |
    slutar/sluta jag/mejla/höra/skriva | stänger jag/ert/ditt/ärendet/akten | lovar | tar bort
    er/dig | hör jag inget | fel läge | sista gången jag | lämnar dig/er | ska inte
    störa/tjata/besvära | stänger din/er
offers_to_send: ska/kan/får jag .. skicka/visa/komma/göra/mejla/räkna/bjuda |
    skickar/visar/mejlar/gör/kommer jag/gärna/över | jag skickar/visar/kommer/gör/kan ..
    gärna/dig/er/över | vill du/ni .. se/prova/ha/veta/att/höra |
    intresserad/intresserade/intresse/intressant ? | skulle det/ni/du .. intresse*/vilja/passa |
    sugen/sugna | jag kan skicka/visa/ta/göra/räkna/komma/bjuda | skicka över | ta fram ett/en |
    vill du/ni att | hör gärna av | kan det vara intressant/aktuellt/något | är det
    intressant/aktuellt/något | låt mig | vi kommer gärna
easy_no: om inte/det inte/ni inte/du inte | inte intresserad*/aktuellt/relevant | ett
    ja/nej/ord/kort | säg till/bara/nej | svara nej/ja/stopp | avregistrera* | inget för er/dig |
    inte är intresserad*/aktuellt | räcker med | svara bara | tacka nej
states_price: n_money per/i/ex/exkl/inkl/för/om/netto/styck/plus/och/månad* |
    från/för/bara/endast/kostar n_money | pris/priset/kostnad* från/är/fast | n_percent
    rabatt/provision | fast pris | månadskostnad | månadsavgift* | ingen/inga startavgift* |
    offertpris* | ord pris
search_ranking: seo | sökmotor* | backlink*/länkar/länkbygge | gästinlägg | första sidan |
    synlighet/synas | sökord
sells_lists: deltagarlista*/adressregister/kontaktlista*/register/databas | lista över/med | leads | nya
    kunder | bokade möten
outsourcing: outsourc* | nearshore/offshore | timpris | ny hemsida/webbplats | utvecklare/utvecklarteam
    | app utveckling | wordpress
lends_money: finansiering* | lån/kredit* | rörelsekapital | factoring/fakturaköp | bidrag | leasing
    | investerare | kassaflöde | ränta från/på | utan säkerhet/borgen | lånelöfte | kapital till
buys_business: förvärv* | köpare/investerare | sälja företaget/bolaget/er/ert/verksamheten |
    ägarskifte/generationsskifte | värdering | köpa ert/er/ditt/din | ta över er/ert/din |
    intresserad* av att köpa/förvärva
offers_people: kandidat* | profil/profiler | tillgänglig* omgående/direkt/från | uppsägningstid |
    rekrytera åt | bemanning* | konsult* | söker nya/ny/nytt uppdrag/utmaning/tjänst | ledig/lediga
    från/omgående | hyra in | personal/snickare/chaufförer/sjuksköterskor/elektriker till/som | års
    erfarenhet
asks_sponsor: sponsor*/sponsra | monter | utställare | partner till/på | annons* i | annonsplats* |
    logotyp/logga på/i | mässa/mässan | synas i/på
flatters_for_fee: nominera*/utmärkelse*/pris/utsedd* | utvald* | porträtt | diplom
dear_owner: bästa/hej ägare/företagare/kund/vd/team | hoppas att/allt/du/ni mår/bra | till den det
introduces_self: jag heter | mitt namn är | jag är x_name/vd/grundare/säljare/ägare/på/från/en | jag
    jobbar/arbetar/driver/leder på/som/för/med | vi är ett/en | från x_firm | på x_firm | vi på
    x_firm | jag representerar/företräder | x_name här/heter | jag är
    rådgivare/konsult/mäklare/kundansvarig/delägare
names_clients: våra kunder | kunder som | jobbar/arbetar/levererar redan/vi | referens* | n_number
    kunder/företag/butiker/kliniker/skolor/hotell | bland våra | litar på | nöjda kunder |
    nyss/nyligen levererat/installerat/hjälpt
praises: grattis | snygg*/fin*/fantastisk*/imponer* | gillar er/din/ert | bra jobbat
sales_title: säljare/säljchef/försäljning* | key account | affärsutveckl* | kundansvarig | rådgivare |
    grundare/vd/ägare | sales
scarcity: bara/endast/två/tre/n_number platser/plats/kvar | sista platserna/platsen/dagarna | till
    fredag/och | före fredag | begränsat | innan fredag | sista chansen | några få | först till
cold_excuse: du/ni känner inte | vi har inte träffats | ursäkta att/om | jag skriver/hör av/mejlar
    eftersom/för/därför | hittade er/dig/din | via linkedin | tar mig friheten | vi känner inte |
    ursäkta intrånget/störningen | fick ditt/ert/din namn/nummer/kontakt | vi har aldrig
asks_price: vad kostar/tar/skulle/är .. kosta*/pris*/ni | hur mycket | ert/er/era/ditt/din
    pris*/prislista/offert/villkor | en/om offert/prisuppgift | offert på/för | leveranstid* | minsta
    order/antal | prislista | budget
asks_whether_you_do: kan ni/du/skulle ni/skulle du | har ni/du
    möjlighet/plats/kvar/också/någon/lediga/tid | gör/säljer/levererar/tar/skickar ni | är det/går det
    möjligt/att | skulle det gå | vill ni/du
own_need: vi/jag söker/behöver/skulle/vill/letar/planerar/har/köpte/ska | min/mitt/vår/vårt
    fru/man/mamma/pappa/son/dotter/hus/kök/trädgård/bröllop/tak/butik/projekt |
    rekommenderade/rekommendation/tipsade/tips | till vår/vårt/min/mitt/oss | beställa/köpa/boka/hyra
uses_your_product: vi/jag använder/har/köpte/beställde .. er/ert/era/hos | vårt/vår/mitt/min
    konto/avtal/abonnemang/beställning/order/licens | kund hos/sedan | kundnummer
job_for_you: tjänsten/tjänst som/på | rollen/roll som | söker en/sin/nu | lön/bonus/förmåner | din/ert
    profil/cv/bakgrund/erfarenhet | rekryter* | konfidentiellt/förtroende | jobbyte | uppdrag att
applies: mitt cv/personligt | min ansökan | ansök*/söker jobbet/tjänsten | praktik* | examen/utbildning
    | annonsen om | sommarjobb
journalism: journalist*/reporter | artikel/reportage/intervju/text/inslag om/för/till | jag
    skriver/jobbar på/en/om | deadline | citera*/citat | uppsats/examensarbete | redaktion* |
    enkät*/studie
picks_up_known: som vi/avtalat/överenskommet/utlovat/vanligt .. överens/pratade/lovade/bestämde/sa |
    din/er/ert/ditt/era beställning/fråga/faktura/bokning/förfrågan/ansökan/svar/mejl/
    meddelande/anmälan/order | tack för/så | vårt/vår möte/samtal/avtal | igår | förra veckan/gången |
    bifogar/bifogat/bifogad/bilaga | vi ses/hörs imorgon/på/då | här är/kommer | jag har ..
    skickat/fått/pratat/bokat/ändrat/betalat
introduces_others: presentera/presenterar | i kopia/cc | lämnar er | kopplar ihop | för kännedom |
    vidarebefordrar
private_life: mamma/pappa/mormor/morfar/farmor/farfar/älskling/kram/kramar/puss/gumman | födelsedag |
    helgen/i helgen | älskar dig | barnen/ungarna | middag/lunch på/hos
paperwork: faktur* | order/ordernummer/ärende n/nr/nummer/n_number | kundnummer/ordernummer/ärendenummer
    | förfallo*/förfaller | betalning*/betala/swish* | kvitto* | påminnelse | lösenord | bankid | moms
at_work: kan/kunde/skulle du/ni/någon | snälla | kolla/godkänn/signera/bekräfta/skicka gärna/du/senast |
    möte/mötet på/imorgon/om | protokoll | schema | senast/före fredag/måndag/imorgon | säg till/hör av
    om/dig | jag är/blir sjuk/sen/på | dagordning
reports_fault: fel/felet/felanmälan | trasig* | fungerar/funkar inte | reklam* | klagomål | saknas |
    försenad* | skadad* | läck* | driftstopp/störning*
not_selling: säljer inget/inte | inget att sälja | ideell*/volontär*
you_subscribed: du/ni får det/detta | nyhetsbrev* | avregistrera/avprenumerera | ditt/din
    prenumeration/konto/provperiod/medlemskap | välkommen till | nummer n_number | svara inte
membership: förening* | medlem* | brf/samfällighet* | årsmöte/stämma | anmälan | volontär* | klass* |
    skola* | föräldr* | gåva/insamling
authority: skatteverket | kommun* | försäkringskassan | inspektion/tillsyn | tillstånd/bygglov |
    domstol/tingsrätt | senast den | lag/lagen | deklaration*
customer_care: ditt/ert/din/er avtal/konto/abonnemang/paket/försäkring | förnya*/förläng* |
    underhåll/service | prisjustering/prishöjning/höjer | din kontakt*/rådgivare
"""
