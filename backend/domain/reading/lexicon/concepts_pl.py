"""Polish words by what they are about (see `backend.domain.reading.concepts`); * stands for any ending."""

CONCEPTS = """
we: my nas nam nami
our: nasz* nasi
i: ja mnie mi
my: mój moja moje moi mojego mojej
you: pan pani państwo panu panią ty ci cię wam was
your: pana państwa twój twoj* wasz*
offer: ofer* propon* propoz*
help: pomag* pomóc pomoc* pomoż* wspar* wspier*
sell: sprzeda* dostarcz* dostaw*
make: produk* tworzy* robimy buduj*
rent: wynaj* najem
buy: kup* zakup*
order: zamów* zamaw*
price: cen* koszt* stawk* tan*
quote: wycen* kosztorys*
free: darmow* bezpłat* gratis
discount: rabat* zniżk* oszczęd*
call: zadzwoń* dzwoni* telefon* rozmow*
meet: spotka* wizyt* kaw*
talk: porozmawi* rozmawi* pogada*
minutes: minut* kwadrans
schedule: kalendarz* termin* dostępn*
weekdays: poniedział* wtor* środ* czwart* piąt*
soon: tydz* tygod* miesiąc* przyszł* jutro
past: wczoraj ostatni* poprzedni* już
demo: demo prezent*
trial: prób* test* pilota* wyprób*
sample: próbk*
audit: audyt* analiz* sprawdz*
report: raport* list*
send: wysł* wysył* prześl* podesł*
show: pokaz* pokaż* zobacz*
reply: odpowie* odpowied* odpis* odezw*
question: pyta* pytan* wiedzieć ciekaw*
interested: zainteres* interes*
need: potrzeb* trzeba musi*
want: chc* chciał* życz*
can: moż* mog* może*
increase: zwiększ* wzrost* rosn* popraw* więcej
reduce: zmniejsz* obniż* mniej redukuj* unik*
customers: klient* użytkown*
company: firm* przedsiębior* biznes*
teams: zespoł* zespół* pracown*
similar: podobn* takich jak
boss: dyrektor* właściciel* prezes* kierown*
website: stron* witryn* www sklep*
google: google seo pozycj* ruch widocz*
leads: lead* sprzedaż* przychod*
marketing: marketing* reklam* kampani*
software: oprogramow* narzędz* platform* aplikac* system*
service: usług* rozwiąz* agencj*
developers: programist* deweloper* outsourcing
contacts: kontakty baza bazę adresów
candidate: kandydat* profil*
job: stanowisk* prac* rola ofert
hire: rekrut* zatrudn* poszuk*
salary: wynagrodz* pensj* premi*
apply: aplik* cv staż praktyk* podani*
press: dziennikar* artykuł* wywiad* gazet* redakc*
research: badan* ankiet* uczeln* uniwersyt* student* prac*
invoice: faktur* płat* zapłac* przelew* rachun*
contract: umow* podpis* porozum*
delivery: dostaw* przesył* wysyłk* paczk*
ticket: zgłosz* numer sprawy ticket*
account: konto hasł* logow* dostęp* bezpiecz*
subscription: subskryp* abonament* newsletter odnow* członk*
insurance: ubezpiecz* polis*
loan: pożycz* kredyt* finans* kapitał* inwest*
energy: energ* prąd* gaz* fotowolt*
premises: biur* budyn* nieruchom* sprząt* lokal*
machine: maszyn* części fabryk* materiał* sztuk* magazyn*
sponsor: sponsor* stoisk*
event: wydarz* konferenc* targ* zapros* zaprasz* prelegent*
partner: partner* współprac* prowizj* razem
acquire: przejęc* sprzedaż firmy nabyw* sukces*
family: mama tata dzieci syn* córk* mąż żon* babci* urodzin*
school: szkoł* klas* ucz* rodzic* nauczyc*
thanks: dziękuj* dzięki
sorry: przeprasz* przykro
please: proszę prosz*
hope: nadziej*
followup: przypom* ponown* wracam ponawiam
giveup: ostatni* zamyk* przesta* zawrac*
noticed: widział* zauważ* przeczyt* trafił* znalazł*
mutual: polec* wspomni* przedstaw* powiedział*
agreed: ustal* omówi* umówi* prosił* potwierdz*
attached: załącz*
problem: problem* błąd błęd* awari*
optout: wypis* rezygn*
rightperson: odpowiedzialn* odpowiedni* osob* zajmuj*
quick: szybk* krótk*
obligation: zobowiąz* ryzyk* gwaranc*
experience: doświadcz* lat* certyfik* specjal* ekspert*
casestudy: referenc* przykład* wynik*
hello: dzień dobry cześć szanown* witam
buyerask: katalog* hurt* minimaln*
customerof: używa* korzyst* kupi*
home: dom* kuchni* ogród* dach* samoch* pies
health: lekar* pacjent* klinik* zdrow*
authority: urząd* podat* kontrol* sąd* pozwol*
legal: prawn* prawnik* ustaw* rodo
"""
