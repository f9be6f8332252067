"""Czech words by what they are about (see `backend.domain.reading.concepts`); * stands for any ending."""

CONCEPTS = """
we: my nás nám námi
our: náš naš*
i: já mě mi mně
my: můj moje moji moj*
you: vy vám vás vámi ty ti tě
your: váš vaš* tvůj tvoj*
offer: nabíd* nabíz* návrh*
help: pomáh* pomoc* pomůž* podpor*
sell: prodá* prodej* dodáv*
make: vyráb* vyvíj* stav* děláme
rent: pronáj* nájem*
buy: koup* nákup* kupov*
order: objedn*
price: cen* náklad* stoj* levn*
quote: kalkul* nacenit nacenění
free: zdarma nezávazn* bezplat*
discount: slev* úspor* ušetř*
call: zavol* volat telefon* hovor
meet: schůz* setk* návštěv* kav* sejít
talk: mluv* promluv* pobav* popovíd* probrat
minutes: minut*
schedule: kalendář* termín* volno
weekdays: ponděl* úter* střed* čtvrt* pátek pátku
soon: týden* týdn* měsíc příští* zítra
past: včera minul* posledn* předchoz* už
demo: ukázk* předved* prezent* demo
trial: zkouš* zkuš* vyzkouš* pilot*
sample: vzor*
audit: audit* analýz* kontrol* prověr*
report: zpráv* seznam* přehled*
send: posl* pošl* zasl* zašl*
show: ukáz* ukáž* podív* vidět
reply: odpov* odepsat odepiš* ozv*
question: otáz* ptá* zept* věd* zajímal*
interested: zájem zajím* zaujm* zaujal*
need: potřeb* mus* nutn*
want: chci chce* chtěl* rád* přál*
can: můž* moh* lze
increase: zvýš* růst* zlepš* víc*
reduce: sníž* snižov* méně omez* předej*
customers: zákazn* klient* uživatel*
company: firm* společnost* podnik*
teams: tým* zaměstnan*
similar: podobn* jako
boss: ředitel* majitel* jednatel* vedouc* zakladatel*
website: web* stránk* e-shop
google: google seo vyhledáv* návštěvnost viditeln*
leads: obchod* tržb* poptáv*
marketing: marketing* reklam* kampa*
software: software nástroj* platform* aplikac* systém*
service: služb* řešen* agentur*
developers: vývojář* programátor* outsourcing
contacts: kontakty databáz* adres*
candidate: kandidát* uchazeč* profil*
job: pozic* práce míst* role
hire: nábor* recruit* přijm* hled*
salary: plat mzd* bonus*
apply: životopis* přihlášk* stáž* ucház*
press: novinář* člán* rozhovor* redak*
research: výzkum* studi* univerzit* student* diplom* průzkum*
invoice: faktur* plat* zaplat* úhrad*
contract: smlouv* podpis* podeps* dohod*
delivery: doruč* zásilk* balík* dodán*
ticket: ticket* požadav* hlášen* číslo
account: účet heslo přihláš* přístup* bezpeč*
subscription: předplat* newsletter člen* prodlouž* obnov* vydání
insurance: pojišt* pojist*
loan: půjč* úvěr* financ* kapitál* invest*
energy: energ* elektř* plyn* solár* fotovolt*
premises: kancelář* budov* nemovit* úklid* prostor*
machine: stroj* stroje díl* továrn* materiál* kus* sklad*
sponsor: sponzor* stánek
event: akc* konferenc* veletrh* pozván* zvem*
partner: partner* spoluprác* provize spolu*
acquire: převzet* prodej firmy kupc* kupující* nástupnict*
family: máma mamka táta tatka děti syn* dcer* manžel* babičk* narozenin*
school: škol* tříd* žá* rodič* učitel*
thanks: děkuj* díky děkuji
sorry: omlouv* promiň* bohužel
please: prosím
hope: douf* snad
followup: připom* navazuj* znovu vracím ozývám
giveup: posledn* uzavír* přestan* obtěž*
noticed: viděl* všiml* narazil* četl* našel*
mutual: doporuč* zmínil* představ* řekl*
agreed: domluv* dohodl* slíben* žádal* potvrz*
attached: příloh* přikl* přilož*
problem: problém* chyb* poruch*
optout: odhlás* odhlaš*
rightperson: odpověd* zodpov* osob* správn*
quick: rychl* krátk* stručn*
obligation: závaz* rizik* záruk*
experience: zkušenost* let certifik* special* expert*
casestudy: referenc* příklad* výsled*
hello: dobrý ahoj vážen* milý milá
buyerask: katalog* velkoobchod* minimáln*
customerof: použív* koup* využív*
home: dům kuchyň* zahrad* střech* auto pes
health: lékař* pacient* klinik* ordinac* zdrav*
authority: úřad* daň* daňov* kontrol* soud* povolen*
legal: právn* advokát* zákon* gdpr
"""
