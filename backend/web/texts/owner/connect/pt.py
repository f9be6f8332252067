"""Portuguese, as written in Portugal."""

TEXTS: dict[str, str] = {
    "landing_title": "Correio sem propostas comerciais",
    "landing_h": "A sua caixa de entrada, sem propostas comerciais",
    "landing_lead": "O Pitchgate lê o correio novo segundos depois de chegar, retém o que um desconhecido "
    "lhe quer vender e deixa entrar quem lhe dedicar um momento.",
    "connect": "Ligar o Gmail",
    "first_look": "Pode ver primeiro o que faria: uma caixa de correio nova só recebe etiquetas; nada é "
    "retido até o indicar.",
    "picture_invoice": "Re: a fatura",
    "picture_pipeline": "Mais 300 % de clientes",
    "picture_lunch": "Almoço na quinta?",
    "picture_cooperation": "Colaboração",
    "picture_inbox": "entrada",
    "picture_held": "retido",
    "picture_passed": "verificado",
    "step_1_h": "Retém",
    "step_1": "Um pequeno modelo neste servidor avalia cada mensagem de pessoas a quem nunca escreveu. "
    "Uma proposta sai da caixa de entrada e recebe uma etiqueta. É aí que a encontra, também no telemóvel.",
    "step_2_h": "Responde",
    "step_2": "Se quiser, o remetente recebe uma resposta educada com uma ligação. Por trás dela há uma "
    "verificação que custa um momento ao computador dele, e mais de cada vez.",
    "step_3_h": "Deixa entrar",
    "step_3": "Quem a supera chega à sua caixa de entrada e ganha alguns créditos para mais tarde. "
    "Ninguém fica de fora para sempre.",
    "does_h": "O que faz",
    "does_1": "Deixa sempre em paz o correio de pessoas a quem já escreveu.",
    "does_2": "Deixa ao Gmail os boletins, os recibos e o correio das máquinas.",
    "does_3": "Diz de cada mensagem porque foi retida ou passou.",
    "does_4": "Desfaz tudo: libertar, permitir, pausar, desligar.",
    "does_5": "Na dúvida, deixa sempre o correio na caixa de entrada.",
    "never_h": "O que nunca faz",
    "never_1": "Apagar uma mensagem.",
    "never_2": "Guardar o texto do seu correio, ou enviá-lo ao modelo de outros.",
    "never_3": "Treinar um modelo geral com o seu correio.",
    "never_4": "Responder a pessoas que conhece, a listas ou a máquinas.",
    "never_5": "Rastrear alguém: sem píxeis, sem terceiros, sem publicidade.",
    "connect_lead": "O Google pergunta qual é a conta e o que o Pitchgate pode fazer nela. Assinale todas "
    "as caixas; pode retirar a autorização a qualquer momento.",
    "google": "Continuar com o Google",
    "connect_after": "Uma caixa de correio recém-ligada só recebe etiquetas no início: nada é retido até "
    "o indicar.",
    "connected": "Ligado",
    "now_h": "O que acontece agora",
    "now_1": "Aparecem etiquetas nossas no Gmail. O correio retido está sempre numa delas.",
    "now_2": "Tire uma mensagem de lá, ou ponha-a lá, e o Pitchgate toma isso como a sua palavra.",
    "now_3": "Pode retirar o acesso a qualquer momento, aqui ou na sua Conta Google.",
    "go_on": "Continuar: ver o que teria sido retido",
    "to_review": "Ver o que está retido",
    "close": "Pode fechar esta página.",
    "again": "Voltar a ligar",
    "connect_denied_h": "Disse que não, e não há problema",
    "connect_denied": "Pediu ao Google que não desse acesso. Nada foi guardado. Pode ligar quando quiser.",
    "connect_state_h": "Esta resposta pertence a outra visita",
    "connect_state": "A ligação tem de começar e acabar no mesmo navegador, com cookies permitidos. Nada "
    "foi guardado.",
    "connect_expired_h": "Demorou demasiado",
    "connect_expired": "A página do Google ficou aberta mais tempo do que dura uma tentativa. Nada foi "
    "guardado.",
    "connect_account_h": "É outra Conta Google",
    "connect_account": "Começou com uma conta e voltou com outra. Nada foi guardado. Escolha a mesma.",
    "missing_h": "Ficou uma caixa por assinalar",
    "missing": "Sem a autorização seguinte o Pitchgate não pode funcionar. Nada foi guardado. Volte a "
    "ligar e assinale-a.",
    "unavailable_h": "Não é possível contactar o Google neste momento",
    "unavailable": "Nada foi guardado. Espere um minuto e volte a ligar.",
    "other_h": "A ligação não resultou",
    "other": "O Google não aceitou a resposta. Nada foi guardado. Comece de novo.",
    "scope_modify": "“Ler, escrever e enviar emails a partir da sua conta do Gmail”: para ler o correio "
    "novo, tirar uma proposta da caixa de entrada e voltar a pô-la, e responder ao remetente.",
    "scope_email": "“Ver o endereço de email principal da sua Conta Google”: para saber que caixa de "
    "correio é esta.",
    "scope_openid": "“Associá-lo às suas informações pessoais no Google”: para reconhecer a conta quando "
    "voltar.",
    "sign_in_title": "Iniciar sessão",
    "sign_in_h": "Inicie sessão para ver a sua caixa de correio",
    "sign_in": "Abra esta página na aplicação Pitchgate ou inicie sessão com a Conta Google da sua caixa "
    "de correio.",
    "signed_in_h": "Sessão iniciada",
    "signed_in_on": "Continuar para a página pedida",
}
