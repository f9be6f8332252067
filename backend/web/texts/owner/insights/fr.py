"""French."""

TEXTS: dict[str, str] = {
    "title": "Bilan",
    "span": "Les 13 dernières semaines, depuis le {since}.",
    "nothing": "Rien n’a encore été retenu. Dès qu’une offre arrive, cette page se remplit.",
    "sum_held": "offres retenues",
    "sum_minutes": "minutes gagnées",
    "sum_precision": "retenues à raison",
    "sum_precision_sure": "retenues à raison (de {low} à {high})",
    "weeks": "Offres retenues par semaine",
    "weeks_drawn": "Barres : offres retenues par semaine et, parmi elles, celles admises plus tard. Les "
    "mêmes chiffres figurent dans le tableau ci-dessous.",
    "still_held": "retenues",
    "let_in": "admises plus tard",
    "as_table": "Sous forme de tableau",
    "week_of": "Semaine du",
    "of_these_let_in": "admises plus tard",
    "minutes": "Minutes gagnées",
    "minutes_formula": "({held} retenues − {let_in} admises plus tard) × {seconds} secondes = {minutes} "
    "minutes.",
    "minutes_note": "Qu’une offre coûte 30 secondes à lire et à jeter est notre hypothèse. Le temps que "
    "vous passez ici n’est pas déduit.",
    "precision": "Combien de fois c’était juste",
    "precision_text": "Sur {held} messages retenus, vous en avez admis {wrong} vous-même : {share} sont "
    "restés où nous les avions mis ou ont été admis grâce à leur expéditeur.",
    "precision_interval": "Avec ce nombre de messages, la vraie part se situe entre {low} et {high} (95 %, "
    "intervalle de Wilson).",
    "precision_none": "Rien n’a été retenu, il n’y a donc rien à évaluer.",
    "missed_one": "{count} message est passé au travers et a été retenu par vous.",
    "missed_other": "{count} messages sont passés au travers et ont été retenus par vous.",
    "precision_note": "Un message que vous n’avez jamais regardé compte comme retenu à raison. Libérez ce qui "
    "était faux, et le chiffre dira vrai.",
    "senders": "Qui envoie le plus",
    "sender": "Expéditeur",
    "funnel": "Ce que sont devenus les liens",
    "step": "Étape",
    "links": "Nombre",
    "funnel_sent": "Envoyés",
    "funnel_begun": "Page utilisée",
    "funnel_solved": "Vérification réussie",
    "funnel_bounced": "Revenus sans être remis",
    "funnel_regretted": "Expéditeur admis par vous-même",
    "funnel_note": "Ouvrir un lien ne compte pas : les antivirus de messagerie en ouvrent aussi. Une page "
    "compte comme utilisée quand quelqu’un y fait quelque chose.",
    "funnel_none": "Aucun expéditeur n’a encore reçu de lien en réponse.",
}
