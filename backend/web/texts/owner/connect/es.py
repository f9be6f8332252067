"""Spanish."""

TEXTS: dict[str, str] = {
    "landing_title": "Correo sin ofertas",
    "landing_h": "Su bandeja de entrada, sin ofertas comerciales",
    "landing_lead": "Pitchgate lee el correo nuevo segundos después de su llegada, retiene lo que un "
    "desconocido quiere venderle y deja pasar a quien dedica un momento a usted.",
    "connect": "Conectar Gmail",
    "first_look": "Primero puede ver lo que haría: un buzón nuevo solo recibe etiquetas; no se retiene "
    "nada hasta que usted lo diga.",
    "picture_invoice": "Re: la factura",
    "picture_pipeline": "Un 300 % más de clientes",
    "picture_lunch": "¿Comemos el jueves?",
    "picture_cooperation": "Colaboración",
    "picture_inbox": "bandeja",
    "picture_held": "retenido",
    "picture_passed": "verificado",
    "step_1_h": "Retiene",
    "step_1": "Un pequeño modelo en este servidor juzga cada mensaje de personas a las que nunca ha "
    "escrito. Una oferta sale de la bandeja y recibe una etiqueta. Allí la encuentra, también en el móvil.",
    "step_2_h": "Responde",
    "step_2": "Si usted quiere, el remitente recibe una respuesta cortés con un enlace. Detrás hay una "
    "comprobación que cuesta un momento a su ordenador, y más cada vez.",
    "step_3_h": "Deja pasar",
    "step_3": "Quien la supera llega a su bandeja y gana unos créditos para más adelante. Nadie queda "
    "fuera para siempre.",
    "does_h": "Lo que hace",
    "does_1": "Deja siempre en paz el correo de personas a las que usted ha escrito.",
    "does_2": "Deja a Gmail los boletines, los recibos y el correo de las máquinas.",
    "does_3": "Dice de cada mensaje por qué se retuvo o pasó.",
    "does_4": "Deshace todo: liberar, permitir, pausar, desconectar.",
    "does_5": "Ante la duda, deja siempre el correo en la bandeja.",
    "never_h": "Lo que nunca hace",
    "never_1": "Borrar un mensaje.",
    "never_2": "Guardar el texto de su correo ni enviarlo al modelo de otros.",
    "never_3": "Entrenar un modelo general con su correo.",
    "never_4": "Responder a gente que usted conoce, a listas o a máquinas.",
    "never_5": "Rastrear a nadie: ni píxeles, ni terceros, ni publicidad.",
    "connect_lead": "Google pregunta qué cuenta es y qué puede hacer Pitchgate en ella. Marque todas las "
    "casillas; puede retirarlo en cualquier momento.",
    "google": "Continuar con Google",
    "connect_after": "Un buzón recién conectado solo recibe etiquetas al principio: no se retiene nada "
    "hasta que usted lo diga.",
    "connected": "Conectado",
    "now_h": "Qué ocurre ahora",
    "now_1": "En Gmail aparecen etiquetas nuestras. El correo retenido está siempre bajo una de ellas.",
    "now_2": "Saque un mensaje de ella, o póngalo, y Pitchgate lo tomará como su palabra.",
    "now_3": "Puede retirar el acceso en cualquier momento, aquí o en su cuenta de Google.",
    "go_on": "Seguir: ver lo que se habría retenido",
    "to_review": "Ver lo que está retenido",
    "close": "Puede cerrar esta página.",
    "again": "Volver a conectar",
    "connect_denied_h": "Ha dicho que no, y está bien",
    "connect_denied": "Se indicó a Google que no diera acceso. No se guardó nada. Puede conectar cuando "
    "quiera.",
    "connect_state_h": "Esta respuesta pertenece a otra visita",
    "connect_state": "La conexión debe empezar y terminar en el mismo navegador, con las cookies "
    "permitidas. No se guardó nada.",
    "connect_expired_h": "Tardó demasiado",
    "connect_expired": "La página de Google estuvo abierta más tiempo del que dura un intento. No se "
    "guardó nada.",
    "connect_account_h": "Es otra cuenta de Google",
    "connect_account": "Empezó con una cuenta y volvió con otra. No se guardó nada. Elija la misma.",
    "missing_h": "Quedó una casilla sin marcar",
    "missing": "Sin el permiso siguiente Pitchgate no puede funcionar. No se guardó nada. Conecte de "
    "nuevo y márquelo.",
    "unavailable_h": "Ahora no se puede contactar con Google",
    "unavailable": "No se guardó nada. Espere un minuto y conecte de nuevo.",
    "other_h": "La conexión no funcionó",
    "other": "Google no aceptó la respuesta. No se guardó nada. Empiece de nuevo.",
    "scope_modify": "«Leer, redactar y enviar correos desde su cuenta de Gmail»: para leer el correo "
    "nuevo, sacar una oferta de la bandeja y devolverla, y responder a su remitente.",
    "scope_email": "«Ver la dirección de correo principal de su cuenta de Google»: para saber qué buzón "
    "es este.",
    "scope_openid": "«Asociarle a su información personal en Google»: para reconocer la cuenta cuando "
    "vuelva.",
    "sign_in_title": "Iniciar sesión",
    "sign_in_h": "Inicie sesión para ver su buzón",
    "sign_in": "Abra esta página desde la aplicación Pitchgate o inicie sesión con la cuenta de Google de "
    "su buzón.",
    "signed_in_h": "Ha iniciado sesión",
    "signed_in_on": "Continuar a la página solicitada",
}
