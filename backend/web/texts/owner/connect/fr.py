"""French."""

TEXTS: dict[str, str] = {
    "landing_title": "Du courrier sans les offres",
    "landing_h": "Votre boîte de réception, sans les offres commerciales",
    "landing_lead": "Pitchgate lit le nouveau courrier quelques secondes après son arrivée, retient ce "
    "qu’un inconnu veut vous vendre et laisse entrer quiconque prend un instant pour vous.",
    "connect": "Connecter Gmail",
    "first_look": "Vous pouvez d’abord voir ce qu’il ferait : une nouvelle boîte ne reçoit que des "
    "libellés, rien n’est retenu tant que vous ne le dites pas.",
    "picture_invoice": "Re: la facture",
    "picture_pipeline": "300 % de clients en plus",
    "picture_lunch": "Déjeuner jeudi ?",
    "picture_cooperation": "Collaboration",
    "picture_inbox": "réception",
    "picture_held": "retenu",
    "picture_passed": "vérifié",
    "step_1_h": "Il retient",
    "step_1": "Un petit modèle sur ce serveur juge chaque message de personnes à qui vous n’avez jamais "
    "écrit. Une offre quitte la boîte de réception et reçoit un libellé. Vous la retrouvez là, sur votre "
    "téléphone aussi.",
    "step_2_h": "Il répond",
    "step_2": "Si vous le voulez, l’expéditeur reçoit une réponse polie avec un lien. Derrière, une "
    "vérification qui coûte un instant à son ordinateur, et davantage à chaque fois.",
    "step_3_h": "Il laisse entrer",
    "step_3": "Qui la réussit arrive dans votre boîte de réception et gagne quelques crédits pour la "
    "suite. Personne n’est exclu pour toujours.",
    "does_h": "Ce qu’il fait",
    "does_1": "Laisse toujours en paix le courrier des personnes à qui vous avez écrit.",
    "does_2": "Laisse à Gmail les lettres d’information, les reçus et le courrier des machines.",
    "does_3": "Dit pour chaque message pourquoi il a été retenu ou admis.",
    "does_4": "Défait tout : libérer, autoriser, mettre en pause, déconnecter.",
    "does_5": "Laisse le courrier dans la boîte de réception au moindre doute.",
    "never_h": "Ce qu’il ne fait jamais",
    "never_1": "Supprimer un message.",
    "never_2": "Garder le texte de vos messages, ou l’envoyer au modèle d’un autre.",
    "never_3": "Entraîner un modèle général avec votre courrier.",
    "never_4": "Répondre à des gens que vous connaissez, à des listes ou à des machines.",
    "never_5": "Pister qui que ce soit : ni pixels, ni tiers, ni publicité.",
    "connect_lead": "Google demande de quel compte il s’agit et ce que Pitchgate peut y faire. Cochez "
    "toutes les cases ; vous pouvez le retirer à tout moment.",
    "google": "Continuer avec Google",
    "connect_after": "Une boîte nouvellement connectée ne reçoit d’abord que des libellés : rien n’est "
    "retenu tant que vous ne le dites pas.",
    "connected": "Connecté",
    "now_h": "Ce qui se passe maintenant",
    "now_1": "Des libellés à nous apparaissent dans Gmail. Les messages retenus sont toujours sous l’un "
    "d’eux.",
    "now_2": "Sortez-en un message, ou mettez-en un : Pitchgate y voit votre décision.",
    "now_3": "Vous pouvez retirer l’accès à tout moment, ici ou dans votre compte Google.",
    "go_on": "Continuer : voir ce qui aurait été retenu",
    "to_review": "Voir ce qui est retenu",
    "close": "Vous pouvez fermer cette page.",
    "again": "Se connecter de nouveau",
    "connect_denied_h": "Vous avez dit non, et c’est très bien",
    "connect_denied": "Google n’a pas donné l’accès, comme demandé. Rien n’a été enregistré. Vous pouvez "
    "vous connecter quand vous voudrez.",
    "connect_state_h": "Cette réponse appartient à une autre visite",
    "connect_state": "La connexion doit commencer et finir dans le même navigateur, avec les cookies "
    "autorisés. Rien n’a été enregistré.",
    "connect_expired_h": "Cela a pris trop de temps",
    "connect_expired": "La page de Google est restée ouverte plus longtemps que ne dure une tentative. "
    "Rien n’a été enregistré.",
    "connect_account_h": "C’est un autre compte Google",
    "connect_account": "Vous avez commencé avec un compte et êtes revenu avec un autre. Rien n’a été "
    "enregistré. Choisissez le même.",
    "missing_h": "Une case n’a pas été cochée",
    "missing": "Sans l’autorisation suivante, Pitchgate ne peut pas fonctionner. Rien n’a été enregistré. "
    "Connectez-vous de nouveau et cochez-la.",
    "unavailable_h": "Google est injoignable pour l’instant",
    "unavailable": "Rien n’a été enregistré. Attendez une minute, puis connectez-vous de nouveau.",
    "other_h": "La connexion n’a pas réussi",
    "other": "Google n’a pas accepté la réponse. Rien n’a été enregistré. Veuillez recommencer.",
    "scope_modify": "« Lire, rédiger et envoyer des e-mails depuis votre compte Gmail » : pour lire le "
    "nouveau courrier, sortir une offre de la boîte de réception, l’y remettre, et répondre à son "
    "expéditeur.",
    "scope_email": "« Voir l’adresse e-mail principale de votre compte Google » : pour savoir de quelle "
    "boîte il s’agit.",
    "scope_openid": "« Vous associer à vos informations personnelles sur Google » : pour reconnaître le "
    "compte à votre retour.",
    "sign_in_title": "Connexion",
    "sign_in_h": "Connectez-vous pour voir votre boîte",
    "sign_in": "Ouvrez cette page depuis l’application Pitchgate, ou connectez-vous avec le compte Google "
    "de votre boîte.",
    "signed_in_h": "Vous êtes connecté",
    "signed_in_on": "Continuer vers la page demandée",
}
