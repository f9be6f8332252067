"""What pitches and ordinary mail say, in Dutch: one finding a paragraph (see `backend.domain.reading.phrases`)."""

PHRASES = """
asks_call: n_number minuten/minuut/min/minuutjes | kwartier/kwartiertje | half uur/uurtje | kort
    gesprek/telefoontje/belletje/overleg | vrijblijvend gesprek/kennismaken | even
    bellen/sparren/langskomen/praten/kennismaken | heb/heeft je/u/jij/jullie ..
    tijd/minuten/ruimte/kwartier | schikt het/dat | komt het/dat uit | volgende week | afspraak
    maken/inplannen | mag ik je/u .. bellen | zal ik langskomen/bellen | kopje koffie | in mijn
    agenda | koffie | tien/vijftien/twintig/dertig minuten | kop/kopje/bakje/bak koffie | even/kort
    bellen/sparren/kennismaken/zitten | wanneer komt/past/schikt/kan | komt/past/schikt
    het/dinsdag/donderdag/woensdag/u | langskomen/langs komen | afspraak inplannen/maken |
    kennismaking*
offers_free: gratis | kosteloos/kosteloze | vrijblijvend* | zonder verplichting*/kosten/risico |
    kost je/u niets | op onze kosten | proefperiode/proefmaand/proefrit | eerste maand/maanden |
    proefperiode/proefmaand/proefplaatsing | geen kosten/verplichting* | no cure | betaalt u/je
    niets/pas/alleen
what_we_do: wij/we
    helpen/bieden/leveren/maken/bouwen/verhuren/verkopen/doen/verzorgen/ontwikkelen/zijn/regelen/
    werken/produceren/drukken/schoonmaken/ontzorgen/plaatsen/bemiddelen/hebben/nemen
    | ik help/bied/verkoop/verhuur/maak/bouw/vertegenwoordig/bemiddel/werk | onze/ons
    tool/platform/software/oplossing/bureau/bedrijf/dienst/diensten/team/product/fabriek/systeem/
    klanten/app/werkplaats
    | x_firm is/helpt/biedt/maakt/levert/regelt/doet/leest | gespecialiseerd in |
    specialist/specialisten in | wij/we
    ontzorgen/begeleiden/adviseren/installeren/plaatsen/bemiddelen/verzorgen/regelen/financieren/
    ontwerpen/detacheren/werven/vervoeren/repareren/trainen
    | leverancier/fabrikant/importeur van
others_like_you: bedrijven/winkels/praktijken/kantoren/klanten/scholen/hotels/teams/zaken als/zoals
    het/de/jullie/u/die/jij/o_firm | vergelijkbare/soortgelijke bedrijven/winkels/praktijken/teams |
    in uw/jouw/jullie branche/regio/straat/buurt/sector | van uw/jouw/jullie omvang/grootte |
    uw/jullie/je buren/buurman/concurrent* | andere bedrijven/winkels/ondernemers/praktijken/klanten
    | ondernemers/bedrijven in/uit uw/je/jullie/de | collega bedrijven/ondernemers | branchegenoten
claims_result: n_percent minder/meer/van/op/goedkoper/sneller | tot n_percent/n_number/n_money |
    bespaar*/bespar* .. n_percent/n_money/n_number/uur | met n_percent | van n_number naar n_number
    | binnen/in n_number dagen/weken/uur | helft | dubbel* | bespaar*/bespar* ..
    n_percent/n_money/tijd/geld | gemiddeld n_percent/n_number/n_money | tot wel | meer dan
    n_percent/n_number | daling/stijging van
noticed_you: ik zag/las/hoorde/kwam/keek/bekeek/fietste/reed | zag dat/op/je/jullie/uw |
    gezien/gelezen dat | opgevallen/viel op/me | tegengekomen | je/jullie/uw
    artikel/website/site/vacature/verhaal/etalage/podcast/presentatie/pagina/winkel/stuk | jullie
    zoeken/groeien/openen | gefeliciteerd | complimenten | viel me/mij/op | volg jullie/je/uw |
    kwam/stuitte .. tegen/op | zag ik/dat | zie dat
right_person: juiste persoon/contactpersoon | wie ..
    over/regelt/beslist/verantwoordelijk/bepaalt/doet | ben jij/bent u de/degene/diegene |
    verantwoordelijk voor | bij wie | doorsturen/doorgeven | wie bij jullie/u | juiste contact* |
    wie gaat/beslist/heeft | doorverwijzen | met wie kan/moet
bump: mijn vorige/eerdere/laatste/eerste/mail/bericht/vraag | nog eens/even/een/steeds | kom
    ik/nog/er/hier/even .. terug | ik mailde/schreef/stuurde/had | heb/heeft je/u ..
    gezien/gelezen/kunnen/bekeken | niets/niks/geen gehoord/reactie/antwoord/vernomen | herinner* |
    tweede/derde poging/keer/mail | opvolg* | even checken | zoals beloofd | ondergesneeuwd |
    kom/kwam nog/hier/er/even .. terug | terugkomen op | mijn vorige/eerdere | heb je/heeft u ..
    kunnen/tijd/gezien | nog niets/niks/geen gehoord/reactie | nogmaals | korte herinnering | wilde
    nog/even
breakup: laatste mail/mailtje/bericht/poging/keer | niet meer/verder/langer
    lastig/mailen/storen/vallen/mail | sluit ik/je/uw/het/dit/af | haal je/u/jullie | beloofd | laat
    ik je/u/jullie/het | hoor ik niets/niks | geen interesse | val u/je/jullie niet | niet
    meer/verder lastig/storen/mailen | dan sluit/laat ik
offers_to_send: zal/mag/kan ik je/u/jullie/eens/een/het/even/wat/langs |
    stuur/mail/bel/breng/laat/maak ik/je/u/jullie | ik stuur/breng/laat/maak/kom/mail
    je/u/jullie/graag/het/langs | opsturen/toesturen/laten zien/langsbrengen | wil/wilt/willen
    je/u/jullie .. zien/proberen/ontvangen/weten/horen/proeven | interesse ? | interessant ? | lijkt
    het/dat je/u/jullie | zin in | zal ik | mag ik u/je/jullie/een | ik kan u/je/jullie ..
    sturen/laten | interesse om/in/? | interessant voor/om | lijkt het je/u/jullie | ik laat
    u/je/het | kom graag/gerust
easy_no: geen interesse/belangstelling/behoefte | niet relevant/interessant/geïnteresseerd/nodig |
    als/indien/mocht het/je/u/dit niet | een ja/nee/kort | laat het weten | even goede |
    afmelden/uitschrijven | geen interesse/behoefte | laat het me/gerust | ja of nee | een nee |
    niets voor u/jullie/je
states_price: n_money per/ex/excl/incl/voor/de/het/all/en/plus/maand/netto/stuk |
    vanaf/voor/slechts/à/van/maar n_money | prijs/prijzen/kosten/tarief vanaf/is/vast* | n_percent
    korting/commissie | vaste prijs | vanaf n_money | korting van | per maand
search_ranking: seo | vindbaar* | backlink*/linkbuilding/links | gastblog/gastartikel | eerste pagina |
    zoekmachine* | zoekwoorden
sells_lists: deelnemerslijst/adressenbestand/database/bestand | lijst met/van | leads | nieuwe klanten |
    afspraken met
outsourcing: outsourc* | nearshore/offshore | uurtarief | nieuwe website | websites/webshop bouwen/laten
    | ontwikkelteam/developers | wordpress
lends_money: financier* | krediet/lening* | werkkapitaal | factoring | subsidie* | investeer* |
    rente vanaf | zonder onderpand | zakelijk* lening/krediet
buys_business: overname/overnemen | koper*/investeerder* |
    bedrijfsoverdracht/bedrijfsopvolging/opvolging | verkoop van | verkopen ? | uw/je/jullie
    bedrijf/zaak/pand overnemen/kopen/verkopen | overname* van
offers_people: kandidat*/kandidaat | profiel/profielen | per direct/direct beschikbaar |
    opzegtermijn | werving en | uitzend*/detacher* | fee | per direct beschikbaar | beschikbaar
    per/vanaf | zzp* | uitzend* | detacher* | jaar ervaring
asks_sponsor: sponsor* | stand | exposant* | partner van/worden | advert* |
    advertentie*/advertentieruimte in | logo op | beurs/beursstand | stand op
flatters_for_fee: genomineerd/nominatie/award/prijs | geselecteerd/uitgekozen | portret van | keurmerk
dear_owner: geachte/beste heer/mevrouw/eigenaar/ondernemer/relatie/team/collega | hopelijk gaat/alles |
    ik hoop dat
introduces_self: mijn naam is | ik ben x_name/de/van/eigenaar/oprichter/accountmanager/adviseur/een
    | ik werk/run/leid voor/bij | wij/we zijn een/de | van x_firm | bij x_firm | namens | mijn
    bedrijf/bureau | ik bel/mail/schrijf namens | ik vertegenwoordig | x_name hier
names_clients: onze klanten | klanten zoals/als | werken al/wij/we voor/met | referentie* | n_number
    klanten/bedrijven/winkels/praktijken/scholen/hotels | onder onze | al voor/bij n_number |
    tevreden klanten | net opgeleverd/geplaatst/afgerond
praises: gefeliciteerd | complimenten/compliment | mooi*/prachtig*/geweldig* | leuk* winkel/site/stuk
sales_title: accountmanager | sales* | commercieel | business development | adviseur |
    oprichter/eigenaar | verkoop*
scarcity: nog maar/n_number/twee/drie plekken/plaatsen/beschikbaar | laatste plekken/plaatsen/dagen
    | tot vrijdag/eind/en | voor vrijdag/het | vroegboek* | beperkt | op is op | laatste kans/plek
cold_excuse: je/u kent mij/me/ons niet | sorry dat ik | ik schrijf/mail je/u/jullie omdat/vanwege |
    ongevraagd | gevonden via/op | via linkedin | ik neem de vrijheid | we kennen elkaar | kreeg
    uw/je/jullie naam/nummer/gegevens | uw/je gegevens | excuses voor
asks_price: wat kost/kosten/rekent/rekenen/zou/is/zijn .. kosten/prijs/prijzen/tarief | hoeveel |
    je/uw/jullie prijs/prijzen/tarief/tarieven/offerte/prijslijst/voorwaarden | een/om
    offerte/prijsopgave | offerte voor/aanvragen/maken | levertijd* | minimale/minimum afname/bestelling
    | prijslijst | budget
asks_whether_you_do: kunt u/kun je/kunnen jullie/zou je/zou u/zouden jullie | hebben jullie/heeft u/heb
    je/hebt u nog/ook/een/plek/ruimte/tijd/ervaring | doen/maken/leveren/verkopen/nemen jullie | is het
    mogelijk | zou het kunnen | bent u bereid | wil je/wilt u/willen jullie
own_need: wij/we/ik zoeken/zoek/willen/wil/zouden/zou/hebben/heb/gaan/moeten | mijn/onze/ons
    vrouw/man/moeder/vader/zoon/dochter/huis/keuken/tuin/bruiloft/dak/zaak/project | via via |
    aangeraden/getipt/aanbevolen | voor ons/onze/mijn | bestellen/kopen/reserveren/huren | op zoek naar
uses_your_product: wij/we/ik gebruiken/gebruik/hebben/kochten/kocht/bestelden .. jullie/uw/je |
    ons/onze/mijn account/contract/abonnement/bestelling/licentie | klant bij/sinds | klantnummer
job_for_you: functie van/als | de/een/deze functie/rol/vacature | zoekt een/naar/zijn |
    salaris/bonus/arbeidsvoorwaarden | je/uw profiel/cv/achtergrond/ervaring | vertrouwelijk* |
    recruiter | overstap
applies: mijn cv/sollicitatie/portfolio/motivatie | sollicit* | stage/stageplek | vacature van |
    afgestudeerd/studeer | bijbaan
journalism: journalist* | artikel/stuk/verhaal/interview/reportage/uitzending over/voor | ik
    schrijf/werk/maak een/aan | deadline | citer*/quote* | scriptie/onderzoek | redactie
picks_up_known: zoals afgesproken/besproken/beloofd/gevraagd/gebruikelijk/altijd | je/uw/jullie
    bestelling/aanvraag/factuur/reservering/bericht/mail/vraag/reactie/inschrijving/afspraak |
    dank/bedankt/dankjewel voor/je/u | ons/onze gesprek/afspraak/contract/overleg | gisteren | vorige
    week/keer | bijgevoegd/bijlage | tot morgen/vrijdag/maandag/straks/dan/zo | hierbij de/het/een | ik
    heb .. gestuurd/getekend/gebeld/aangepast
introduces_others: stel je/u/jullie/ik .. voor | in cc/kopie | laat ik jullie | breng jullie | ter info
    | doorgestuurd
private_life: mama/mam/papa/pap/oma/opa/tante/oom/lieverd/schat/liefs/kus/kusjes/knuffel | verjaardag |
    weekend | hou van je | de kinderen/kids | eten bij/zaterdag/zondag
paperwork: factu* | bestelnummer/ordernummer/klantnummer/kenmerk | vervaldatum |
    overmaken/overschrijving | bon/betaling* | openstaand* | wachtwoord | dossier | btw
at_work: kun/kan/wil je/jij/iemand | graag even/controleren/tekenen/bevestigen/akkoord/reactie |
    vergadering | notulen | rooster | voor vrijdag/maandag/morgen | laat me/maar/even weten | ik ben/kom
    ziek/later/onderweg | agenda | overleg
reports_fault: storing* | fout*/foutmelding | kapot | werkt niet | klacht* | defect* |
    ontbreekt/ontbreken | vertraging | lek* | beschadigd
not_selling: verkoop niets/niks | niets te verkopen | vrijwillig*
you_subscribed: u/je ontvangt deze/dit | nieuwsbrief | uitschrijven/afmelden | je/uw
    abonnement/proefperiode/account | welkom bij | bekijk online/in | editie n_number | niet
    beantwoorden
membership: vereniging | lid/leden/lidmaatschap | vve | ledenvergadering | inschrijving | vrijwilliger*
    | klas | school | ouders | donatie
authority: belastingdienst | gemeente | kvk | inspectie/controle | vergunning* | rechtbank | termijn |
    wettelijk* | aangifte
customer_care: je/uw/jullie contract/account/abonnement/pakket/polis | verleng* | onderhoud* |
    prijswijziging/prijsverhoging/indexatie | uw adviseur/contactpersoon | verwerkersovereenkomst
"""
