"""Dutch words by what they are about (see `backend.domain.reading.concepts`); * stands for any ending."""

CONCEPTS = """
we: wij we ons
our: onze ons
i: ik
my: mijn
you: u jij je jullie
your: uw jouw jullie
offer: aanbied* aanbod bieden bied
help: help* hielp* ondersteun*
sell: verkop* verkoop* lever*
make: maak* maken bouw* ontwikkel* produc*
rent: huur* verhuur*
buy: kop* koop* gekocht aanschaf* inkoop*
order: bestel* order*
price: prijs* prijzen kost* tarief* goedkop*
quote: offerte offertes
free: gratis kosteloos vrijblijvend*
discount: korting* bespar*
call: bel belt bellen telefo*
meet: afspra* ontmoet* bezoek* koffie langs*
talk: praten gesprek* spreken overleg*
minutes: minu* kwartier*
schedule: agenda beschikbaar plannen
weekdays: maandag dinsdag woensdag donderdag vrijdag
soon: week maand volgende morgen
past: gisteren vorige afgelopen eerder al
demo: demo* presentatie
trial: proef* proberen pilot test*
sample: monster* staal*
audit: audit* analyse* scan check doorlicht*
report: rapport* lijst*
send: stur* stuur* zend* toesturen
show: laten zien tonen kijk* bekijk*
reply: antwoord* reageer* reactie terug*
question: vraag* vragen weten benieuwd nieuwsgierig
interested: interess* relevant
need: nodig moet* behoef*
want: wil willen graag zou wens*
can: kan kunnen mag kunt
increase: verhog* groei* verbeter* meer
reduce: verlag* minder vermind* verminder* voorkom*
customers: klant* gebruiker*
company: bedrij* firma* onderneming*
teams: team* medewerk*
similar: vergelijkbaar soortgelijk* zoals
boss: directeur eigenaar oprichter manager hoofd
website: website site pagina webwinkel
google: google seo vindbaar* zoekmachin* verkeer zichtbaar*
leads: leads omzet verkoop*
marketing: marketing reclame campagne* advertent*
software: software tool* platform* app systeem ai
service: dienst* oplossing* bureau*
developers: ontwikkelaars developers outsourcing
contacts: contactgegevens adressenbestand database
candidate: kandidat* profiel*
job: functie* baan vacature* rol
hire: werving* aannem* recruit* zoek*
salary: salaris* loon bonus
apply: sollicit* cv stage
press: journalist* artikel* interview* krant redactie
research: onderzoek* studie* universiteit student* scriptie enquête
invoice: factu* betal* rekening*
contract: contract* teken* getekend overeenkomst*
delivery: bezorg* levering* verzend* pakket*
ticket: ticket* storing* melding* kenmerk
account: account wachtwoord inlog* toegang beveilig*
subscription: abonnement* nieuwsbrief lidmaat* verleng* editie
insurance: verzeker* polis*
loan: lening* financier* krediet* kapitaal invest*
energy: energie stroom gas zonne*
premises: kantoor* pand* gebouw* schoonmaak*
machine: machine* onderdelen fabriek* materia* stuks voorraad
sponsor: sponsor* stand*
event: event* congres* beurs* webinar* uitnodig* spreker*
partner: partner* samenwerk* commissie samen
acquire: overname* koper* verkoop opvolg*
family: mama papa kinderen zoon dochter man vrouw oma verjaardag liefs
school: school klas leerling* ouders juf*
thanks: dank* bedankt
sorry: sorry excus* spijt*
please: alstublieft graag
hope: hoop* hopelijk
followup: opvolg* herinner* nogmaals terugkom*
giveup: laatste sluit* stop* lastig*
noticed: gezien zag opgevallen tegengekomen gelezen ontdekt
mutual: aanbevol* verteld* voorgesteld getipt naam
agreed: afgesproken besproken gevraagd beloofd bevestig*
attached: bijlage bijgevoegd hierbij
problem: probleem problemen fout* kapot storing
optout: afmeld* uitschrijv*
rightperson: verantwoordelijk* juiste persoon contactpersoon
quick: kort* snel* even
obligation: verplicht* vrijblijvend* risico garant*
experience: ervar* jaar gecertific* speciali*
casestudy: referentie* voorbeeld* resulta*
hello: hallo beste dag hoi geachte
buyerask: catalogus groothandel minimum levertijd*
customerof: gebruik* gekocht besteld
home: huis keuken tuin dak auto hond
health: arts patiënt* praktijk kliniek gezondheid
authority: belasting* gemeente inspectie vergunning rechtbank
legal: advocaat juridisch* wet* avg
"""
