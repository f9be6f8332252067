"""Portuguese, as written in Portugal."""

TEXTS: dict[str, str] = {
    "title": "Balanço",
    "span": "As últimas 13 semanas, desde {since}.",
    "nothing": "Ainda nada foi retido. Quando chegar uma proposta, esta página começa a encher-se.",
    "sum_held": "propostas retidas",
    "sum_minutes": "minutos poupados",
    "sum_precision": "retidas com razão",
    "sum_precision_sure": "retidas com razão (de {low} a {high})",
    "weeks": "Propostas retidas por semana",
    "weeks_drawn": "Barras: propostas retidas por semana e, destas, as admitidas mais tarde. Os mesmos "
    "números estão na tabela abaixo.",
    "still_held": "retidas",
    "let_in": "admitidas mais tarde",
    "as_table": "Em tabela",
    "week_of": "Semana de",
    "of_these_let_in": "admitidas mais tarde",
    "minutes": "Minutos poupados",
    "minutes_formula": "({held} retidas − {let_in} admitidas mais tarde) × {seconds} segundos = {minutes} "
    "minutos.",
    "minutes_note": "Que ler e deitar fora uma proposta custe 30 segundos é suposição nossa. O tempo que "
    "passa aqui não é descontado.",
    "precision": "Quantas vezes acertou",
    "precision_text": "De {held} mensagens retidas, deixou entrar {wrong}: {share} ficaram onde as "
    "pusemos ou entraram graças ao próprio remetente.",
    "precision_interval": "Com tantas mensagens, a proporção verdadeira fica entre {low} e {high} (95 %, "
    "intervalo de Wilson).",
    "precision_none": "Nada foi retido, por isso não há nada a avaliar.",
    "missed_one": "{count} mensagem escapou e foi retida por si.",
    "missed_other": "{count} mensagens escaparam e foram retidas por si.",
    "precision_note": "O correio que nunca viu conta como retido com razão. Liberte o que estava errado, e o "
    "número dirá a verdade.",
    "senders": "Quem envia mais",
    "sender": "Remetente",
    "funnel": "O que foi feito das ligações",
    "step": "Passo",
    "links": "Número",
    "funnel_sent": "Enviadas",
    "funnel_begun": "Página usada",
    "funnel_solved": "Verificação superada",
    "funnel_bounced": "Devolvidas sem entrega",
    "funnel_regretted": "Remetente admitido por si",
    "funnel_note": "Abrir uma ligação não conta: os antivírus de correio também as abrem. Uma página conta "
    "como usada quando alguém faz algo nela.",
    "funnel_none": "Ainda nenhum remetente recebeu uma ligação como resposta.",
}
