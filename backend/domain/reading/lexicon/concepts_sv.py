"""Swedish words by what they are about (see `backend.domain.reading.concepts`); * stands for any ending."""

CONCEPTS = """
we: vi oss
our: vår våra vårt
i: jag mig
my: min mitt mina
you: ni er du dig
your: ert era din ditt dina
offer: erbjud* offert* förslag*
help: hjälp* stöd*
sell: sälj* säljer leverer* leverant*
make: gör tillverk* bygg* utveckl*
rent: hyr* hyra
buy: köp* inköp*
order: beställ* order*
price: pris* kost* billig*
quote: offert offerten
free: gratis kostnadsfri*
discount: rabatt* spar* bespar*
call: ring* samtal* telefon*
meet: träff* möt* besök* kaffe fika
talk: prat* snack* diskut*
minutes: minut* kvart
schedule: kalender tid* boka
weekdays: måndag tisdag onsdag torsdag fredag
soon: vecka månad nästa imorgon
past: igår förra senaste tidigare redan
demo: demo* presentation* visa
trial: prov* testa test pilot*
sample: prov*
audit: analys* granska* genomgång
report: rapport* lista*
send: skick* sänd*
show: visa visar titta se
reply: svar* återkom*
question: fråg* undra* veta nyfik*
interested: intress* relevant
need: behöv* måste
want: vill skulle gärna önska*
can: kan kunna kunde får
increase: öka* växa tillväxt* förbättr* mer
reduce: minska* sänk* färre mindre undvik*
customers: kund* användar*
company: företag* bolag* firma
teams: team lag personal* medarbet*
similar: liknande som
boss: vd ägare chef* grundare ansvarig
website: hemsida* webb* sajt* sida
google: google seo sökmotor* trafik synlig*
leads: leads försäljning* intäkt*
marketing: marknadsför* reklam* annons* kampanj*
software: mjukvar* verktyg* plattform* app system* programvar*
service: tjänst* lösning* byrå*
developers: utvecklare outsourcing
contacts: kontaktuppgifter databas adresser
candidate: kandidat* profil*
job: tjänst* roll* jobb* befattning
hire: rekryt* anställ* söker
salary: lön* bonus ersättning
apply: ansök* cv praktik*
press: journalist* artikel* intervju* tidning* redaktion*
research: studie* forskning* universitet* student* enkät* uppsats*
invoice: faktur* betal* kvitto*
contract: avtal* kontrakt* signer* underskr*
delivery: leverans* frakt* paket*
ticket: ärende* ticket* referens*
account: konto lösenord* logga inlogg* säkerhet*
subscription: prenumer* nyhetsbrev medlem* förny*
insurance: försäkr*
loan: lån* finans* kredit* kapital* invest*
energy: energi* el solcell*
premises: kontor* lokal* fastighet* städ*
machine: maskin* delar fabrik* material* stycken lager
sponsor: sponsor* monter
event: event* konferens* mässa* inbjud* bjud*
partner: partner* samarbet* provision tillsammans
acquire: förvärv* köpare överlåt* ägarskifte
family: mamma pappa barn son dotter man fru mormor födelsedag kram*
school: skola* klass* elev* föräldr* lärare
thanks: tack*
sorry: ursäkt* tyvärr förlåt
please: snälla vänligen
hope: hoppas
followup: påminn* återkommer följer igen
giveup: sista stäng* sluta* störa
noticed: såg sett läste märkte hittade
mutual: rekommend* nämnde berättade tips*
agreed: överens diskut* bad lovade bekräft* bestäm*
attached: bifog* bilag*
problem: problem* fel* trasig*
optout: avregistr* avanmäl*
rightperson: ansvar* rätt person
quick: kort* snabb*
obligation: förpliktel* risk* garant* förbind*
experience: erfar* år certifi* special* expert*
casestudy: referens* exempel* resultat*
hello: hej hejsan god bästa
buyerask: katalog* grossist* minsta leveranstid*
customerof: använd* köpte beställde
home: hus kök trädgård tak bil hund
health: läkar* patient* klinik* hälsa
authority: skatt* kommun* inspektion* tillstånd myndighet*
legal: advokat* juridisk* lag* gdpr
"""
