"""Spanish words by what they are about (see `backend.domain.reading.concepts`); * stands for any ending."""

CONCEPTS = """
we: nosotros nosotras nos
our: nuestr*
i: yo me
my: mi mis
you: usted ustedes tú te ti os
your: su sus tu tus vuestr*
offer: ofrec* oferta* propuesta* proponer*
help: ayud*
sell: vend* suministr* proveed*
make: fabric* desarroll* produc* cre*
rent: alquil* arrend*
buy: compr* adquir*
order: pedid* encarg*
price: precio* coste* cuest* tarifa* barat*
quote: presupuesto* cotiz*
free: gratis gratuit*
discount: descuento* ahorr*
call: llam* teléfon*
meet: reuni* visita* café quedar
talk: habl* charl* conversa*
minutes: minuto*
schedule: agenda calendario hueco disponib*
weekdays: lunes martes miércoles jueves viernes
soon: semana mes próxim* mañana
past: ayer pasad* últim* anterior* ya
demo: demo demostra* present*
trial: prueba* prob* piloto
sample: muestra*
audit: auditor* análisis diagnóstico revis*
report: informe* lista*
send: envi* mand* pas*
show: mostr* enseñ* ver mir*
reply: respon* contest* respuesta
question: pregunt* cuestión saber curios*
interested: interes*
need: necesit* neces* deb* tien*
want: quier* quer* gustar* desea*
can: pued* podr*
increase: aument* crec* mejor* más
reduce: reduc* reduz* menos baj* evit*
customers: client* usuari*
company: empresa* negocio* compañía
teams: equipo*
similar: similar* parecid* como
boss: director* gerent* dueñ* fundador*
website: web sitio página*
google: google seo posicion* tráfico visibilidad
leads: leads clientes ventas prospectos
marketing: marketing publicidad campaña* anuncio*
software: software herramient* plataforma* aplicaci* ia
service: servicio* solución soluciones agencia*
developers: desarrolladores ingenieros externaliz*
contacts: contactos base datos correos
candidate: candidat* perfil*
job: puesto* empleo* vacante* cargo rol
hire: contrat* seleccion* reclut* búsqueda
salary: salario* sueldo* remuner*
apply: candidatura currículum cv prácticas solicitud
press: periodista artículo* entrevista* periódico reportaje
research: estudio* encuesta* investig* universidad estudiante* tesis
invoice: factura* pag* recibo*
contract: contrato* firm* acuerdo* cláusula*
delivery: entrega* envío* paquete*
ticket: ticket incidencia referencia solicitud expediente
account: cuenta contraseña acceso seguridad
subscription: suscrip* boletín renov* socio* edición
insurance: segur* póliza*
loan: préstamo* financi* crédito* capital inver*
energy: energía electricidad luz gas solar
premises: oficina* local* edificio* inmueble* limpieza nave
machine: máquina* equip* piezas fábrica* materia* existencias
sponsor: patrocin* stand
event: evento* conferencia* feria* jornada* invit* ponent*
partner: colabor* soci* alianza comisión junt*
acquire: venta empresa comprador* adquisición sucesión
family: mamá papá hijos hijo hija marido mujer abuela cumple* besos
school: colegio clase alumn* padres profesor*
thanks: gracias agradec*
sorry: perdón disculp* siento lament*
please: favor
hope: esper*
followup: seguimiento insist* recordar* retom* vuelvo
giveup: últim* cerr* molest* insist* dej*
noticed: visto vi fijado encontr* leído descub*
mutual: recomend* present* dijo hablado parte
agreed: acordado comentado hablado pedido confirm*
attached: adjunt* archivo
problem: problema* error* fallo* avería
optout: baja desuscrib*
rightperson: responsable encarg* persona indicada adecuada
quick: rápid* breve* cort*
obligation: compromiso riesgo garant* obligación
experience: experiencia años certific* especial* expert* líder
casestudy: referencia* ejemplo* resultado* caso
hello: hola buenos buenas estimad* querid*
buyerask: catálogo mayorista mínimo plazo*
customerof: usamos uso compr* utilizamos
home: casa cocina jardín tejado coche perro
health: médic* paciente* clínica cita salud
authority: hacienda ayuntamiento inspección licencia tribunal
legal: abogad* legal ley normativa rgpd
"""
