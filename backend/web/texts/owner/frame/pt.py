"""Portuguese, as written in Portugal."""

TEXTS: dict[str, str] = {
    "language": "pt",
    "skip": "Ir para o conteúdo",
    "pages": "Páginas",
    "held": "Correio retido",
    "insights": "Balanço",
    "settings": "Definições",
    "computers": "Computadores",
    "sign_out": "Terminar sessão",
    "signed_in": "Sessão iniciada como {email}",
    "back": "Voltar",
    "save": "Guardar",
    "cancel": "Cancelar",
    "search": "Pesquisar",
    "yes": "Sim",
    "no": "Não",
    "watch_lapses": "Em menos de dois dias o Gmail deixará de nos avisar do correio novo: a renovação "
    "falhou até agora. Voltamos a tentar automaticamente; se continuar assim, volte a ligar.",
    "gap": "De {since} a {until} o Gmail não guardou registo das mudanças; {found} mensagens foram "
    "encontradas por pesquisa.",
    "gap_count": "Havia mais: as mensagens mais antigas desse período ficam na caixa de entrada, sem leitura "
    "nossa.",
    "gap_unchecked": "{count} mensagens retidas eram demasiadas para serem comparadas com o Gmail: se moveu "
    "alguma nesse tempo, mova-a de novo.",
    "gap_time": "As mensagens anteriores ficam na caixa de entrada, sem leitura nossa.",
    "parts": "Partes das definições",
    "part_settings": "Funcionamento",
    "part_lists": "Permitidos e bloqueados",
    "part_wording": "Texto da resposta",
    "part_computers": "Computadores e navegadores",
    "part_start": "Pré-visualização da sua caixa",
    "part_data": "Os seus dados",
    "part_leave": "Desligar e apagar",
    "reconnect": "Voltar a ligar",
    "index_progress": "{done} de cerca de {total} mensagens enviadas foram lidas.",
}
