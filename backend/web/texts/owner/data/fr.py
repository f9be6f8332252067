"""French."""

TEXTS: dict[str, str] = {
    "title": "Vos données",
    "lead": "Ce que Pitchgate conserve sur votre boîte vous appartient : emportez-le, ou apportez-le d’un "
    "autre serveur.",
    "kept_h": "Ce qui est conservé",
    "kept_mail": "De chaque nouveau message : expéditeur, objet, heures, note, raisons et décision ; pendant "
    "{days} jours.",
    "kept_senders": "Les adresses auxquelles vous avez écrit et les conversations auxquelles vous avez pris "
    "part.",
    "kept_challenges": "À quels expéditeurs une vérification a été demandée, et avec quel résultat.",
    "kept_credits": "Le registre des crédits.",
    "kept_lists": "Qui vous autorisez et bloquez, et vos réglages.",
    "kept_word": "Ce que vous avez décidé d’un message, afin de pouvoir revenir dessus.",
    "never_kept": "Le texte de vos messages n’est jamais conservé, les pièces jointes non plus.",
    "export_h": "Tout exporter",
    "export_text": "Un seul fichier JSON qui contient tout, lisible par des personnes et des programmes. Il "
    "ne contient ni mot de passe ni lien de qui que ce soit.",
    "export": "Tout exporter",
    "restore_h": "Restaurer une exportation",
    "restore_text": "Après un déménagement vers un autre serveur ou un nouveau départ : ce que le fichier "
    "contient et qui manque à cette boîte est ajouté, et ses réglages sont repris. Ce qui est déjà ici reste "
    "tel quel.",
    "file": "Le fichier exporté",
    "file_hint": "32 Mo au plus. Il doit avoir été fait pour cette boîte.",
    "restore": "Restaurer",
    "restored": "Restauré. Nouveau ici :",
    "skipped_one": "{count} message n’était pas encore jugé quand le fichier a été fait ; il a été laissé de "
    "côté.",
    "skipped_other": "{count} messages n’étaient pas encore jugés quand le fichier a été fait ; ils ont été "
    "laissés de côté.",
    "error_no_file": "Choisissez d’abord un fichier.",
    "error_malformed": "Ce fichier ne peut pas être repris : ce n’est pas une exportation de Pitchgate, "
    "ou il a été modifié. Rien n’en a été gardé.",
    "error_other_mailbox": "Ce fichier a été fait pour une autre boîte. Rien n’en a été gardé.",
    "error_no_credit": "Le registre du fichier dépense des crédits jamais gagnés. Ses écritures à partir de "
    "là n’ont pas été reprises.",
    "list_rules": "Règles",
    "list_ledger": "Écritures de crédits",
    "list_messages": "Messages jugés",
    "list_challenges": "Liens envoyés",
    "list_corrections": "Décisions",
    "list_correspondents": "Adresses connues",
    "list_threads": "Conversations suivies",
    "list_unsubscriptions": "Désabonnements",
}
