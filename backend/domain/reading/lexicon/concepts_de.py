"""German words by what they are about (see `backend.domain.reading.concepts`); * stands for any ending."""

CONCEPTS = """
we: wir uns
our: unser*
i: ich
my: mein*
you: sie ihnen du dir dich euch
your: ihr* dein* euer eure* eurer eurem
offer: anbiet* angebot* biete* bieten
help: helf* hilf* geholfen unterstütz*
sell: verkauf* liefer* vertrieb*
make: bau* entwick* herstell* fertig* produzier*
rent: miet* vermiet* leas*
buy: kauf* erwerb* anschaff* beschaff*
order: bestell* auftrag*
price: preis* kost* gebühr* günstig*
quote: kostenvoranschlag* angebotsanfrage offerte
free: kostenlos* gratis kostenfrei* unverbindlich*
discount: rabatt* skonto spar* erspar*
call: anruf* telefon* telefonat* rufen ruf
meet: treff* termin* besuch* kaffee
talk: sprech* gespräch* austausch* unterhalt*
minutes: minut*
schedule: kalender* zeitfenster verfügbar*
weekdays: montag dienstag mittwoch donnerstag freitag
soon: woche monat nächste* morgen
past: gestern letzte* vorherig* bereits
demo: demo vorführ* präsentation* vorstell*
trial: probe* test* pilot* ausprobier*
sample: muster* probe*
audit: analyse* prüf* audit* check*
report: bericht* liste* unterlagen
send: schick* send* zukommen
show: zeig* sehen schau* ansehen
reply: antwort* rückmeld* melden zurück*
question: frage* fragen wissen neugierig
interested: interess* relevant
need: brauch* benötig* muss müss* nötig
want: möchte* will woll* gern* würde* wünsch*
can: kann könn* darf dürf*
increase: steiger* wachs* erhöh* mehr verbesser*
reduce: senk* reduzier* weniger verkürz* vermeid*
customers: kund* mandant* nutzer*
company: firma firmen unternehmen betrieb*
teams: team* mannschaft* mitarbeit*
similar: ähnlich* vergleichbar* wie
boss: geschäftsführ* inhaber* leiter* gründer* leitung
website: website webseite* homepage seite internetauftritt
google: google seo ranking* sichtbarkeit suchmaschin*
leads: leads neukund* umsatz* vertrieb* akquise
marketing: marketing werb* kampagn* anzeigen
software: software tool* plattform* app system* ki automatis*
service: dienst* leistung* lösung* agentur* service
developers: entwickler* outsourcing
contacts: kontaktdaten adressen datenbank teilnehmerliste
candidate: kandidat* profil* bewerberprofil*
job: stelle* position* job* rolle karriere
hire: einstell* personalvermitt* rekrut* recruit* suche
salary: gehalt* bonus vergütung*
apply: bewerb* lebenslauf praktikum unterlagen
press: journalist* artikel* interview* zeitung redaktion* magazin beitrag
research: studie* umfrage* forschung* universität* student* abschlussarbeit*
invoice: rechnung* zahl* überweis* mahnung* beleg*
contract: vertrag* verträge unterschr* vereinbarung* klausel*
delivery: lieferung* versand* paket* zustell* sendung*
ticket: ticket* vorgang* aktenzeichen störung*
account: konto passwort* anmeld* zugang* sicherheit*
subscription: abo abonn* newsletter mitglied* verläng* ausgabe
insurance: versicher* police*
loan: kredit* finanzier* darlehen kapital* invest*
energy: energie* strom* gas* solar*
premises: büro* gebäude* immobilie* reinigung* halle* objekt*
machine: maschine* anlage* teile* werk* fabrik* material* stück* lager*
sponsor: sponsor* stand aussteller*
event: veranstalt* konferenz* messe* webinar* vortrag* einlad* podium*
partner: partner* zusammenarbeit* kooperation* provision* gemeinsam
acquire: nachfolge* unternehmensverkauf käufer* beteilig* bewertung
family: mama papa oma opa kinder sohn tochter mann frau geburtstag liebe
school: schule* klasse* eltern* lehrer* schüler* kita
thanks: dank* danke
sorry: entschuldig* leider tut leid
please: bitte
hope: hoff*
followup: nachfass* nochmal* erneut* erinner* nachhaken anknüpf* rückfrage
giveup: letzte* abschließ* schließe aufgeben melde mehr belästig*
noticed: gesehen aufgefallen gestoßen bemerkt entdeckt gelesen
mutual: empfohlen erwähnt vorgestellt genannt gesagt tipp
agreed: besprochen vereinbart gewünscht abgesprochen bestätig* gebeten
attached: anbei anhang beigefügt anlage*
problem: problem* fehler* defekt* kaputt störung* ausfall*
optout: abmelden austragen abbestell*
rightperson: zuständig* verantwort* ansprechpartner* entscheid*
quick: kurz* schnell* lohnt
obligation: verpflicht* risiko* garant* unverbindlich*
experience: erfahrung* jahre* zertifiziert* spezial* führend* experten
casestudy: referenz* beispiel* ergebnis* fallstudie*
hello: hallo guten sehr geehrte* liebe* moin
buyerask: listenpreis* händlerpreis* mindestbestell* katalog* lieferzeit*
customerof: nutzen nutze benutz* gekauft bestellt
home: haus küche garten dach auto bad hund
health: arzt* praxis patient* termin* klinik*
authority: steuer* amt* finanzamt behörde* bescheid* genehmig*
legal: anwalt* rechts* dsgvo verordnung* gesetz*
"""
