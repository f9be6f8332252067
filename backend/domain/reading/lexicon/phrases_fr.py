"""What pitches and ordinary mail say, in French: one finding a paragraph (see `backend.domain.reading.phrases`)."""

PHRASES = """
asks_call: n_number minute/minutes/min/mn | quart d heure | demi heure | bref/court/rapide/petit
    échange/appel/entretien/point | échanger/échange .. minutes/semaine/téléphone/vive/quelques | seriez
    vous/serais tu disponible/ouvert/libre/partant | auriez vous/aurais tu ..
    minutes/temps/disponibilité | un créneau/rendez | convenir d/un | prendre rendez | dans mon agenda |
    vous appeler/rappeler/rencontrer/passer | puis je vous appeler | café | la semaine prochaine | dispo
offers_free: gratuit* | sans engagement/frais/obligation/contrepartie | offert/offerte/offerts | ne vous
    coûte/coûtera rien | à nos frais | zéro engagement | aucun engagement/frais | essai
what_we_do: nous aidons/accompagnons/proposons/fournissons/fabriquons/développons/
    louons/vendons/faisons/réalisons/travaillons/gérons/sommes/intervenons/
    concevons/livrons/assurons/imprimons/nettoyons/recrutons/plaçons/avons/produisons | je
    propose/vends/représente/accompagne/loue/fabrique/aide/restaure/conçois/développe/place | notre/nos
    outil/logiciel/plateforme/solution/solutions/agence/service/services/
    équipe/produit/entreprise/atelier/usine/clients/offre/système | x_firm
    est/aide/propose/permet/fait/accompagne/réduit/automatise/lit/gère | on aide/fait/propose/fabrique
others_like_you: entreprises/sociétés/équipes/cabinets/structures/boutiques/pme/hôtels/
    établissements/confrères comme la/vous/votre/le | similaires | de votre
    taille/secteur/région/ville/quartier | dans votre secteur/région/ville/quartier/rue | vos
    voisins/concurrents/confrères | chez vos/votre
claims_result: de n_percent | n_percent de/d/moins/plus/en | jusqu à/au n_percent/n_money/n_number |
    rédui* .. n_percent/n_number/n_money | économis* .. n_percent/n_money/n_number | passer/passé/passés
    de | gagn* .. n_number/n_percent/heures | en n_number jours/semaines/heures | deux fois | moitié
noticed_you: j ai vu/lu/remarqué/découvert/constaté/entendu/écouté/compté/visité | vu/lu/remarqué
    que/votre/vos | en regardant/passant/lisant/parcourant/cherchant | votre
    article/interview/site/page/annonce/offre/conférence/podcast/vitrine/boutique/post/note | vous
    recrutez/ouvrez/cherchez/développez/lancez | félicit*/bravo | tombé sur | je suis passé*
right_person: bonne personne | bon interlocuteur/contact | qui s occupe/gère/décide | en charge |
    responsable de/du/des | la personne qui/en | vers qui | transmettre/transférer à | interlocut*
bump: relance* | relancer | je reviens vers | je me permets/permettais de/d | mon
    dernier/précédent/premier/mail/message/courriel | sans/pas retour/réponse/nouvelles/eu | avez
    vous/as tu pu/eu/vu/reçu/lu | je vous/t ai/avais écrit/envoyé/adressé | suite à mon/mes |
    petit/dernier rappel | deuxième/troisième tentative/essai/message | pris connaissance | remonter | j
    insiste | toujours intéressé*/d | comme promis
breakup: dernier/dernière mail/message/courriel/essai/fois/relance | n insiste/insisterai/insiste | ne
    vous/te dérange*/relance*/embête*/écrir*/importun* | clos/ferme/referme/archive/clore/fermer
    votre/le/ce/mon dossier | je m arrête/arrêterai | promis | laisse tranquille | j en conclus |
    mauvais moment | sans réponse de
offers_to_send: puis je/voulez vous/souhaitez vous/veux tu/puis | je peux/pourrais/vous
    envoie/envoyer/montrer/faire/passer/prépare/préparer/propose/proposer/
    apporte/apporter/chiffrer/offrir | je vous/t
    envoie/adresse/montre/propose/prépare/fais/apporte/offre/garde/réserve | vous
    envoyer/montrer/faire/présenter/adresser/proposer/transmettre/préparer/
    apporter/offrir/chiffrer/réserver | intéressé*/intéresse/partant/tenté* ? | ça vous/t
    dit/intéresse/tente/parle | cela vous intéresse*/intéresserait/parle | devis gratuit/sous
easy_no: pas intéressé*/concerné*/le/de | si ce n/cela n/ça ne/vous n/non | un simple oui/non/mot/retour
    | dites le/moi/non | répondez stop/non/oui/simplement | désinscri*/désabonn* | sans rancune | même
    un non | pas de souci
states_price: n_money ht/par/pour/le/la/l/ttc/tout/net/mois/mensuel/et/fixe/pièce | à partir de |
    dès/à/pour/de/seulement n_money | tarif/prix/coût fixe/dégressif/de/est | n_percent de
    remise/réduction/commission/honoraires | forfait*
search_ranking: seo | référencement | backlink*/liens | article invité/sponsorisé | première page |
    visibilité | mots clés | netlinking
sells_lists: fichier* | base de données/contacts/prospects | liste des/de
    participants/exposants/contacts | leads | prospects qualifiés | rendez vous qualifiés | prospection
outsourcing: externalis* | offshore/nearshore | taux horaire/journalier | création/refonte de/du/site |
    développeurs dédiés | wordpress | application mobile | madagascar/maroc/tunisie
lends_money: financement* | crédit*/prêt* | trésorerie | affacturage | levée | subvention* | leasing
buys_business: cession | repreneur*/acquéreur* | rachat | reprise | transmission | céder | acquisition |
    vendre votre | investisseur*
offers_people: candidat* | profil/profils | cv anonym* | préavis | honoraires | intérim* |
    disponible/disponibles immédiatement/de/dès/tout | placement
asks_sponsor: sponsor*/sponsoring | stand | exposant* | partenaire de/du/officiel | mécén* | encart |
    prise de parole
flatters_for_fee: nominé*/nommé* | prix/trophée*/palmarès/distinction | lauréat* | portrait de |
    sélectionné* | publireportage
dear_owner: madame monsieur | cher/chère client*/propriétaire/équipe/confrère | j espère que/qu | à qui
    de | bonjour à vous
introduces_self: je m appelle | je suis
    x_name/le/la/commercial*/fondat*/chargé*/consultant*/responsable/directeur*/directrice/gérant* | je
    dirige/travaille/représente/gère | nous sommes une/un/des/n_number | chez x_firm | de x_firm | de la
    société | je me présente
names_clients: nos clients/références | clients comme/tels/parmi | référence* | déjà
    n_number/clients/équipé*/accompagné* | n_number clients/entreprises/cabinets/écoles/hôtels/équipes
    utilisent/nous/ont | nous font confiance
praises: bravo | félicit* | superbe*/magnifique*/formidable/impressionn* | beau travail | j ai
    adoré/aimé
sales_title: commercial* | chargé*/responsable d/de/du affaires/clientèle/développement/partenariats |
    business developer | ingénieur commercial | gérant*/fondateur/fondatrice | directeur commercial |
    consultant*
scarcity: plus que | dernières/derniers/dernière/reste/restent places/place/n_number/jours/plage* |
    jusqu au/à vendredi/fin | avant vendredi/fin/le | offre valable
cold_excuse: vous ne me/nous connaissez | pardon/désolé* de vous | excusez moi de/d | je me permets | je
    vous écris/contacte/sollicite car/parce/pour/au | trouvé votre/vos/sur | sur linkedin | pas encore
    rencontr*
asks_price: combien | quel/quels/quelle est/sont/serait/seraient .. tarif*/prix/délai*/honoraire*/coût |
    vos/votre tarif*/prix/devis/honoraires/catalogue/conditions/délais | un/le/demande devis/de |
    budget* | chiffrage | prix pour/de/d | tarifs revendeur*/professionnel* | délai de livraison |
    quantité minimum | catalogue
asks_whether_you_do: pourriez vous/pouvez/pourrais/peux | accepteriez vous | seriez vous prêt*/d/en |
    est il/ce possible/que | avez vous/auriez encore/de/des/un/une/en/la | faites/livrez/prenez/proposez
    vous | serait il possible | est ce que vous | aimeriez vous | connaissez vous
own_need: nous/je cherchons/recherchons/aimerions/souhaitons/voudrions/voudrais/souhaite/
    souhaiterais/cherche/recherche/aimerais/avons/venons/envisageons/prévoyons/ai | mon/ma/mes
    mari/femme/frère/sœur/mère/père/fils/fille/maison/jardin/cuisine/toit/atelier/chaudière | notre
    maison/mariage/cuisine/jardin/fils/fille/projet/école/association/toiture/fournisseur |
    recommandé*/conseillé* | m a/ont parlé/donné/conseillé/recommandé/dit | votre nom m |
    commander/acheter/réserver | intéressé* par vos/votre
uses_your_product: nous/j/on utilisons/utilise/avons/ai/achetons/commandons .. votre/vos/chez |
    notre/mon compte/contrat/abonnement/commande/licence | client* chez/depuis/fidèle | numéro client
job_for_you: poste de/d/à/basé/en | le/un/ce poste | recherche un/une/son/sa |
    salaire/rémunération/package/fixe | cdi | cabinet de recrutement | votre parcours/profil/cv |
    opportunité | confidentiel* | mandaté*
applies: ma candidature | mon cv | lettre de motivation | stage/stagiaire/alternance/apprentissage |
    postul* | diplôm* | je suis étudiant* | votre annonce/offre d
journalism: journaliste* | article/sujet/reportage/émission/enquête/entretien/interview sur/pour/de | je
    prépare/écris/réalise | bouclage/diffusion | citer/citation*/citations | mémoire/thèse | doctorant*
    | rédaction | interview*
picks_up_known: comme convenu/promis/demandé/prévu/discuté/d/indiqué | votre/ta/vos/ton
    commande/demande/facture/réservation/message/mail/question/réponse/
    candidature/inscription/dossier/retour/visite/appel | merci/remerci* pour/de/d | notre/nos
    échange/rendez/conversation/entretien/contrat/appel/réunion/dernier | hier | la semaine dernière |
    ci joint | en pièce | à demain/vendredi/lundi/mardi/bientôt | suite à votre/ta/notre | j ai bien
    reçu | bien reçu | voici le/la/les
introduces_others: je vous/te présente | en copie | mets en relation/contact | je transfère | pour info
    | vous laisse
private_life: maman/papa/mamie/papi/tata/tonton/chéri*/bisous/bises/bisou | anniversaire | week end |
    apéro | je t embrasse/aime | les enfants | dîner
paperwork: facture* | commande n/no/numéro | numéro de | échéance* | virement | règlement | relevé |
    dossier n/no/numéro/n_number | reçu | identifiant* | mot de passe | impayé* | acompte
at_work: peux tu/pouvez vous/peut on | merci de me/bien/nous/confirmer/valider/signer/vérifier | à
    valider/signer | compte rendu | réunion | planning | avant vendredi/lundi/mardi/jeudi | je
    suis/serai absent*/en/malade | dis moi | dites moi si/quand | conseil d
reports_fault: panne* | erreur* | bug | défaut* | ne fonctionne/marche | cassé* | réclamation* | manque*
    | retard* | litige | fuite*
not_selling: rien à vendre | ne vends rien | bénévol* | pas de rémunération
you_subscribed: vous recevez ce/cet/cette | newsletter | se/vous désinscrire/désabonner | dans votre
    navigateur | votre abonnement/essai/compte/espace | bienvenue chez/sur | numéro n_number | lettre d
    information | ne pas répondre
membership: association | adhérent*/adhésion | assemblée générale | conseil | ordre du jour |
    inscription* | bénévole* | parents | classe | copropriété | don
authority: impôts | mairie | préfecture | urssaf | contrôle | inspection | permis | tribunal |
    réglement* | mise en conformité | cotisation*
customer_care: votre contrat/compte/abonnement/forfait/équipe/espace | renouvel* | maintenance |
    hausse/évolution de | intervention | votre conseiller/interlocut* | avenant
"""
