"""French."""

TEXTS: dict[str, str] = {
    "language": "fr",
    "skip": "Aller au contenu",
    "pages": "Rubriques",
    "held": "Messages retenus",
    "insights": "Bilan",
    "settings": "Réglages",
    "computers": "Ordinateurs",
    "sign_out": "Se déconnecter",
    "signed_in": "Connecté en tant que {email}",
    "back": "Retour",
    "save": "Enregistrer",
    "cancel": "Abandonner",
    "search": "Rechercher",
    "yes": "Oui",
    "no": "Non",
    "watch_lapses": "Dans moins de deux jours, Gmail cessera de nous signaler les nouveaux messages : le "
    "renouvellement a échoué jusqu’ici. Nous réessayons automatiquement ; si cela persiste, "
    "reconnectez la boîte.",
    "gap": "Du {since} au {until}, Gmail n’a conservé aucune trace des changements ; {found} messages ont "
    "été retrouvés par recherche.",
    "gap_count": "Il y en avait davantage : les messages plus anciens de cette période restent dans la boîte de "
    "réception, sans être lus par nous.",
    "gap_unchecked": "{count} messages retenus étaient trop nombreux pour être comparés avec Gmail : si vous "
    "en avez déplacé pendant ce temps, déplacez-les à nouveau.",
    "gap_time": "Les messages antérieurs restent dans la boîte de réception, sans être lus par nous.",
    "parts": "Parties des réglages",
    "part_settings": "Fonctionnement",
    "part_lists": "Autorisés et bloqués",
    "part_wording": "Texte de la réponse",
    "part_computers": "Ordinateurs et navigateurs",
    "part_start": "Aperçu de votre boîte",
    "part_data": "Vos données",
    "part_leave": "Déconnecter et supprimer",
    "reconnect": "Reconnecter",
    "index_progress": "{done} messages envoyés sur environ {total} sont lus.",
}
