"""Spanish."""

TEXTS: dict[str, str] = {
    "language": "es",
    "skip": "Ir al contenido",
    "pages": "Páginas",
    "held": "Correo retenido",
    "insights": "Resumen",
    "settings": "Ajustes",
    "computers": "Ordenadores",
    "sign_out": "Cerrar sesión",
    "signed_in": "Sesión iniciada como {email}",
    "back": "Volver",
    "save": "Guardar",
    "cancel": "Cancelar",
    "search": "Buscar",
    "yes": "Sí",
    "no": "No",
    "watch_lapses": "En menos de dos días Gmail dejará de avisarnos del correo nuevo: la renovación ha "
    "fallado hasta ahora. Se vuelve a intentar por sí sola; si continúa así, vuelva a conectar.",
    "gap": "Del {since} al {until} Gmail no guardó registro de los cambios; se encontraron {found} mensajes "
    "buscando.",
    "gap_count": "Había más: el correo más antiguo de ese periodo permanece en la bandeja de entrada sin que lo "
    "leamos.",
    "gap_unchecked": "{count} mensajes retenidos eran demasiados para compararlos con Gmail: si movió alguno "
    "en ese tiempo, muévalo de nuevo.",
    "gap_time": "El correo anterior permanece en la bandeja de entrada sin que lo leamos.",
    "parts": "Partes de los ajustes",
    "part_settings": "Funcionamiento",
    "part_lists": "Permitidos y bloqueados",
    "part_wording": "Texto de la respuesta",
    "part_computers": "Ordenadores y navegadores",
    "part_start": "Vista previa de su bandeja",
    "part_data": "Sus datos",
    "part_leave": "Desconectar y borrar",
    "reconnect": "Volver a conectar",
    "index_progress": "Se han leído {done} de unos {total} mensajes enviados.",
}
