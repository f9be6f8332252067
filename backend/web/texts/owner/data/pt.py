"""Portuguese, as written in Portugal."""

TEXTS: dict[str, str] = {
    "title": "Os seus dados",
    "lead": "O que o Pitchgate guarda sobre a sua caixa de correio é seu: leve-o consigo ou traga-o de "
    "outro servidor.",
    "kept_h": "O que é guardado",
    "kept_mail": "De cada mensagem nova: remetente, assunto, horas, pontuação, razões e o que foi decidido; "
    "durante {days} dias.",
    "kept_senders": "Os endereços a que escreveu e as conversas em que participou.",
    "kept_challenges": "A que remetentes se pediu uma verificação e como acabou.",
    "kept_credits": "O registo de créditos.",
    "kept_lists": "Quem permite e bloqueia, e as suas definições.",
    "kept_word": "O que decidiu sobre uma mensagem, para que o possa desfazer.",
    "never_kept": "O texto do seu correio nunca é guardado, nem os anexos.",
    "export_h": "Exportar tudo",
    "export_text": "Um só ficheiro JSON com tudo, legível por pessoas e programas. Não contém palavras-passe "
    "nem a ligação de ninguém.",
    "export": "Exportar tudo",
    "restore_h": "Repor uma exportação",
    "restore_text": "Depois de uma mudança para outro servidor ou de um novo começo: o que o ficheiro "
    "contém e falta nesta caixa de correio é acrescentado, e as suas definições são adotadas. O que já cá "
    "está fica como está.",
    "file": "O ficheiro exportado",
    "file_hint": "No máximo 32 MB. Tem de ter sido feito para esta caixa de correio.",
    "restore": "Repor",
    "restored": "Reposto. Novo aqui:",
    "skipped_one": "{count} mensagem ainda não estava avaliada quando o ficheiro foi feito e ficou de fora.",
    "skipped_other": "{count} mensagens ainda não estavam avaliadas quando o ficheiro foi feito e ficaram de "
    "fora.",
    "error_no_file": "Escolha primeiro um ficheiro.",
    "error_malformed": "Este ficheiro não pode ser aceite: não é uma exportação do Pitchgate ou foi alterado. "
    "Nada dele foi guardado.",
    "error_other_mailbox": "Este ficheiro foi feito para outra caixa de correio. Nada dele foi guardado.",
    "error_no_credit": "O registo do ficheiro gasta créditos que nunca foram ganhos. Os movimentos a "
    "partir daí não foram aceites.",
    "list_rules": "Regras",
    "list_ledger": "Movimentos de créditos",
    "list_messages": "Mensagens",
    "list_challenges": "Ligações enviadas",
    "list_corrections": "Decisões",
    "list_correspondents": "Endereços conhecidos",
    "list_threads": "Conversas",
    "list_unsubscriptions": "Cancelamentos de subscrição",
}
