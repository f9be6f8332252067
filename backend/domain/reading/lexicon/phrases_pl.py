"""What pitches and ordinary mail say, in Polish: one finding a paragraph (see `backend.domain.reading.phrases`)."""

PHRASES = """
asks_call: n_number minut/minuty/min | kwadrans* | pół godziny | krótk*
    rozmow*/spotkani*/telefon*/prezentac* | porozmawia* | rozmow* telefoniczn* | czy
    znajdzie/znalazł*/ma/miał* .. pan/pani/czas/chwil*/minut* | w przyszłym tygodniu | umówić się |
    umówimy | mogę zadzwonić/podjechać/wpaść | zadzwonię | kawa/kawę/kawy | termin* | w kalendarzu |
    spotka* | dziesięć/piętnaście/dwadzieścia/trzydzieści minut | kiedy
    moglibyśmy/mogę/możemy/pasuje/będzie | czy pasuje/pasowałby/pasowałaby/odpowiada |
    zdzwonić/zdzwońmy się | dogodn* termin*/chwil* | krótk* call*/zooma/teamsa | proszę o
    kontakt/telefon | chwilę/chwila rozmowy
offers_free: darmow* | bezpłat* | gratis | bez zobowiąza*/kosztów/opłat/ryzyka | nic nie kosztuje |
    za darmo | niezobowiązując* | okres próbny | na nasz koszt | pierwszy miesiąc | okres
    testowy/próbny | testow* okres/dostęp/wersj* | bez umowy/haczyków | płaci/płacą pan/pani/państwo
    tylko/dopiero | nie kosztuje
what_we_do:
    pomagamy/oferujemy/dostarczamy/produkujemy/tworzymy/wynajmujemy/sprzedajemy/robimy/jesteśmy/
    zajmujemy/pracujemy/wykonujemy/obsługujemy/projektujemy/drukujemy/sprzątamy/realizujemy/
    budujemy/importujemy/mamy/prowadzimy
    | pomagam/oferuję/sprzedaję/reprezentuję/prowadzę/wynajmuję/robię |
    nasz/nasza/nasze/naszą/naszego/naszej
    narzędzi*/platform*/oprogramowani*/rozwiązani*/agencj*/firm*/usług*/zesp*/produkt*/fabryk*/
    system*/klien*/aplikac*
    | x_firm to/pomaga/oferuje/robi/pozwala/skraca/czyta | specjalizujemy/specjalizuję się | zajmuję
    się |
    świadczymy/świadczę/wspieramy/doradzamy/finansujemy/ubezpieczamy/szkolimy/rekrutujemy/wdrażamy/
    montujemy/zapewniamy/skracamy/działamy/działam/organizujemy/naprawiamy/transportujemy
    | specjalist* od/w | producent/producentem/dostawca/dostawcą/importerem | ofert* współpracy
others_like_you: firm*/sklep*/zespoł*/gabinet*/kancelari*/hotel*/restaurac*/klient*/szk*
    takich/takie/podobnych jak/do | jak państwa/wasza/pana/pani | podobn* firm*/wielkoś*/skal* | w
    państwa/pana/pani/waszej branży/okolicy/regionie/mieście | państwa/pana/pani sąsiad*/konkurenc*
    | firm/firmom/firmami z/o/w | inne/innych/innym firmy/firm/firmom/sklepy/gabinety | o podobn*
    profilu/skali/wielkości | państwa branż*/wielkości
claims_result: o n_percent | do n_percent/n_number/n_money | n_percent
    mniej/więcej/taniej/szybciej/kosztów | oszczęd* .. n_percent/n_money/n_number/godzin |
    zmniejsz*/skróc*/obniż* .. n_percent/n_number | z n_number do/na n_number | w n_number
    dni/tygodni/godzin* | połow* | dwa razy | oszczęd* czas*/pieni*/koszt* | nawet o/do/n_percent |
    średnio o/n_percent | wzrost/wzrosła/spadek/spadły o | zwiększ* .. n_percent/sprzedaż* | ponad
    n_percent
noticed_you:
    widziałem/widziałam/zauważyłem/zauważyłam/przeczytałem/przeczytałam/trafiłem/trafiłam/znalazłem/
    znalazłam/natknąłem/słyszałem/oglądałem/przejeżdżałem
    | zobaczyłem/zobaczyłam | na państwa/pana/pani/waszej/waszą stron* | państwa/pana/pani/wasz
    artykuł/stron*/ogłoszeni*/sklep/wystąpieni*/ofert* | szukają/szukacie/otwieracie/rozbudowujecie
    | gratul* | zwrócił* uwagę | śledzę/obserwuję państwa/wasz*/pana/pani |
    przeglądałem/przeglądałam/przeglądając | widzę że | zainteresował*/zaciekawił* mnie
right_person: odpowiedni* osob* | właściw* osob* | kto .. zajmuje/odpowiada/decyduje/prowadzi |
    osob* odpowiedzialn* | czy to pan/pani | do kogo | przekazać/przekaże | osob* decyzyjn* | kto u
    państwa/was | kontakt do osoby | z kim mogę/mógłbym/mogłabym/najlepiej
bump: wracam do/z | ponawiam | poprzedni* wiadomoś*/mail*/e/maila/mailu | mój/moja/mojej/mojego
    ostatni*/poprzedni*/pierwsz*/mail/wiadomość/wiadomości | pisałem/pisałam do/w/już/kilka | czy
    udało/miał/miała/znalazł* się/pan/pani | nie dostałem/otrzymałem/mam odpowiedzi |
    przypominam/przypomnieć/przypomnienie | druga/trzecia/drugi/trzeci próba/raz/wiadomość |
    nawiązuję do | bez odpowiedzi | zgodnie z obietnicą | chciałem/chciałam
    tylko/przypomnieć/zapytać/dopytać/upewnić | podbijam | wracam z | nie
    otrzymałem/otrzymałam/doczekał* | mieli państwo okazję/czas/chwilę | miał/miała pan/pani
    okazję/czas/chwilę | czy moja/poprzednia wiadomość | kontynuując
breakup: ostatni* mail/wiadomość/raz/próba/e/wiadomości | nie będę ..
    zawracać/przeszkadzać/pisać/męczyć/niepokoić | zamykam/zamknę temat/sprawę/państwa | obiecuję |
    przestaję/przestanę pisać | daję spokój | nie teraz | to ostatni*/mój | nie będę więcej/już |
    więcej nie/pisać/niepokoić | zrozumiem
offers_to_send: mogę/czy/chętnie/pozwolę ..
    wysłać/przesłać/pokazać/podesłać/przygotować/wyślę/prześlę/pokażę/podrzucę/przygotuję/przywieźć/
    zaproponować
    | wyślę/prześlę/pokażę/przygotuję/przywiozę panu/pani/państwu/wam/ci/chętnie | czy
    wysłać/przesłać/przygotować/zarezerwować | zainteresowani/zainteresowany/zainteresowana ? | czy
    chciał*/chciel* | czy to/taka/coś interesuj*/ciekaw*/dla | może .. zainteresowa* | chętnie
    prześlę/wyślę/pokażę/przedstawię/opowiem/umówię/podeślę/odpowiem | z przyjemnością |
    przedstawić/przedstawię ofertę/państwu/naszą/panu/pani | byliby/byłby/byłaby .. zainteresowan* |
    w razie zainteresowania | czy mogę/możemy/mogłbym/mogłabym | czy interes*/zainteresował*
easy_no: jeśli/jeżeli nie/to | nie są/jest zainteresowan* | proszę o krótk*/informac*/napisać |
    wystarczy tak/nie/słowo/jedno/odpisać | wypis*/rezygn* | brak zainteresowania | wystarczy
    odpowied* | nie jest to | proszę zignorować | tak lub/czy nie | jeśli temat
states_price: n_money netto/za/miesięcznie/brutto/na/od/rocznie/plus/i/sztuk* |
    od/za/tylko/już/po/do n_money | cena/ceny/koszt/stawka od/to/wynosi/stał* | n_percent
    rabatu/prowizji/zniżki | abonament | rabat* n_percent | rata/raty od | cena netto/promocyjna |
    opłat* miesięczn*
search_ranking: seo | pozycjonowani* | linki/link/linków | artykuł sponsorowany/gościnny | pierwsz*
    stron* | widocznoś* | frazy/słowa kluczowe
sells_lists: baza/bazę/bazy danych/adres*/kontakt*/firm | lista/listę uczestnik*/wystawc*/kontakt* |
    leady/lead* | nowych klientów
outsourcing: outsourc* | programist*/deweloper* | stawka/stawki godzinow*/za | tworzenie/projektowanie
    stron* | nowa strona | aplikacj* mobiln* | wordpress
lends_money: finansowani* | kredyt*/pożycz* | płynnoś* | faktoring | dotacj*/dofinansowani* |
    leasing | inwestor* | bez zabezpieczeń/bik/zaświadczeń | decyzja w/do | kapitał* obrotow* |
    oprocentowani* | limit kupiecki/faktoringowy/do
buys_business: przejęci* | inwestor*/kupując*/nabywc* | sprzedaż/sprzedaży firmy/pańs* | sukcesj* |
    wycena firmy | kupić/kupimy/odkupić/przejąć .. firm*/sklep/lokal/działk*
offers_people: kandydat* | profil/profile | od zaraz/ręki | okres wypowiedzenia | rekrutac* dla |
    pracownicy/pracowników z/tymczasow* | spawacz*/kierowc*/operator*/monter*/pielęgniar* z/od/do |
    dostępn* od/natychmiast | agencja/agencji pracy/zatrudnienia | lat doświadczenia | szuka
    nowego/nowej/nowych
asks_sponsor: sponsor* | stoisk* | wystawc* | partner* wydarz*/konferenc* | reklam* w | powierzchni*
    reklamow*/wystawiennicz* | logo na/w | pakiet* sponsorsk*/partnersk* | targi/targach
flatters_for_fee: nominowan*/nominac*/nagrod*/wyróżni* | wybran* | laur | wywiad promoc*
dear_owner: szanowni/szanowny/szanowna państwo/panie/pani/właściciel* | mam nadzieję że/iż | dzień dobry
    państwu
introduces_self: nazywam się | mam na imię | jestem
    x_name/z/właściciel*/założyciel*/przedstawiciel*/doradc* | pracuję w/jako/dla | jesteśmy
    firm*/producent*/agencj*/studi* | z firmy | z x_firm | reprezentuję | z tej strony |
    piszę/kontaktuję/dzwonię/zwracam .. imieniu | kontaktuję się | w imieniu firmy
names_clients: nasi/naszych/naszymi klienci/klientów/klientami | współpracujemy już/z | zaufali nam
    | referencj* | n_number klientów/firm/sklepów/gabinetów/szkół/hoteli | wśród naszych | zaufał*
    nam | zadowolon* klient* | właśnie zrobiliśmy/zakończyliśmy
praises: gratul* | świetn*/wspaniał*/pięk*/imponując* | brawo | podziwiam
sales_title: handlow* | przedstawiciel* | kierownik sprzedaży | doradca | opiekun klienta | specjalist*
    ds | właściciel*/założyciel* | sprzedaż*
scarcity: tylko/już/jeszcze n_number/do/dwa/trzy/kilka | ostatni* miejsca/miejsce/sztuki/dni | do
    piątku/końca/poniedziałku | zostało/zostały | ograniczon* | ostatnia szansa | liczba miejsc |
    kto pierwszy
cold_excuse: nie znamy się | nie zna mnie | przepraszam że/za | pozwalam sobie/pozwoliłem | piszę
    do/ponieważ/bo/w | znalazłem/znalazłam państwa/pana/pani | na linkedin* | zwracam się do/z |
    kieruję do | kontakt znalazłem/znalazłam/otrzymałem/otrzymałam/dostałem/dostałam | nie mieliśmy
    okazji | niezamówion*
asks_price: ile kosztuje/by/wynosi/trzeba/za/kosztował* | jaka/jaki/jakie jest/byłaby/są ..
    cena/koszt/ceny/termin* | państwa/pana/pani/wasza/wasz cen*/cennik/ofert* | wycen*/kosztorys* |
    prośba/proszę o ofertę/wycenę/cennik/przesłanie/podanie | cena za | czas/termin dostawy/realizacji |
    minimaln* zamówieni* | cennik | budżet*
asks_whether_you_do: czy mogą/mogliby/mogłaby/mógłby/możecie/może/można/mogę | czy
    mają/macie/ma/robią/robicie/wysyłają/sprzedają/jest/są/byłaby/byłoby/przyjmują/wykonują | czy da
    się | czy zgodził* | proszę o informac* czy
own_need: szukam/szukamy/potrzebuję/potrzebujemy/chciałbym/chciałabym/
    chcielibyśmy/chcemy/planujemy/mamy/kupiliśmy | moja/mój/moje/mojej/nasz/nasza/nasze
    żona/mąż/mama/tata/syn/córka/dom/kuchnia/ogród/ślub/wesele/sklep/projekt/dach |
    polecił*/poleciła/polecono | dla nas/mojej/mojego/naszego/naszej | zamówić/kupić/zarezerwować |
    interesuje mnie/nas
uses_your_product: używamy/używam/korzystam/korzystamy/kupiłem/kupiłam/kupiliśmy/zamówiłem ..
    państwa/wasz*/u | nasze/nasza/moje/moja konto/umowa/subskrypcja/zamówienie/licencja | klient* od |
    jestem klient*
job_for_you: stanowisk* | na stanowisko | szuka/poszukuje/szukamy .. na/osoby/dyrektor*/kierownik* |
    wynagrodzeni*/premi*/widełki | pana/pani/twoje doświadczenie/profil/cv | rekrutac* | poufn* | oferta
    pracy | rola/rolę/roli
applies: moje cv | aplikuj* | staż/praktyk* | list motywacyjny | ogłoszenie o | podanie o | absolwent* |
    w załączeniu cv
journalism: dziennikar* | artykuł/materiał/wywiad/reportaż/tekst o/na/dla | piszę
    artykuł/książkę/tekst/pracę | termin oddania | cytow*/cytat* | prac* magistersk*/licencjack* |
    redakc* | badani* | ankiet*
picks_up_known: zgodnie z ustaleniami/rozmową/prośbą | tak jak/jak
    ustalaliśmy/rozmawialiśmy/prosił*/obiecał*/umówi* | pana/pani/twoje/państwa/twoja
    zamówieni*/pytani*/zgłoszeni*/wiadomo*/faktur*/rezerwac*/odpowied* | dziękuj*/dzięki za |
    nasze/nasza/naszej rozmow*/spotkani*/umow* | wczoraj | w zeszłym/ubiegłym tygodniu | w
    załączniku/załączeniu | załączam/przesyłam | do zobaczenia/jutra/piątku/poniedziałku | już/właśnie
    wysłał*/zrobił*/dosta*
introduces_others: przedstawiam | w kopii/dw | poznajcie | zostawiam was | do wiadomości | przekazuję
private_life: mamo/mama/tato/tata/babci*/dziad*/ciocia/kochan*/buziaki/całusy/ściskam | urodzin* |
    weekend* | kocham | dzieci/dzieciaki | obiad/kolacj*
paperwork: faktur* | zamówieni* nr/numer/n_number | numer* | termin płatności | przelew* | rachun* |
    płatnoś*/zapłat* | hasł* | zaległ* | nip
at_work: możesz/możecie/mógłbyś/mogłabyś | proszę
    sprawdź/sprawdzić/potwierdzić/podpisać/zatwierdzić/przesłać/pamiętać | zebrani* | protokół | grafik
    | do piątku/jutra/poniedziałku | daj znać | dajcie znać | jestem/będę chor*/spóźni*/w | spotkanie o
reports_fault: awari* | błąd/błęd* | nie działa | zepsut* | reklamac* | usterk* | brakuje/brak | opóźni*
    | uszkodz*
not_selling: nic nie sprzedaję | nie sprzedaję | wolontari*
you_subscribed: otrzymuj* ten/tę/tego | newsletter* | wypisz/wypisać/zrezygnować | pana/pani/twoja/twoje
    subskrypc*/konto/abonament | witamy w | numer n_number | nie odpowiadać
membership: stowarzyszeni* | członk*/członek | wspólnot* | walne | zapis* | wolontari* | klas* | szkoł*
    | rodzic* | darowizn*
authority: urząd*/urzęd* | skarbow* | zus | kontrol* | zezwoleni*/pozwoleni* | sąd* | termin do | ustaw*
    | podat*
customer_care: państwa/pana/pani umow*/konto/plan/pakiet/polis* | przedłuż*/odnowi* | konserwac*/serwis*
    | zmiana/podwyżka cen/ceny | opiekun
"""
