"""What pitches and ordinary mail say, in Portuguese: one finding a paragraph (see `backend.domain.reading.phrases`)."""

PHRASES = """
asks_call: n_number minuto/minutos/min | quinze/dez/vinte minutos | meia hora | breve/rápida/curta
    chamada/ligação/conversa/reunião | chamada/ligação/conversa/reunião breve/rápida/curta/de |
    falar/falarmos/conversar .. minutos/semana/telefone/bocado | teria/tem/tens/teriam ..
    minutos/disponibilidade/tempo/espaço | agendar | próxima semana | semana que vem | posso
    ligar/passar/telefonar/visitar | um café | dá jeito | faz sentido | dez/quinze/vinte/trinta
    minutos | uma videochamada/videoconferência | podemos/podíamos/poderíamos
    falar/conversar/marcar/agendar | marcar/marcamos/marcarmos uma/um | que tal uma/um/conversar |
    bater um papo | quando lhe/te/vos seria/dá/fica | qual o melhor dia/horário | falamos
    na/quinta/terça/quarta
offers_free: grátis/gratuit* | sem compromisso/custo/custos/obrigação/encargos | não custa/paga nada
    | oferta/oferecemos | teste | por nossa conta | primeiro/primeiros mês/meses | período de
    teste/experiência | cortesia | não paga* | paga* só/apenas se/quando | sem fidelização | sem
    qualquer
what_we_do:
    ajudamos/oferecemos/fabricamos/desenvolvemos/vendemos/alugamos/trabalhamos/fazemos/gerimos/
    somos/criamos/fornecemos/importamos/limpamos/instalamos/tratamos/produzimos/representamos/
    distribuímos/temos/atendemos
    | ajudo/ofereço/vendo/represento/trabalho/faço/alugo | nossa/nosso/nossos/nossas
    ferramenta/plataforma/software/solução/agência/empresa/serviço/serviços/equipa/equipe/produto/
    fábrica/sistema/clientes/app
    | x_firm é/ajuda/oferece/faz/permite/reduz/automatiza | especializad* em |
    especialista/especialistas em | dedicamos nos | dedico me |
    apoiamos/prestamos/colocamos/recrutamos/financiamos/comercializamos/exportamos/conectamos/
    desenhamos/otimizamos/gerenciamos/organizamos/implementamos/montamos/imprimimos/transportamos/
    reparamos/formamos/entregamos/atuamos
    | fornecedor/fabricante/distribuidor/importador de
others_like_you:
    empresas/negócios/clínicas/lojas/escritórios/hotéis/restaurantes/clientes/escolas/equipas como
    a/o/você/vocês/os | semelhantes/parecidas/similares | do seu/vosso tamanho/setor/ramo | da
    sua/vossa dimensão/região/zona/área/cidade | no seu/vosso setor/ramo/bairro | na sua/vossa
    região/zona/rua/área | concorr* | outras/outros/outro
    empresas/negócios/lojas/clínicas/clientes/escritórios/restaurantes | empresas do setor/ramo |
    vizinhos/colegas seus/do/da
claims_result: n_percent menos/mais/de/do/em/dos | até n_percent/n_number/n_money | poup*/economiz*
    .. n_percent/n_money/n_number/horas | reduz* .. n_percent/n_number | aument* .. n_percent | de
    n_number para n_number | em n_number dias/semanas/horas | metade | dobro |
    poupar/poupança/economia/economizar de/tempo/dinheiro/até | em média |
    redução/aumento/queda/crescimento de | triplic*/duplic*/dobr* | mais de n_percent/n_number |
    cort* .. n_percent
noticed_you: vi/li/reparei/encontrei/notei que/o/a/no/na/seu/sua/vosso/vossa | estive a ver/ler |
    estava a | o seu/vosso/teu artigo/site/anúncio/perfil/restaurante | a sua/vossa/tua
    página/loja/entrevista/palestra/vaga/empresa | passei pel* | estão a
    contratar/abrir/crescer/recrutar | parabéns | chamou a/me atenção | acompanho/acompanhei/sigo
    o/a/vosso/vossa/seu/sua | visitei/conheci o/a | notei/percebi/reparei que | ao
    ver/visitar/navegar/passar
right_person: pessoa certa/indicada/responsável | quem cuida/trata/decide/gere/é | responsável
    por/pelo/pela/pelos | com quem | encaminhar/reencaminhar | contacto/contato certo | quem é o/a
    responsável/pessoa | indicar me | decisor* | falar com quem | com quem devo/posso
bump: retomo/retomar/retomando | meu último/anterior/primeiro/email/e | minha
    última/anterior/mensagem/proposta | insisto/insistir | não tive/recebi/obtive | escrevi/enviei
    lhe/te/vos/na/há | conseguiu/conseguiste ver/ler/analisar | teve/tiveste oportunidade/tempo |
    segunda/terceira tentativa/vez | volto a/ao | lembrete/relembrar | sem resposta | seguimento |
    ainda tem/faz interesse/sentido | só/apenas queria/quero/para saber/confirmar/relembrar/ver |
    passando/passo para | reforç* | ainda não recebi/obtive/tive | viu/viram o/a meu/minha | recebeu
    o/a meu/minha | volto à carga/ao
breakup: último/última email/e/mensagem/tentativa/vez/contacto/contato | não
    o/a/vos/te/lhe/vou/volto incomod*/insist*/escrev*/chate* | não incomodo/insisto |
    fecho/encerro/arquivo o/a/este/seu | prometo | deixo de | não é o momento | última vez que | não
    voltarei | não insistirei | retiro o/a | se não ouvir/receber/tiver
offers_to_send: envio/mando/mostro/preparo/faço/levo/deixo/reservo lhe/te/vos |
    posso/poderia/quer/queres/querem/podemos .. envi*/mand*/mostr*/pass*/prepar*/faz*/lev*/apresent*
    | quer/queres que | enviar/mandar/mostrar/apresentar lhe/te/vos | tem/teria/têm interesse |
    interessa lhe/te/vos | gostaria de ver/receber/testar/conhecer/experimentar |
    terei/teria/teríamos todo/muito gosto/prazer | com todo o gosto | estaria*/estariam interessad*
    | haveria/há interesse | posso/podemos deixar/reservar/apresentar/levar/fazer | deixe me/que
easy_no: se não for/fizer/tiver/houver/quiser | caso não | não tem/têm/tiver interesse | um
    sim/não/simples | responda não/sim/sair | descadastr*/cancelar | sem problema/problemas | basta
    responder/dizer/um | se não fizer sentido | agora não
states_price: n_money por/ao/cada/mais/a/o/iva/mensal/mês/fixo/e/unidade/mensais |
    desde/por/a/só/apenas/de/partir n_money | preço/preços/tarifa/custo fixo/fechado/desde/é |
    n_percent de desconto/comissão | mensalidade | a partir de n_money | comissão de/sobre |
    taxa/juros de/a
search_ranking: seo | posicionamento | backlinks/links | artigo patrocinado/convidado | primeira página
    | visibilidade | palavras chave
sells_lists: base/bases de dados | lista de participantes/contactos/contatos/empresas/clientes | leads |
    potenciais clientes | prospecção/prospeção
outsourcing: terceiriz*/outsourcing | programadores/desenvolvedores | criação/desenvolvimento/redesign
    de/do/web/site/sites | valor hora | aplicação móvel | aplicativo | wordpress
lends_money: financiamento | crédito*/empréstimo* | capital de giro | factoring |
    fundos/subsídios/incentivos | antecipação | investidor* | linha de crédito | sem
    garantia/garantias/fiador | juro/juros/taxa baixo/baixos/a/de/desde | liquidez
buys_business: comprador*/investidor* | vender a/o sua/seu | aquisição/adquirir | venda da sua |
    trespasse | avaliação da | sucessão | comprar a/o sua/seu/vossa/vosso | interessados em/na
    comprar/adquirir/aquisição
offers_people: candidat* | perfil/perfis | disponibilidade imediata | pré aviso | recrutamento de |
    trabalho temporário | honorários | profissional/profissionais com/disponív* |
    disponível/disponíveis para/de/a/já | anos de experiência | procura novo/nova/novos
asks_sponsor: patrocin*/patrocín* | stand | expositor* | apoio ao evento | anunci* na |
    espaço/espaços publicitário* | quota/cota/cotas de | logótipo/logo no/na | feira
flatters_for_fee: nomead*/premiad*/prémio*/prêmio* | selecionad*/escolhid* | destaque na |
    reconhecimento
dear_owner: caro/cara/prezado/prezada/prezados/estimado/exmo/exmos
    senhor*/cliente/equipa/proprietário/colega/srs/sr | a quem | espero que esteja/este/tudo/esteja*
introduces_self: chamo me | me chamo | meu nome é | sou
    o/a/x_name/comercial/responsável/fundador*/diretor*/consultor*/da/do | trabalho na/no/com |
    somos uma/um | da x_firm | na x_firm | falo da/do | represento a/o/uma/um | em nome da/do/de |
    sou corretor*/agente/representante/contabilista/contador*/formador* | escrevo da/do/em
names_clients: nossos clientes | clientes como | confiam em | já trabalh*/usam/somos/temos/atendemos
    | referência* | casos de sucesso | n_number clientes/empresas/lojas/clínicas/escolas/hotéis |
    entre os/nossos | trabalhamos com a/o/empresas/mais | clientes satisfeitos | acabámos/acabamos
    de instalar/fazer/entregar
praises: parabéns | adorei/gostei/adoro | excelente/fantástic*/impressionan*/lindo/linda
sales_title: comercial | gestor*/diretor*/responsável/consultor* comercial/de | desenvolvimento de
    negócio* | fundador*/gerente | vendas
scarcity: só/apenas restam/há/n_number/até | últimas/últimos vagas/dias/unidades/lugares | até
    sexta/segunda/ao/final | antes de sexta | vagas limitadas | restam | última/últimas
    oportunidade* | vagas limitadas/restantes | por tempo limitado
cold_excuse: não me/nos conhece* | desculpe/desculpa o/a/incomodar/incómodo | tomo a liberdade |
    escrevo lhe/te/vos/porque/para | encontrei o/a seu/sua | no linkedin | peço desculpa pel*/por |
    o seu contacto/contato | recebi/obtive/encontrei o seu | entro em contacto/contato | venho
    por/apresentar/propor
asks_price: quanto | qual é/o/seria .. preço/custo/valor/prazo | o seu/vosso/os/vossos
    preço*/orçamento/tabela | um/pedir/pedido/enviar/solicitar orçamento/de | orçamento para/de | preço
    para/de | prazo de entrega | encomenda/quantidade mínima | tabela de preços | preços para revenda
asks_whether_you_do: pode/podem/poderia/poderiam/podes/consegue/conseguem ..
    enviar/fazer/dizer/vir/mandar/indicar/confirmar | têm/tem disponib*/vaga/stock/algum/alguma/mesa |
    fazem/vendem/trabalham/aceitam/entregam | seria/é possível | estaria* dispost*/interessad* |
    importa* se
own_need: preciso/precisamos/procuro/procuramos/queria/queríamos/queremos/quero/
    gostaria/gostávamos/gostaríamos | a/o minha/meu/nossa/nosso
    mulher/marido/mãe/pai/filho/filha/casa/cozinha/jardim/casamento/apartamento/loja/projeto/irmão |
    recomendou/recomendaram/falou/indicou me/nos/o/a | para a/o minha/meu/nossa/nosso |
    comprar/encomendar/reservar | estamos a pensar/procurar/remodelar/abrir
uses_your_product: usamos/uso/utilizamos/comprei/comprámos/compramos/temos .. seu/sua/vosso/vossa/vossos
    | minha/meu/nossa/nosso conta/contrato/assinatura/subscrição/encomenda/pedido/licença | cliente
    desde/há | clientes há/desde
job_for_you: vaga de/para | a/uma/esta vaga/posição/função | procura/procuram um/uma |
    salário/remuneração/bónus/bônus/pacote | recrutador*/headhunter | seu/sua/teu/tua
    perfil/percurso/cv/experiência | processo de recrutamento/seletivo | confidencial* | oportunidade
applies: minha candidatura | meu cv/currículo | em anexo cv/o | estágio | candidato me | vaga de |
    licenciad*/formad* em
journalism: jornalista* | artigo/reportagem/entrevista/peça/tema/programa sobre/para | estou/estamos a
    escrever/preparar/fazer | fecho | citar | tese/dissertação/mestrado | redação
picks_up_known: como combinado/combinámos/combinamos/falámos/falamos/pediu/pediste/prometido/acordado |
    sua/seu/teu/tua/vossa/vosso encomenda/pedido/fatura/reserva/mensagem/pergunta/resposta/email/
    inscrição/consulta | obrigad* por/pel*/pela/pelo | nossa/nosso reunião/chamada/conversa/contrato |
    ontem | semana passada | em anexo | segue em/o/a anexo | até amanhã/sexta/segunda/logo/já | aqui
    está/vai/estão | já está/enviei/recebi/fiz
introduces_others: apresento lhe/te/vos | em cópia/cc | deixo vos | ponho em contacto | reencaminho |
    para conhecimento
private_life: mãe/pai/avó/avô/tia/tio/querid*/beijinhos/beijos/beijinho/abraço | aniversário | fim de
    semana | amo te | os miúdos/filhos/meninos | jantar/almoço no/na/em
paperwork: fatura*/nota fiscal | encomenda/pedido n/nº/número/n_number | número de | vencimento |
    transferência/pix/boleto | recibo* | pagamento* | processo | senha/palavra | nif/cnpj
at_work: podes/consegues/podem | por favor revê/confirma/assina/envia/verifica* | reunião | ata | turno*
    | até sexta/segunda/amanhã | avisa me/se | diz me | estou/vou atrasad*/doente | assembleia | ordem
    de
reports_fault: avaria* | erro* | falha* | não funciona | partid*/estragad*/quebrad* | reclamação |
    falta* | atraso* | fuga/vazamento
not_selling: não vendo | nada para vender | voluntári*
you_subscribed: recebe/recebeu este | newsletter | cancelar a subscrição/assinatura | sua/tua
    assinatura/subscrição/conta | bem vind* à/ao/a | ver no | edição n_number | não responda
membership: associação | sócio*/sócia* | condomínio | assembleia geral | inscrição | voluntári* | turma
    | escola | pais | donativo/doação
authority: finanças | câmara municipal | prefeitura | segurança social | inspeção | licença | tribunal |
    prazo para | receita federal | autoridade
customer_care: seu/sua contrato/conta/plano/serviço/apólice | renovação/renovar | manutenção |
    aumento/atualização de preços | seu gestor | intervenção
"""
