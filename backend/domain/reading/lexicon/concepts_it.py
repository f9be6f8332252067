"""Italian words by what they are about (see `backend.domain.reading.concepts`); * stands for any ending."""

CONCEPTS = """
we: noi ci
our: nostr*
i: io mi
my: mio mia miei mie
you: lei voi tu ti vi le
your: suo sua suoi vostr* tuo tua tuoi
offer: offr* offert* propo*
help: aiut* support*
sell: vend* forni*
make: produc* realizz* svilupp* costru*
rent: noleggi* affitt*
buy: compr* acquist*
order: ordin*
price: prezz* cost* tariff*
quote: preventiv*
free: gratis gratuit*
discount: scont* risparmi*
call: chiam* telefon*
meet: incontr* visit* caffè passare
talk: parl* chiacchier* confront*
minutes: minut*
schedule: agenda calendario disponib*
weekdays: lunedì martedì mercoledì giovedì venerdì
soon: settimana mese prossim* domani
past: ieri scors* precedent* già ultim*
demo: demo dimostra* present*
trial: prov* pilota test*
sample: campion*
audit: audit analis* verifica* check
report: rapport* report elenc*
send: invi* mand*
show: mostr* vedere guard*
reply: rispo* risent* riscontr*
question: domand* sapere chied* curios*
interested: interess*
need: bisogn* serv* necess* dev*
want: vorre* vogli* piacer* desider*
can: poss* può potre* puoi
increase: aument* cresc* miglior* più
reduce: ridu* meno abbass* evit*
customers: client* utent*
company: aziend* impres* società ditta
teams: team squadr* collaborator*
similar: simil* come
boss: titolar* direttor* responsabil* fondat*
website: sito pagin* web
google: google seo posizion* traffico visibilità
leads: lead vendite fatturato
marketing: marketing pubblicit* campagn*
software: software strument* piattaform* app ia
service: servizi* soluzion* agenzia*
developers: sviluppatori programmatori outsourcing
contacts: contatti database indirizzi
candidate: candidat* profil*
job: ruolo posizione lavoro impiego
hire: assum* selezion* recruit* ricerca
salary: stipendi* retribu* ral
apply: candidatura curriculum cv tirocinio stage
press: giornalist* articol* intervist* giornale redazione
research: studio ricerca universit* student* tesi sondaggio
invoice: fattur* pag* bonific* ricevut*
contract: contratt* firm* accord*
delivery: consegn* spedi* pacc*
ticket: ticket pratica riferimento richiesta segnalazion*
account: account password accesso sicurezza
subscription: abbonament* newsletter rinnov* soci* iscri* edizione
insurance: assicur* polizz*
loan: prestit* finanzi* credit* capital* invest*
energy: energia elettric* luce gas solare fotovolt*
premises: uffici* immobil* edifici* pulizi* capannon*
machine: macchin* attrezz* pezzi fabbrica stabiliment* material*
sponsor: sponsor* stand
event: evento* conferenza fiera webinar invit* relator*
partner: partner* collabor* insieme commission*
acquire: cessione acquirent* acquisizion* passaggio
family: mamma papà figli figlio figlia marito moglie nonna compleanno baci
school: scuola classe alunn* genitori maestr*
thanks: grazie ringrazi*
sorry: scus* spiacent* dispiac*
please: favore cortesemente prego
hope: sper*
followup: ricontatt* riscriv* sollecit* ricord* torno ritorno
giveup: ultim* chiud* disturb* smett*
noticed: visto notato letto trovato scoperto
mutual: consigliat* present* detto dato parte
agreed: concordato discusso richiesto accordi conferm*
attached: allegat*
problem: problem* errore guasto
optout: cancella* disiscri* rimuov*
rightperson: responsabile persona giusta occupa
quick: rapid* breve veloc*
obligation: impegno rischio garant* obblig*
experience: esperienz* anni certific* special* leader espert*
casestudy: referenz* esempi* risultat* caso
hello: buongiorno gentile salve ciao caro cara
buyerask: listino rivenditor* ingrosso minimo tempi
customerof: usiamo uso comprat* utilizziamo
home: casa cucina giardino tetto macchina cane
health: medic* pazient* clinica visita salute
authority: agenzia entrate comune ispezione permesso tribunale
legal: avvocat* legal* legge normativ* gdpr
"""
