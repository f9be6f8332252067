"""Portuguese words by what they are about (see `backend.domain.reading.concepts`); * stands for any ending."""

CONCEPTS = """
we: nós nos gente
our: noss*
i: eu
my: meu minha meus minhas
you: você vocês lhe te
your: seu sua seus suas vosso* teu tua
offer: oferec* oferta* propost* propor
help: ajud* apoi*
sell: vend* fornec*
make: fabric* desenvolv* produz* cri*
rent: alug* arrend*
buy: compr* adquir*
order: encomend* pedid*
price: preç* cust* tarifa* barat*
quote: orçament* cotaç*
free: grátis gratuit*
discount: descont* poup* econom*
call: ligar chamada telefon* ligaç*
meet: reuni* visita* café encontr*
talk: fal* conversa*
minutes: minuto*
schedule: agenda horário disponib*
weekdays: segunda terça quarta quinta sexta
soon: semana mês próxim* amanhã
past: ontem passad* últim* anterior* já
demo: demo demonstra* apresent*
trial: teste* experiment* piloto
sample: amostra*
audit: auditor* análise* diagnóstico
report: relatóri* lista*
send: envi* mand*
show: mostr* ver olh*
reply: respon* respost* retorn*
question: pergunt* questão saber curios*
interested: interess*
need: precis* necess* dev*
want: quer* gosta* desej*
can: pod* consegu*
increase: aument* cresc* melhor* mais
reduce: reduz* menos baix* evit*
customers: client* utiliza* usuári*
company: empresa* negócio*
teams: equipa* equipe* time
similar: semelhant* como parecid*
boss: diretor* gerente don* fundador*
website: site página* web
google: google seo posicion* tráfego visibilidade
leads: leads vendas prospecção
marketing: marketing publicidade campanha* anúncio*
software: software ferramenta* plataforma* aplicaç* ia
service: serviço* solução soluções agência*
developers: desenvolvedores programadores terceiriz*
contacts: contactos base dados
candidate: candidat* perfil* perfis
job: vaga* cargo* emprego* posição
hire: contrat* recrut* seleç*
salary: salário* remuner*
apply: candidatura currículo cv estágio
press: jornalista artigo* entrevista* jornal reportagem
research: estudo* inquérito* pesquisa* universidade estudante* tese
invoice: fatura* pag* recibo*
contract: contrato* assin* acordo*
delivery: entrega* envio* encomenda*
ticket: ticket referência pedido processo
account: conta senha palavra-passe acesso segurança
subscription: assinatura newsletter renov* sócio* edição
insurance: segur* apólice*
loan: empréstimo* financi* crédito* capital invest*
energy: energia eletricidade gás solar
premises: escritório* imóve* edifício* limpeza armazém
machine: máquina* equip* peças fábrica* materia* stock
sponsor: patrocín* patrocin* stand
event: evento* conferência* feira* convid* convite* palest*
partner: parceri* parceir* colabor* comiss* junt*
acquire: venda empresa comprador* aquisição
family: mãe pai filhos filho filha marido mulher avó aniversário beijo*
school: escola turma aluno* pais professor*
thanks: obrigad* agradeç* agradec*
sorry: desculp* lament*
please: favor
hope: esper*
followup: retom* insist* lembr* seguimento volto
giveup: últim* fech* incomod* insist*
noticed: vi visto reparei encontr* li descobr*
mutual: recomend* apresent* disse falou parte
agreed: combinado acordado pedido falado confirm*
attached: anex* junto
problem: problema* erro* falha* avaria
optout: descadastr* remover cancelar
rightperson: responsável pessoa indicada certa
quick: rápid* breve* cur*
obligation: compromisso risco garant* obrigação
experience: experiência anos certific* especial* líder
casestudy: referência* exemplo* resultado* caso
hello: olá bom boa caro cara prezad*
buyerask: catálogo atacado grossista mínimo prazo*
customerof: usamos uso compr* utilizamos
home: casa cozinha jardim telhado carro cão
health: médic* paciente* clínica consulta saúde
authority: finanças câmara inspeção licença tribunal
legal: advogad* legal lei norma* rgpd
"""
