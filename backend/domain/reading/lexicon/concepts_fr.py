"""French words by what they are about (see `backend.domain.reading.concepts`); * stands for any ending."""

CONCEPTS = """
we: nous on
our: notre nos
i: je j moi
my: mon ma mes
you: vous tu te toi
your: votre vos ton ta tes
offer: offr* propos*
help: aid* accompagn*
sell: vend* fournis*
make: fabriqu* dévelop* concev* produis* cré*
rent: lou* locat*
buy: achet* achat* acquér*
order: command*
price: prix tarif* coût* coût
quote: devis
free: gratuit* offert offerte
discount: remise* réduction* économi*
call: appel* télépho* coup fil
meet: rencontr* rendez-vous visite* café passer
talk: parl* discut* échang*
minutes: minut*
schedule: agenda créneau* disponib*
weekdays: lundi mardi mercredi jeudi vendredi
soon: semaine mois prochain* demain
past: hier dernier* dernière* précédent* déjà
demo: démo* présent*
trial: essai* essay* pilote test*
sample: échantillon*
audit: audit* analyse* diagnostic* bilan
report: rapport* liste*
send: envoy* adress* transmet*
show: montr* voir regard*
reply: répon* retour* revenir
question: question* demand* savoir curieu*
interested: intéress* pertinent*
need: besoin* nécess* faut doit
want: voudr* souhait* aimer* veu*
can: peu* pourr* puis
increase: augment* croiss* améliorer plus
reduce: rédui* moins baiss* évit*
customers: client* utilisat*
company: entreprise* société* boîte*
teams: équipe*
similar: similaire* comme comparable*
boss: dirigeant* directeur* directrice* gérant* fondat* responsable*
website: site page* internet web
google: google seo référenc* trafic visibilité
leads: prospects leads ventes chiffre commercia*
marketing: marketing publicit* campagne*
software: logiciel* outil* plateforme* appli* ia
service: service* solution* agence* prestation* cabinet
developers: développeurs ingénieurs externalis*
contacts: fichier contacts base adresses
candidate: candidat* profil*
job: poste* emploi* offre rôle carrière
hire: recrut* embauch* chasseur recherche
salary: salaire* rémun* fixe variable
apply: candidature cv stage postul*
press: journaliste article* interview* entretien journal rédaction
research: étude* enquête* recherche université étudiant* mémoire
invoice: facture* paie* règl* virement échéance
contract: contrat* sign* convention accord
delivery: livrais* livr* expéd* colis
ticket: ticket dossier référence demande
account: compte mot passe connexion accès sécurité
subscription: abonnement newsletter adhésion renouvel* édition
insurance: assuranc* assur*
loan: prêt* financ* crédit* capital invest*
energy: énergie électricité gaz solaire
premises: bureau* locaux bâtiment* immeuble* nettoyage ménage
machine: machine* équipement* pièces usine* matér* stock
sponsor: sponsor* stand expos*
event: événement* conférence* salon webinaire* invit* table
partner: partenair* partenariat collabor* ensemble commission
acquire: reprise cession acquéreur* rachat transmission repreneur*
family: maman papa enfants fils fille mari femme mamie anniversaire bises
school: école classe élève* parents prof*
thanks: merci remerci*
sorry: désolé* excus* pardon
please: plaît merci prière
hope: espér*
followup: relanc* rappel* reviens revenir suite nouveau
giveup: derni* arrêt* ferm* insist* dérang*
noticed: vu remarqué tombé lu découvert constaté
mutual: recommand* conseillé présenté donné dit part
agreed: convenu discuté demandé promis confirm*
attached: joint* jointe pièce ci-joint
problem: problème* erreur* panne bug
optout: désinscri* désabonn*
rightperson: responsable bonne personne interlocut* charge
quick: rapid* bref court* vite
obligation: engagement obligation risque garanti*
experience: expérience* ans certifi* spécial* expert* leader
casestudy: référence* exemple* résultat* étude cas
hello: bonjour madame monsieur salut cher chère
buyerask: catalogue grossiste minimum délai*
customerof: utilise* utilisons acheté commandé
home: maison cuisine jardin toit voiture chien
health: médecin patient* cabinet clinique santé
authority: impôt* mairie préfecture administration tribunal
legal: avocat* juridique loi rgpd conformité
"""
