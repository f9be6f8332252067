"""What pitches and ordinary mail say, in Spanish: one finding a paragraph (see `backend.domain.reading.phrases`)."""

PHRASES = """
asks_call: n_number minuto/minutos/min | cuarto de hora | media hora | breve/corta/rápida
    llamada/charla/reunión/conversación | llamada/charla/reunión breve/corta/rápida/de |
    hablar/hablamos/charlar .. minutos/semana/teléfono/rato | le/te viene/va/vendría bien |
    tendría/tiene/tienes/tendrías .. minutos/rato/hueco/momento | agendar | la próxima semana |
    semana que viene | puedo llamarle/llamarte/pasar/pasarme/visitar* | le/te llamo | un café | en
    mi calendario | quedar/quedamos | diez/quince/veinte/treinta minutos | podemos/podríamos
    hablar/vernos/quedar/agendar | una videollamada | cuándo le/te/os viene/va/vendría |
    tomar/tomamos un | me acerco/paso por | qué tal el/si/una
offers_free: gratis/gratuit* | sin compromiso/coste/costo/cargo/obligación/ataduras | no le/te
    cuesta nada | regalamos/regalo | prueba | a nuestro cargo | primer mes | periodo de prueba | no
    paga/pagas/cuesta | paga/pagas solo si | sin permanencia | de regalo
what_we_do:
    ayudamos/ofrecemos/fabricamos/desarrollamos/vendemos/alquilamos/trabajamos/hacemos/gestionamos/
    somos/diseñamos/suministramos/importamos/limpiamos/instalamos/asesoramos/distribuimos/
    conectamos/imprimimos/llevamos/producimos/tenemos
    | ayudo/ofrezco/vendo/represento/fabrico/alquilo/trabajo/asesoro/llevo |
    nuestra/nuestro/nuestros
    herramienta/plataforma/software/solución/agencia/empresa/servicio/servicios/equipo/producto/
    fábrica/taller/sistema/clientes/app
    | x_firm es/ayuda/ofrece/hace/permite/reduce/automatiza/conecta | nos dedicamos | nos encargamos
    | especializad* en | especialistas en |
    seleccionamos/acompañamos/apoyamos/colocamos/financiamos/organizamos/tramitamos/reparamos/
    formamos/representamos/transportamos/entregamos/comercializamos/exportamos/montamos
    | proveedor/fabricante/distribuidor/importador de
others_like_you:
    empresas/negocios/equipos/clínicas/tiendas/despachos/hoteles/restaurantes/bodegas/clientes/
    colegios/talleres
    como la/el/usted/tú/vosotros/los/las/o_firm | similares | de su/tu/vuestro/vuestra
    tamaño/sector/zona/barrio/ciudad | en su/tu/vuestro/vuestra sector/zona/barrio/calle |
    competencia | otras/otros empresas/negocios/clínicas/clientes/despachos/tiendas/restaurantes |
    empresas del sector/ramo | compañeros/vecinos suyos/del
claims_result: n_percent menos/más/de/en | un n_percent | hasta un/n_percent | ahorr* ..
    n_percent/n_money/n_number/horas | reduc*/redujo/redujeron .. n_percent/n_number | aument* ..
    n_percent | de n_number a n_number | pas* de n_number | en n_number días/semanas/horas | mitad |
    doble | ahorro/reducción/aumento de/del | en promedio | de media | más de n_percent/n_number |
    duplic*/triplic* | baj* .. n_percent
noticed_you: he visto/leído/encontrado/notado/estado/entrado | vi/leí que/su/tu/vuestr*/el | me fijé
    | me ha/he llamado | llamó la atención | pasé por | su/tu/vuestra/vuestro
    web/página/artículo/anuncio/oferta/charla/entrevista/tienda/escaparate/publicación |
    están/estáis/estás buscando/contratando/abriendo/creciendo | enhorabuena/felicidades |
    mirando/viendo/leyendo su/tu/vuestr* | sigo su/tu/vuestr* | visité su/tu | veo que | vimos
    que/su/tu | conocí su/tu
right_person: persona indicada/adecuada/correcta | quién se/lleva/decide/gestiona/es | responsable
    de/del | encargad* de/del | con quién | persona que/responsable | reenviar* | contacto
    adecuado/correcto | quién es el/la responsable/encargad* | indicarme quién/el/la | decide usted
bump: retomo/retomar/retomando | mi último/anterior/primer/correo/mensaje/email/propuesta |
    insisto/insistir | no he/hemos recibido/tenido/sabido | le/te/os escribí/envié/mandé/escribo |
    ha/has podido/tenido/visto/leído | pudo/pudiste ver/leer/revisar | seguimiento |
    segunda/tercera/segundo/tercer intento/vez/mensaje | vuelvo a | recordatorio/recordar* | por si
    se/no | sin respuesta | sigue/sigues interesad*/siendo | subo/subiendo este/esto | solo/sólo
    quería/quiero saber/confirmar/ver | quería saber si | sin noticias | sigo sin | por si no
    lo/llegó/pudo
breakup: último/última/ultimo correo/mensaje/email/intento/vez | no le/te/os/la/lo
    molest*/insist*/escrib* | no molesto/insisto/escribo | cierro/cerrar/archivo
    su/tu/el/este/vuestro/expediente | dejo de | doy por | no es el momento | prometo | última vez
    que | no volveré/insistiré | si no recibo/tengo/sé | le/te dejo en
offers_to_send: le/te/os/les envío/mando/paso/enseño/preparo/muestro/hago/llevo/dejo/reservo/regalo
    | puedo/podría/quiere/quieres/quieren/queréis ..
    envi*/mand*/mostr*/enseñ*/pas*/prepar*/hacer*/llevar* | quiere/quieres que |
    enviarle/mandarle/enviarte/mandarte/mostrarle/enseñarle/enseñarte/pasarle/hacerle/prepararle |
    le/te/os interesa/interesaría/parece/gustaría/apetece | si le/te/os interesa/parece/apetece |
    estaría*/estarían/estaríais interesad* | encantad* de enseñ*/mostr*/envi*/hacer* | con
    gusto/mucho | le/te/os llevo/reservo/acerco/preparo | permítame/permíteme
easy_no: si no le/te/os/es/les | no le/te/es/les interesa/interés/momento | un sí/no/simple |
    darse/darme de baja | dígame/dime que/no/si | responda/responde baja/no/sí | sin problema |
    basta con/un | si no encaja/procede/es
states_price: n_money al/por/cada/más/la/el/iva/mensual*/todo/y/fijo/unidad/de/neto |
    desde/por/a/solo/de/entre n_money | precio/precios/tarifa/coste fijo/cerrado/desde/de/es | n_percent
    de descuento/comisión | cuota
search_ranking: seo | posicionamiento | backlinks/enlaces | artículo patrocinado/invitado | primera
    página | visibilidad | palabras clave
sells_lists: base/bases de datos | listado/lista de asistentes/contactos/empresas/expositores/clientes |
    leads | clientes potenciales | captación
outsourcing: externaliz* | desarrolladores | diseño/desarrollo web/de | tarifa por hora | rediseño |
    página web profesional | aplicación móvil | nearshore | wordpress
lends_money: financiación/financiamiento | crédito*/préstamo* | liquidez | factoring |
    subvención*/subvenciones/ayudas | inversor* | sin aval/avales/garantías | interés desde/del |
    anticipo de facturas | capital de trabajo
buys_business: traspaso | vender su/tu/el | comprador* | inversor*/inversores | adquisición/adquirir |
    venta de su | valoración | sucesión
offers_people: candidat* | perfil/perfiles | disponibilidad inmediata | preaviso | selección de
    personal | ett | honorarios | años de experiencia | incorporación inmediata | busca
    nuevo/nuevos/nueva | disponible desde/ya/para
asks_sponsor: patrocin* | stand | expositor* | colaborador* de | anunci* en
flatters_for_fee: nominad*/galardon*/premio*/premiad* | seleccionad* | reportaje sobre | reconocimiento
dear_owner: estimado/estimada/estimados señor/señora/señores/cliente/propietario/equipo/amigo | a quien
    corresponda | espero que/se esté*/encuentre/este/todo/haya | muy señor*
introduces_self: me llamo | mi nombre es | soy
    x_name/el/la/comercial/responsable/fundador*/director*/consultor*/de | trabajo en/con/para |
    somos una/un/n_number | de x_firm | en x_firm | les/le/te escribo de/desde | en nombre de |
    represento a | le/te/les contacto | soy agente/corredor*/asesor*/delegad*
names_clients: nuestros clientes | clientes como | confían en | ya trabaj*/usan/somos/tenemos |
    referencia* | casos de éxito | n_number clientes/empresas/tiendas/clínicas/colegios/hoteles |
    entre nuestros | acabamos de instalar/terminar/entregar | clientes satisfechos
praises: enhorabuena | felicidades/felicit* | me encanta/encantó/gusta/gustó |
    precios*/fantástic*/impresionan* | espectacular
sales_title: comercial | responsable/director/jefe/ejecutiv* comercial/de | desarrollo de negocio |
    asesor* | gestor* | fundador*/gerente | ventas
scarcity: solo/sólo quedan/queda/n_number/hasta | últimas/últimos plazas/días/unidades | hasta el
    viernes/lunes/fin | antes del | plazas limitadas | última/últimas oportunidad* | por tiempo
    limitado | hasta agotar
cold_excuse: no me/nos conoce* | perdone/disculpe/perdona/disculpa que/la/el | me permito | le/te/os
    escribo porque/para/por | encontré su/tu | sin conocer* | en linkedin | me pongo en contacto |
    he conseguido/obtenido su/tu | su/tu contacto | sin previo aviso
asks_price: cuánto | qué precio/coste/tarifa/cuesta | su/sus/tu/tus/vuestro/vuestros
    precio*/tarifa*/presupuesto/catálogo | un/pedir/solicitar/pasar*/enviar* presupuesto | presupuesto
    para/de/por | precio para/de | plazo de/s | pedido mínimo | precios de/para mayorista*/distribuidor*
    | lista de precios
asks_whether_you_do: podría/podrían/podríais/podrías/puede/pueden/podéis/puedes ..
    enviar*/hacer*/decir*/venir/mandar*/indicar*/confirmar* | tienen/tenéis/tiene/hay
    disponib*/hueco/stock/sitio/algún/alguna/plazas | hacen/hacéis/venden/trabajan/aceptan/sirven/envían
    | sería/es posible | estaría*/estarías dispuest*/interesad* | le/te importaría
own_need: necesito/necesitamos/busco/buscamos/quisiera/quisiéramos/queremos/
    quiero/querríamos/quería/queríamos | nos/me gustaría/interesa/interesan/haría |
    mi/mis/nuestra/nuestro mujer/marido/madre/padre/hijo/hija/hermano/casa/cocina/jardín/boda/
    piso/tienda/proyecto | me/nos han/ha recomendado/hablado/dado/pasado | para mi/nuestra/nuestro/una |
    comprar/encargar/reservar/pedir | estamos buscando/pensando/interesados/reformando/montando
uses_your_product: usamos/uso/utilizamos/compré/compramos/tenemos .. su/sus/vuestr*/tu |
    mi/nuestra/nuestro cuenta/contrato/suscripción/pedido/licencia | cliente desde/de | clientes desde
job_for_you: puesto de/en | el/un/este puesto | busca/buscan/buscamos un/una/a/director*/jefe |
    salario/sueldo/retribución/bonus | búsqueda de | headhunter | su/tu
    perfil/trayectoria/cv/experiencia | proceso de selección | confidencial* | discreción | vacante |
    oportunidad
applies: mi candidatura | mi cv/currículum | adjunto cv/mi | prácticas | solicitud de empleo | vacante |
    oferta de empleo/trabajo | incorporación | graduad*
journalism: periodista* | artículo/reportaje/entrevista/tema/programa sobre/para | estoy/estamos
    escribiendo/preparando/haciendo | cierre | citar* | tesis/tfm/tfg | redacción | investigación
picks_up_known: como quedamos/acordamos/hablamos/comentamos/pediste/pidió/siempre/te/le |
    su/tu/tus/sus/vuestro pedido/solicitud/factura/reserva/mensaje/correo/pregunta/respuesta/
    encargo/cita/inscripción | gracias por/a | nuestra/nuestro
    reunión/llamada/conversación/contrato/cita | ayer | la semana pasada | adjunto/adjuntamos/te/le
    adjunto | nos vemos | hasta mañana/luego/el | aquí tienes/tiene | te paso/mando el/la/los | ya
    está/he/hemos | recibido
introduces_others: te/le/os presento | en copia | os/les dejo | pongo en contacto | te reenvío | para tu
    información
private_life: mamá/papá/abuela/abuelo/tía/tío/cariño/besos/beso/besitos | cumpleaños | finde/fin de
    semana | te quiero | los niños | cena/comida en/el | un abrazo
paperwork: factura* | pedido n/nº/número/n_number | número de | vencimiento | transferencia | recibo* |
    pago/pagos | expediente | contraseña | albarán | nif/cif
at_work: puedes/podéis/podrías | por favor revisa*/confirma*/firma*/envía*/manda*/avisa* | reunión |
    acta | turno* | presupuesto aprobado | antes del viernes/lunes | avísame/avisame/dime | llego tarde
    | junta | orden del día
reports_fault: avería* | error*/errores | fallo* | no funciona | roto/rota | reclamación | incidencia* |
    falta* | retraso* | fuga
not_selling: no vendo | nada que vender | sin ánimo | voluntari*
you_subscribed: recibe/recibes este | boletín/newsletter | darse de baja | cancelar la suscripción |
    su/tu suscripción/prueba/cuenta/plan | bienvenid* a | ver en | número n_number | no responda
membership: asociación | socio*/socia* | ampa | comunidad de | junta general | inscripción | voluntari*
    | curso | colegio | padres | donación/donativo
authority: hacienda | ayuntamiento | agencia tributaria | seguridad social | inspección | licencia |
    juzgado | plazo para | normativa | requerimiento
customer_care: su/tu contrato/cuenta/plan/servicio/póliza/tarifa | renovación/renovar | mantenimiento |
    subida/actualización de precios/tarifas | su/tu gestor/asesor | intervención programada
"""
