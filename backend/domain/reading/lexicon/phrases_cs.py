"""What pitches and ordinary mail say, in Czech: one finding a paragraph (see `backend.domain.reading.phrases`)."""

PHRASES = """
asks_call: n_number minut/minuty/min | čtvrthodin* | půlhodin*/půl hodiny | krátk*
    hovor*/schůzk*/telefonát*/rozhovor*/ukázk* | mohu/můžu vám/se .. zavolat/stavit/přijet | zavolám
    | měl/měla/máte/našel/našla .. čas/chvil*/minut*/byste | příští týden | domluvit
    schůzku/termín/se | sejít/sejdeme/potkat | káv*/kafe | hodí se/vám | hodilo by | v kalendáři |
    popovídat | deset/patnáct/dvacet/třicet minut | mohli bychom se | zavoláme si |
    zastavit/zastavím se | osobní/online schůzk* | kdy by se/vám | kdy se vám | probrat
    to/osobně/telefonicky | domluvíme/domluvme se/si | volný termín
offers_free: zdarma | nezávazn* | bezplatn* | bez závazk*/poplatk*/rizika | nic vás nestojí | nic
    nestojí/neplatíte | zkušební | na naše náklady | první měsíc/konzultac*/hodin* | zkušební
    období/verz*/provoz/lekc* | úvodní konzultac* | nezaplatíte nic | nic neplatíte | platíte až/jen
    | dárek
what_we_do:
    pomáháme/nabízíme/dodáváme/vyrábíme/vyvíjíme/pronajímáme/prodáváme/zajišťujeme/děláme/jsme/
    tiskneme/uklízíme/spravujeme/navrhujeme/stavíme/dovážíme/řešíme/máme/zprostředkováváme/pracujeme
    | pomáhám/nabízím/prodávám/zastupuji/vyrábím/pronajímám/dělám/zajišťuji |
    náš/naše/naši/našeho/naší/našich
    nástroj*/platform*/software/řešen*/agentur*/firm*/služb*/tým*/produkt*/továrn*/systém*/zákazn*/
    aplikac*
    | x_firm je/pomáhá/nabízí/dělá/umožňuje/čte | specializujeme/specializuji se | zabýváme/zabývám
    se | zaměřujeme/zaměřuji se | věnujeme/věnuji se |
    poskytujeme/poskytuji/realizujeme/instalujeme/montujeme/opravujeme/financujeme/pojišťujeme/
    zastupujeme/školíme/připravujeme/pořádáme/hledáme/doručujeme/přepravujeme
    | specialist* na | výrobce/dodavatel/dovozce | naše/naší nabídk*/společnost*
others_like_you: firm*/obchod*/tým*/ordinac*/kancelář*/hotel*/restaurac*/klient*/škol* jako
    je/jste/vaše/vy/ta | podobn* firm*/velikost*/podnik* | ve vašem/vaší
    oboru/okolí/regionu/městě/ulici | vaši sousedé/konkuren* | u sousedů | firem/firmám/firmy
    vaší/vašeho/v | další/jiné/jiným/ostatní firmy/firmám/obchody/ordinace/školy | stejném/stejného
    oboru | vaši kolegové/konkurenti
claims_result: o n_percent | až n_percent/n_number/n_money/o | n_percent
    méně/více/levněji/rychleji/nákladů | ušetř*/úspor* .. n_percent/n_money/n_number/hodin |
    sníž*/zkrát* .. n_percent/n_number | z n_number na n_number | za n_number dní/dnů/týdn*/hodin* |
    polovin* | dvakrát | ušetř*/šetř* čas/peníze/náklad* | zvýš* .. n_percent/tržb*/obrat* |
    více/víc než n_percent/n_number | v průměru | nárůst/pokles o | levnější/rychlejší než
noticed_you: všiml/všimla jsem |
    narazil/narazila/četl/četla/viděl/viděla/našel/našla/slyšel/slyšela/projížděl/koukal jsem | jsem
    viděl/četl/narazil/našel/viděla/četla/slyšel | na vaše/vašem/vašich/váš/vaši
    web*/stránk*/článek/inzerát/e | váš/vaše/vaši
    článek/web/inzerát/přednášk*/obchod/rozhovor/výloh* | hledáte/rozšiřujete/otevíráte/nabíráte |
    gratul* | zaujal* | zaujal/zaujala/zaujalo/zaujaly mě/nás | sleduji/sledujeme vás/vaši/váš |
    procházel/prohlížel/prohlédl/prohlédla jsem/si | koukám/vidím že
right_person: správn* osob*/člověk* | kdo .. starosti/řeší/rozhoduje/stará/vybírá |
    odpovědn*/zodpovědn* osob*/za | jste to vy | na koho | přeposlat/předat | správný/správného
    kontakt | kdo u vás | kdo má na | kompetentní | mohl* byste mě odkázat/nasměrovat | rozhodujete
    vy
bump: navazuji na | vracím se | předchozí* e/mail*/zpráv* | můj/moje/mého/mé/mou
    poslední*/předchozí*/první*/mail/e/zpráv* | psal/psala jsem | jsem vám/ti
    psal/psala/poslal/poslala | stihl/stihla/měl/měla/podíval jste/čas | neozval*/nedostal* | bez
    odpovědi | připomínám/připomenout/připomínka | znovu/ještě jednou | druhý/třetí pokus/e/zpráva |
    ozývám se | jak jsem slíbil* | chtěl/chtěla jsem se/jen/ještě | jen se/krátce
    připomín*/ptám/hlásím | reaguji na | nemám od | měl/měla jste možnost/příležitost | podařilo se
    vám | dorazil/dorazila vám | ozývám se znovu
breakup: poslední e/mail/zpráva/pokus/zprávu | nebudu .. obtěžovat/rušit/psát/otravovat |
    uzavírám/uzavřu/zavírám | slibuji | přestanu/přestávám psát | dám/nechám vám/vás | teď ne |
    naposledy | už vás/vám nebudu/nechci | víc/více psát/rušit/otravovat | neozvete se/li | chápu že
offers_to_send: mohu/můžu/mám/rád/ráda/smím ..
    poslat/zaslat/ukázat/poslal/poslala/připravit/přivézt/ukázal*/pošlu/předvést/nabídnout |
    pošlu/ukážu/připravím/přivezu/zašlu vám/ti/rád/ráda | chcete/chtěl*/chtěli ..
    vidět/vyzkoušet/poslat/vědět/ukázk* | mám vám | měli byste zájem | máte zájem |
    zajímá/zajímalo/zaujalo vás/by | rád/ráda/rádi vám/bych/pošlu/představím/předvedu/ukážeme |
    zašleme/připravíme/přivezeme/ukážeme/nabídneme vám | v případě zájmu | máte li zájem | měl/měla
    byste zájem | mohlo/mohla by vás/vám | představil* bych | stačí se ozvat
easy_no: pokud ne/nemáte/to/vás/není | nemáte zájem | stačí ano/ne/slovo/jedno/odepsat/napsat |
    napište ne/ano | odhlás*/odhlaš* | bez zájmu | není to pro | nebudete/nemáte li | odpovězte
    ano/ne/jedním | nepřejete si | klidně napište/řekněte
states_price: n_money za/měsíčně/bez/s/na/ročně/plus/a/kus/dph | od/za/jen/už/pouze/po n_money |
    cena/ceny/náklady/sazba od/je/pevná | n_percent sleva/slevu/provize | paušál* | měsíční
    splátk*/poplatek/paušál | splátk*/úrok* od | sleva n_percent | cena od/jen/pouze
search_ranking: seo | optimaliz* | zpětn* odkaz* | pr článek | první stránk*/stran* | viditelnost |
    klíčov* slov*
sells_lists: databáz* | seznam účastník*/vystavovatel*/kontakt* | leady/leadů | nových
    zákazník*/zákazníky | poptávk*
outsourcing: outsourc* | programátor*/vývojář* | hodinov* sazb* | tvorba/tvorbu/nový web*/stránek/e |
    mobilní* aplikac* | wordpress
lends_money: financován* | úvěr*/půjč* | cash flow | faktoring | dotac* | leasing | investor* | bez
    ručitele/zajištění/doložení | provozní* kapitál*/financov* | kontokorent* | schválen* do |
    refinancov*
buys_business: převzet* | investor*/kupec/kupce/kupující* | prodej firmy/vaší/podniku | nástupnictv*
    | odkup*/odkoup* | koupit vaši/váš/vaše | investov* do | rádi bychom koupili
offers_people: kandidát*/uchazeč* | profil/profily | okamžitě/ihned k | výpovědní lhůt* | nábor pro
    | agenturní* | pracovník* | volné/volných kapacit* | personální agentur* | zkušen*
    svářeč*/řidič*/programátor*/účetní/elektrikář* | zahraniční* pracovník* | hledá
    práci/novou/místo | k dispozici od/ihned/okamžitě
asks_sponsor: sponzor* | stánek/stánku | vystavovatel* | partner* akce/konference | inzerc* |
    reklamní* ploch*/prostor* | logo na | veletrh*/veletržní | partnersk* balíč*
flatters_for_fee: nominac*/nominov*/ocenění/cena/oceněn* | vybrán* | titul | placen* rozhovor
dear_owner: vážený/vážená/vážení pane/paní/majiteli/zákazníku/obchodní/přátelé | dobrý den přeji |
    doufám že
introduces_self: jmenuji se | mé jméno je | jsem x_name/z/majitel*/zakladatel*/obchodní/zástupce |
    pracuji v/pro/jako | jsme firma/výrobce/rodinn*/studio/agentura/malá | z firmy | z x_firm |
    zastupuji | představit/představil naši/se/vám/bych | volám/píšu z | zde/tady x_name | mám na
    starosti
names_clients: naši/našich/našimi klienti/klientů/zákazníci/zákazníků | již/už
    spoluprac*/pracujeme/používá | reference/referenc* | n_number
    klientů/firem/obchodů/ordinací/škol/hotelů | mezi naše/našimi klient*/zákazník* | pro
    firmy/společnosti jako | spokojen* klient*/zákazník* | už máme/nám
praises: gratul* | skvěl*/krásn*/úžasn*/nádhern* | obdivuji | klobouk dolů | moc se mi
sales_title: obchodní | zástupce | obchodník | business development | konzultant* |
    majitel*/jednatel*/zakladatel* | prodej*
scarcity: jen/jenom/už/ještě n_number/do/dvě/tři | poslední místa/kusy/dny | do pátku/konce/pondělí
    | zbývá/zbývají | omezen* | časově omezen* | poslední volné/volná/volný/šance | do vyprodání
cold_excuse: neznáme se | neznáte mě | omlouvám se že/za | dovoluji/dovolil* si | píši/píšu
    vám/protože/kvůli | našel/našla jsem váš/vás/vaši | na linkedinu | promiňte že | kontakt na vás
    | obracím/obracíme se na | oslovuji/oslovujeme vás | získal/dostal jsem kontakt/tip/vaše |
    nevyžádan*
asks_price: kolik stojí/by/to/bude/stál* | jaká/jaký/jaké je/by/jsou/máte .. cen*/termín* |
    vaše/vaši/váš cen*/ceník/nabídk* | nabídku na | poptáv* | cenov* nabídk* | prosím/prosíme o
    nabídku/cenu/kalkulac*/zaslání | dodací lhůt*/termín | minimální* objednáv*/odběr | ceník | rozpočet
asks_whether_you_do: můžete/mohl/mohla/mohli/mohou/můžeš byste/mi/nám/by/prosím | máte/měli/nemáte
    volno/volný/ještě/byste/skladem/také/nějak* | děláte/prodáváte/posíláte/dodáváte/berete/vyrábíte |
    je/bylo by možné | šlo by | byl* byste ochot*
own_need: hledám/hledáme/potřebuji/potřebujeme/chtěl/chtěla/chtěli/rád/rádi/
    sháním/sháníme/plánujeme/koupili/máme | moje/můj/naše/náš
    manžel*/maminka/táta/syn/dcera/dům/kuchyň/zahrada/svatba/obchod/střecha/projekt |
    doporučil*/doporučen* | pro nás/naši/náš/mou/mého | objednat/koupit/rezervovat/zakoupit | zajímá
    mě/nás
uses_your_product: používáme/používám/využíváme/koupil/koupili/koupila/objednal .. váš/vaše/vaši/od |
    náš/naše/můj/moje účet/smlouva/předplatné/objednávka/licence | zákazník/zákazníkem od | jsem
    zákazník
job_for_you: pozice/pozici | na pozici | hledá/hledají/hledáme .. na/pro/ředitel*/vedouc* |
    mzda/mzdu/plat/bonus/odměn* | vaše/vaši/tvoje zkušenost*/profil/životopis | výběrové* řízení |
    důvěrn* | pracovní nabídk*/příležitost* | role/roli
applies: můj/mého životopis* | životopis* | ucházet/ucházím | stáž/praxe/brigád* | motivační dopis |
    inzerát na | absolvent* | přihlášk*
journalism: novinář* | článek/reportáž/rozhovor/text/pořad o/pro/na | píši/píšu článek/knihu/práci/text
    | uzávěrk* | citov*/citac* | diplomov*/bakalářsk* | redakc* | výzkum* | dotazník*
picks_up_known: jak jsme/jste se/si domluvil*/mluvil*/řík*/psal*/slíbil* | dle/podle domluvy/dohody |
    vaše/vaši/tvoje/vaší/tvůj objednávk*/dotaz*/faktur*/zpráv*/žádost*/rezervac*/odpověď*/přihlášk* |
    děkuj*/díky/dík za | naše/naši/našeho schůzk*/smlouv*/hovor*/jednání | včera | minulý týden | v
    příloze | posílám/přikládám/zasílám | uvidíme se | zítra v | na shledanou v | už jsem/jsme ..
    poslal*/udělal*/dostal*
introduces_others: představuji | v kopii | seznam*/propojuji | nechám vás | pro informaci | přeposílám
private_life: mami/mamka/maminka/tati/taťka/babi*/děda/teta/miláčku/zlato/pusu/pa/papa | narozenin* |
    víkend* | mám tě | děti/kluci/holky | večeře/oběd v/u
paperwork: faktur* | objednávk* č/číslo/n_number | číslo | splatnost* | převod* | doklad*/účtenk* |
    platb*/úhrad* | heslo/hesla | upomínk* | ičo/dič
at_work: můžeš/můžete/mohl bys | prosím
    zkontrolu*/potvrď*/podepi*/schval*/pošli*/pošlete/dej*/nezapomeňte | porada/poradu/schůze | zápis |
    rozpis/směn* | do pátku/zítra/pondělí | dej/dejte vědět | jsem/budu nemoc*/pozdě/na | schůzka v
reports_fault: poruch*/porouchan* | chyb* | nefunguje/nejde | rozbit* | reklamac* | závad* | chybí |
    zpožděn* | poškozen*
not_selling: nic neprodávám | neprodávám | dobrovoln*
you_subscribed: dostáváte/dostáváš tento | newsletter* | odhlásit/odhlášení | vaše/vašeho/tvoje
    předplatné/účet/členství | vítejte v | číslo n_number | neodpovídejte
membership: spolek/spolku/sdružení | člen*/členství | svj | valná hromada/schůze | přihláš* | dobrovoln*
    | tříd* | škol* | rodič* | dar/sbírk*
authority: úřad*/úřed* | finanční* | čssz | kontrol* | povolení | soud* | lhůt* | zákon* | daň*/daně
customer_care: vaše/vaši/váš smlouv*/účet/tarif/balíček/pojistk* | prodlouž*/obnov* | údržb*/servis* |
    změna/zvýšení cen/ceny | váš poradce/správce
"""
