"""Spanish."""

TEXTS: dict[str, str] = {
    "title": "Resumen",
    "span": "Las últimas 13 semanas, desde el {since}.",
    "nothing": "Todavía no se ha retenido nada. Cuando llegue una oferta, esta página empezará a llenarse.",
    "sum_held": "ofertas retenidas",
    "sum_minutes": "minutos ahorrados",
    "sum_precision": "retenidas con razón",
    "sum_precision_sure": "retenidas con razón (de {low} a {high})",
    "weeks": "Ofertas retenidas por semana",
    "weeks_drawn": "Barras: ofertas retenidas por semana y, de ellas, las admitidas después. Las mismas "
    "cifras están en la tabla de abajo.",
    "still_held": "retenidas",
    "let_in": "admitidas después",
    "as_table": "Como tabla",
    "week_of": "Semana del",
    "of_these_let_in": "admitidas después",
    "minutes": "Minutos ahorrados",
    "minutes_formula": "({held} retenidas − {let_in} admitidas después) × {seconds} segundos = {minutes} "
    "minutos.",
    "minutes_note": "Que leer y tirar una oferta cueste 30 segundos es suposición nuestra. El tiempo que "
    "usted pasa aquí no se descuenta.",
    "precision": "Con qué frecuencia acertó",
    "precision_text": "De {held} mensajes retenidos usted admitió {wrong}: el {share} se quedó donde lo "
    "pusimos o se admitió gracias a su propio remitente.",
    "precision_interval": "Con tantos mensajes, la proporción real está entre {low} y {high} (95 %, intervalo "
    "de Wilson).",
    "precision_none": "No se ha retenido nada, así que no hay nada que valorar.",
    "missed_one": "Se coló {count} mensaje y usted lo retuvo.",
    "missed_other": "Se colaron {count} mensajes y usted los retuvo.",
    "precision_note": "El correo que nunca ha mirado cuenta como retenido con razón. Libere lo que estaba mal "
    "y la cifra dirá la verdad.",
    "senders": "Quién envía más",
    "sender": "Remitente",
    "funnel": "Qué fue de los enlaces",
    "step": "Paso",
    "links": "Cantidad",
    "funnel_sent": "Enviados",
    "funnel_begun": "Página usada",
    "funnel_solved": "Comprobación superada",
    "funnel_bounced": "Devueltos sin entregar",
    "funnel_regretted": "Remitente admitido por usted",
    "funnel_note": "Abrir un enlace no cuenta: los antivirus de correo también los abren. Una página cuenta "
    "como usada cuando alguien hace algo en ella.",
    "funnel_none": "Ningún remitente ha recibido todavía un enlace como respuesta.",
}
