"""What pitches and ordinary mail say, in Italian: one finding a paragraph (see `backend.domain.reading.phrases`)."""

PHRASES = """
asks_call: n_number minuto/minuti/min | quarto d ora | mezz ora | breve/veloce/rapida
    chiamata/call/telefonata/chiacchierata/incontro/videochiamata |
    chiamata/call/telefonata/incontro breve/veloce/conoscitivo/di |
    sentirci/sentiamo/parlarne/parlare .. minuti/settimana/telefono | avrebbe/ha/hai/avresti ..
    minuti/tempo/disponibilità | fissare un | prossima settimana | settimana prossima | posso
    chiamarla/chiamarti/passare/telefonarle/venire | la/ti chiamo | un caffè | le/ti va | nel mio
    calendario | dieci/quindici/venti/trenta minuti | possiamo/potremmo
    sentirci/vederci/parlarne/fissare | ci sentiamo/vediamo giovedì/martedì/mercoledì/questa/la |
    una chiamata/call/telefonata/videochiamata/chiacchierata | che ne dice/dici/dite | quando
    le/ti/vi va/viene/sarebbe/torna | incontrarci/incontrarla/incontro di/conoscitivo
offers_free: gratis/gratuit* | senza impegno/costi/obbligo/spese/vincoli | non le/ti costa
    nulla/niente | in omaggio | prova | a nostre spese | nessun costo/impegno | primo mese | periodo
    di prova | campione/campionatura gratuit* | non paga/pagate/costa | paga/pagate solo | senza
    vincolo
what_we_do:
    aiutiamo/offriamo/produciamo/sviluppiamo/vendiamo/noleggiamo/lavoriamo/facciamo/realizziamo/
    siamo/gestiamo/forniamo/importiamo/puliamo/installiamo/stampiamo/progettiamo/distribuiamo/
    abbiamo/seguiamo/proponiamo
    | ci occupiamo | mi occupo | aiuto/offro/vendo/rappresento/produco/lavoro/realizzo/propongo |
    nostra/nostro/nostri/nostre
    strumento/piattaforma/software/soluzione/agenzia/azienda/servizio/servizi/team/prodotto/
    fabbrica/laboratorio/sistema/clienti/app
    | x_firm è/aiuta/offre/fa/permette/riduce/automatizza/legge | specializzat* in/nella/nel |
    affianchiamo/supportiamo/assistiamo/consegniamo/organizziamo/ripariamo/finanziamo/assicuriamo/
    trasportiamo/collaboriamo/rappresentiamo/costruiamo/curiamo/formiamo/selezioniamo
    | fornitore/produttore/produttori/distributore/distributori di | la nostra/mia
    azienda/ditta/agenzia/società
others_like_you:
    aziende/imprese/studi/negozi/cliniche/hotel/ristoranti/clienti/cantine/scuole/officine come
    la/il/voi/lei/le/i | simili/analoghe | della vostra/sua/tua dimensione/zona/dimensioni | del
    suo/vostro/tuo settore | nel suo/vostro/tuo settore | nella sua/vostra/tua zona/città/via |
    concorren* | altre/altri aziende/studi/negozi/realtà/clienti/ristoranti/colleghi | realtà
    come/simili | aziende del settore | suoi/vostri/tuoi colleghi/vicini
claims_result: n_percent in/di/dei/delle/meno/più | del n_percent | fino al/a
    n_percent/n_number/n_money | risparmi* .. n_percent/n_money/n_number/ore |
    ridott*/ridurre/riduce .. n_percent/n_number | aument* .. n_percent | da n_number a n_number |
    in n_number giorni/settimane/ore | metà | doppio | far/fare/farle/farvi risparmiare |
    risparmio/riduzione/aumento/crescita del/di/fino | in media | oltre il/n_percent/n_number |
    tagli* .. n_percent/costi
noticed_you: ho visto/letto/notato/trovato/sentito/guardato/scoperto/provato | visto/letto/notato
    che/il/la | sono capitat*/passat* | guardando/leggendo/passando | il suo/vostro/tuo
    articolo/sito/annuncio/intervento/negozio/profilo | la sua/vostra/tua
    pagina/vetrina/intervista/azienda/bottega | state/stai/sta cercando/assumendo/aprendo |
    complimenti | mi ha colpito | navigando/curiosando/cercando | seguo il/la/i/le vostr*/suo/sua |
    vi/la/ti seguo | dato un occhiata | vedo che
right_person: persona giusta/corretta/adatta | chi si/segue/gestisce/decide/è | responsabile
    di/del/della/degli | a chi | referente | inoltrare/girare | chi si occupa | con chi | la persona
    che | è lei che/la/il | indicarmi il/chi/la/un | decide lei
bump: ricontatt* | le/ti/vi riscrivo/scrivevo/avevo/ho scritt*/mandat*/inviat* | torno a/su |
    mia/mio/miei precedente/ultima/prima/mail/email/messaggio/proposta | faccio seguito | non
    ho/abbiamo ricevuto/avuto/sentito | è riuscit*/sei | ha/hai avuto modo/visto/letto/potuto |
    sollecit* | secondo/terzo tentativo/messaggio | riprendo/riprendere |
    ricordarle/ricordarti/promemoria | senza risposta | ancora interessat*/io | torno a scriver* |
    solo per/un | volevo sapere/solo/capire/chiederle | non ho più | in attesa di | avuto modo di |
    ha/hai ricevuto la/il | le/ti/vi scrissi
breakup: ultima/ultimo mail/email/e/messaggio/volta/tentativo | non la/ti/vi/le
    disturb*/scriv*/importun*/insist* | non insisto/disturbo | chiudo/archivio la/il/qui/questa |
    prometto | smetto di | non è il momento | nessun problema | non le/ti/vi scriverò | non
    scriverò/scrivo più | tolgo il | la/ti lascio in | capisco se
offers_to_send: le/ti/vi mando/invio/mostro/preparo/faccio/porto/lascio/passo/giro/propongo/riservo
    | posso/potrei/vuole/vuoi/volete .. mand*/invi*/mostr*/prepar*/far*/port*/present*/pass* |
    vuole/vuoi che | mandarle/inviarle/mostrarle/farle/mandarti/inviarti/mostrarti/portarle |
    le/ti/vi interessa/interesserebbe/piacerebbe/andrebbe | può interessar* | se le/ti/vi
    interessa/va | sarei/siamo/sono liet* | sareste/sarebbe/saresti interessat* | le/ti/vi
    andrebbe/farebbe | può/potrebbe essere/esservi/esserle |
    mandarle/mandarvi/portarle/farvi/inviarvi | le/ti/vi porto/spedisco/preparo
easy_no: se non è/le/ti/vi/fosse | non le/ti/vi è interess* | un sì/no/semplice | cancellar* | mi
    dica/dimmi se/di | basta un/rispondere | basta un/rispondere/dirmi | nessun problema | se non fa
    | non è per
states_price: n_money al/per/a/l/più/iva/mese/il/la/netti/tutto/e/cadauno/mensili |
    da/a/solo/per/partire n_money | prezzo/prezzi/costo/tariffa fisso/da/è/di | n_percent di
    sconto/provvigione | canone | a partire da | canone di/mensile/annuo | sconto del/di |
    provvigione del
search_ranking: seo | posizionamento | backlink/link | articolo sponsorizzato/ospite | prima pagina |
    visibilità | parole chiave
sells_lists: database/elenco/lista di/dei/contatti/partecipanti | lead/leads | nuovi clienti | contatti
    qualificati
outsourcing: outsourcing | sviluppatori | realizzazione/creazione/restyling siti/sito/di | tariffa
    oraria | app mobile | wordpress | esternalizz*
lends_money: finanziament* | credito/prestit* | liquidità | factoring | bandi/bando/agevolat* |
    investitor* | senza garanzie | tasso/tassi | anticipo fatture | credito d imposta | fondo
    perduto
buys_business: cessione/cedere | acquirent* | investitor* | acquisizion*/acquistare la | vendere
    la/il/sua | passaggio generazionale | valutazione della | rilevare/acquisire la/il/una |
    interessati a/all acquist*/rilevare/comprare
offers_people: candidat* | profilo/profili | disponibil* subito/da/immediat* | preavviso | selezione
    del | somministrazione | ral | figura/figure con/di/professional* | risorsa/risorse | anni di
    esperienza | cerca nuova/nuove/una | subito disponibil*
asks_sponsor: sponsor* | stand | espositor* | patrocinio | inserzion* | spazio/spazi
    espositiv*/pubblicitari* | logo su/sul/sulla | fiera
flatters_for_fee: premi/premio/premiat*/nominat*/candidatura al | selezionat* | riconoscimento |
    servizio su
dear_owner: gentile/spettabile/egregio/spett cliente/titolare/signore/signori/azienda/team/dottore/ditta
    | a chi di | spero che/tutto/stia/questa | buongiorno a
introduces_self: mi chiamo | mi presento | sono
    x_name/il/la/un/una/responsabile/titolare/fondat*/commerciale/consulente/di | lavoro in/per/con
    | siamo un/una/n_number | di x_firm | da x_firm | della ditta | scrivo da/per | per conto di | a
    nome di | rappresento la/il/un/una | le/vi/ti scrivo da/per conto | sono un/una
    agente/consulente/artigiano/titolare
names_clients: nostri clienti | clienti come | già lavor*/seguiamo/usano/serviamo | referenz* | casi
    di | n_number clienti/aziende/negozi/studi/scuole/hotel | tra i nostri | lavoriamo già/con | si
    fidano di | clienti soddisfatti | abbiamo appena finito/installato/consegnato
praises: complimenti | bellissim*/splendid*/fantastic*/meravigli* | mi è piaciut* | bravi/bravo/brava
sales_title: commerciale | responsabile/direttore/agente/consulente commerciale/vendite/di | business
    development | fondat*/titolare | vendite
scarcity: solo/ultimi/ultime n_number/posti/giorni/pezzi | restano | entro venerdì/fine/il/lunedì |
    prima di venerdì | posti limitati | ultimi posti/giorni/pezzi | ultime disponibilità | fino a
    esaurimento
cold_excuse: non mi/ci conosce* | mi scusi/scusa/scusi se/il/per | mi permetto | le/ti/vi scrivo
    perché/per | ho trovato il/la/suo | su linkedin | mi permetto di | ho trovato il/la
    suo/sua/vostro/vostra | ho avuto il suo/tuo | mi scuso per/se | scusi/scusa il/se/la
asks_price: quanto | qual è/sono/sarebbe .. prezzo/costo/tariffa/tempi | il/i suo/vostro/vostri/tuo
    prezzo/prezzi/preventivo/listino | un/chiedere/richiesta preventivo/di | preventivo per | prezzo per
    | tempi di consegna | ordine minimo | listino | budget | onorar*
asks_whether_you_do: può/potete/potrebbe/potreste/puoi/potresti | avete/ha/avreste/hai
    disponibil*/ancora/un/posto/libero | fate/vendete/spedite/accettate/lavorate/consegnate | sarebbe/è
    possibile | sarebbe disponibile/dispost* | le/ti dispiacerebbe
own_need: cerco/cerchiamo/vorrei/vorremmo/volevo/volevamo/abbiamo/devo/dobbiamo | ci/mi
    servirebbe/serve/servono/interessa/interessano/piacerebbe | mia/mio/nostra/nostro
    moglie/marito/mamma/padre/figlio/figlia/casa/cucina/giardino/matrimonio/bottega/negozio/progetto |
    mi ha/hanno consigliat*/parlat*/dato/detto | per la/il mia/mio/nostra/nostro |
    ordinare/comprare/acquistare/prenotare | stiamo cercando/pensando/ristrutturando/aprendo
uses_your_product: usiamo/uso/utilizziamo/abbiamo/ho .. vostro/vostra/vostri/suo/tuo |
    mio/mia/nostro/nostra account/contratto/abbonamento/ordine/licenza | cliente da/dal | clienti da
job_for_you: posizione di/aperta/da | il/un/questo ruolo/posto | cerca/cercano un/una/il |
    ral/stipendio/retribuzione/bonus | head hunter | suo/tuo profilo/percorso/cv/curriculum | selezione
    per | riservat* | opportunità
applies: mia candidatura | mio cv/curriculum | in allegato cv/il | tirocinio/stage | annuncio di/per |
    laureat*/diplomat* | lettera di
journalism: giornalista* | articolo/servizio/intervista/pezzo/inchiesta/programma su/per/sul/sulla |
    sto/stiamo scrivendo/preparando | chiudo il/in | citar*/cito | tesi | redazione | dottorand*
picks_up_known: come d/da/concordato/promesso/richiesto/anticipato/detto/sempre/accordi |
    suo/sua/tuo/tua/vostro/vostra ordine/richiesta/fattura/prenotazione/messaggio/mail/domanda/risposta/
    iscrizione/email/visita | grazie per/della/del/dell/di/dei | nostra/nostro
    incontro/riunione/telefonata/contratto/chiacchierata | ieri | settimana scorsa | in allegato |
    allego | ci vediamo | a domani/venerdì/lunedì/dopo/presto | ecco il/la/i/le | ho
    ricevuto/mandato/firmato/parlato
introduces_others: le/ti/vi presento | in copia/cc | vi lascio | metto in contatto | inoltro | per
    conoscenza
private_life: mamma/papà/nonna/nonno/zia/zio/tesoro/amore/baci/bacione/bacio | compleanno | weekend | ti
    voglio | i bambini/ragazzi | cena/pranzo da/sabato/domenica | un abbraccio
paperwork: fattur* | ordine n/numero/nr/n_number | numero di | scadenza | bonifico | ricevut* |
    pagament* | pratica | password | partita iva | ddt
at_work: puoi/potete/riesci | per favore/cortesia controlla*/conferma*/firma*/manda*/verifica* |
    riunione | verbale | turn* | entro venerdì/domani/lunedì | fammi/fatemi sapere | sono/arrivo
    in/malat*/tardi | assemblea | ordine del giorno
reports_fault: guast* | error* | non funziona | rott* | reclam* | difett* | manca/mancano | ritard* |
    perdita
not_selling: non vendo | niente da vendere | volontari*
you_subscribed: riceve/ricevi questa | newsletter | disiscri*/annullare l iscrizione | suo/tuo
    abbonamento/account | benvenut* in/su/a | visualizza nel | numero n_number | non rispondere
membership: associazione | soci/socio/socia/tesserament* | condominio | assemblea | iscrizion* |
    volontari* | classe | scuola | genitori | donazione
authority: agenzia delle entrate | comune di | inps | ispezione | permess* | tribunale | termine per |
    normativ* | asl | tassa/tasse/imposta
customer_care: suo/vostro/tuo contratto/account/piano/servizio/polizza | rinnov* | manutenzione |
    adeguamento/aumento prezzi/tariffe | suo referente/consulente | intervento
"""
