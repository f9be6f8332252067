"""Spanish."""

TEXTS: dict[str, str] = {
    "title": "Sus datos",
    "lead": "Lo que Pitchgate guarda sobre su buzón es suyo: lléveselo o tráigalo de otro servidor.",
    "kept_h": "Qué se guarda",
    "kept_mail": "De cada mensaje nuevo: remitente, asunto, horas, puntuación, motivos y lo que se decidió; "
    "durante {days} días.",
    "kept_senders": "Las direcciones a las que ha escrito y las conversaciones en las que participó.",
    "kept_challenges": "A qué remitentes se pidió una comprobación y cómo terminó.",
    "kept_credits": "El registro de créditos.",
    "kept_lists": "A quién permite y bloquea, y sus ajustes.",
    "kept_word": "Lo que decidió sobre un mensaje, para poder deshacerlo.",
    "never_kept": "El texto de su correo no se guarda nunca, ni tampoco los archivos adjuntos.",
    "export_h": "Exportar todo",
    "export_text": "Un solo archivo JSON con todo, legible para personas y programas. No contiene contraseñas "
    "ni el enlace de nadie.",
    "export": "Exportar todo",
    "restore_h": "Restaurar una exportación",
    "restore_text": "Tras una mudanza a otro servidor o un nuevo comienzo: lo que el archivo contiene y falta "
    "en este buzón se añade, y se adoptan sus ajustes. Lo que ya está aquí se queda como está.",
    "file": "El archivo exportado",
    "file_hint": "Como máximo 32 MB. Tiene que haberse hecho para este buzón.",
    "restore": "Restaurar",
    "restored": "Restaurado. Nuevo aquí:",
    "skipped_one": "{count} mensaje aún no estaba juzgado cuando se hizo el archivo y se dejó fuera.",
    "skipped_other": "{count} mensajes aún no estaban juzgados cuando se hizo el archivo y se dejaron fuera.",
    "error_no_file": "Elija primero un archivo.",
    "error_malformed": "Este archivo no se puede restaurar: no es una exportación de Pitchgate o se ha "
    "cambiado. No se guardó nada de él.",
    "error_other_mailbox": "Este archivo se hizo para otro buzón. No se guardó nada de él.",
    "error_no_credit": "El registro del archivo gasta créditos que nunca se ganaron. Sus movimientos a "
    "partir de ahí no se tomaron.",
    "list_rules": "Reglas",
    "list_ledger": "Movimientos de créditos",
    "list_messages": "Mensajes",
    "list_challenges": "Enlaces enviados",
    "list_corrections": "Decisiones",
    "list_correspondents": "Direcciones conocidas",
    "list_threads": "Conversaciones",
    "list_unsubscriptions": "Bajas",
}
