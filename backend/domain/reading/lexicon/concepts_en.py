"""English words by what they are about (see `backend.domain.reading.concepts`); * stands for any ending."""

CONCEPTS = """
we: we us
our: our ours
i: i
my: my
you: you
your: your yours
offer: offer* offering provide* propos*
help: help* assist* support*
sell: sell* supply supplies supplier vend* reseller distributor
make: make makes build builds built building produce* manufactur* develop* create* design*
rent: rent rents rental lease leasing hire
buy: buy buys buying purchas* bought acquire
order: order orders ordered ordering
price: price* pricing cost costs rate rates fee fees cheaper cheap
quote: quote quotes quotation estimate
free: free complimentary gratis
discount: discount* off deal save savings cheaper
call: call calls phone ring dial
meet: meet meets meeting met coffee lunch visit drop by
talk: talk talks chat speak discuss conversation
minutes: minute minutes min mins
schedule: calendar schedule slot slots available availability book
weekdays: monday tuesday wednesday thursday friday
soon: week month next tomorrow
past: yesterday last earlier previous ago already
demo: demo demos walkthrough presentation showcase
trial: trial trials pilot test try
sample: sample samples swatch
audit: audit audits review assessment analysis check scan benchmark
report: report reports findings document list
send: send sends sending sent forward share
show: show shows showing look see
reply: reply replies respond response answer hear back
question: question questions ask asking wonder wondering curious
interested: interest* relevant curious keen
need: need needs require required must
want: want wants would like love wish prefer
can: can could may might able
increase: increase* grow* growth boost more improve* scale double
reduce: reduce* cut cuts cutting lower fewer less drop* shorten avoid*
customers: customer* client* users
company: company companies business businesses firm firms organisation* organization*
teams: team teams staff
similar: similar like such comparable size peers
boss: ceo cto founder owner director manager head vp cmo
website: website site page pages homepage web online
google: google seo ranking rank rankings keywords backlinks traffic search visibility
leads: leads lead pipeline prospects appointments outreach sales revenue
marketing: marketing ads advertising campaign* social media brand
software: software tool tools platform app saas api system automation ai
service: service services solution solutions agency consultancy
developers: developers engineers programmers devs offshore nearshore outsourcing staff augmentation
contacts: contacts database verified emails list attendees
candidate: candidate candidates profile profiles shortlist placement
job: role job position vacancy opening career
hire: hire hiring recruit* headhunt* search staffing talent
salary: salary base bonus equity compensation package
apply: cv resume application apply applying applicant cover letter internship
press: journalist article story interview newspaper magazine reporter editor publish deadline podcast
research: research study survey thesis university students professor paper
invoice: invoice invoices bill payment pay paid overdue balance receipt statement
contract: contract contracts agreement sign signed signature terms clause nda
delivery: delivery deliver ship shipping shipped shipment tracking parcel
ticket: ticket case reference number request support incident status
account: account login password security access verify code sign-in
subscription: subscription newsletter plan renew renewal membership issue edition
insurance: insurance insured policy cover premium
loan: loan loans funding capital financing cash advance credit lender invest investors
energy: energy electricity power gas solar kwh
premises: office offices space building property warehouse cleaning facility
machine: machine machines equipment parts factory plant material materials stock units pieces
sponsor: sponsor* sponsorship booth exhibit*
event: event conference summit webinar workshop dinner roundtable meetup speaker panel invite invitation
partner: partner partners partnership collaborate collaboration cooperate together affiliate commission
acquire: acquire acquisition buyer buyers exit sell your business valuation succession
family: mom mum dad kids son daughter wife husband grandma birthday love wedding
school: school class pupils teacher parents lesson term exam
thanks: thank thanks grateful appreciate
sorry: sorry apolog* excuse
please: please kindly
hope: hope hoping trust
followup: following follow bump circling circle checking touching nudge reminder floating again resend
    resurfacing earlier previous last try
giveup: stop close closing goodbye farewell won final breakup bother bothering disappear
noticed: noticed saw seen spotted came across looking browsing visited stumbled
mutual: introduced recommended suggested mentioned told gave referred friend
agreed: agreed discussed promised mentioned requested asked per confirmed decided
attached: attached attachment enclosed here below
problem: problem problems issue bug error broken fails crash outage
optout: unsubscribe opt-out remove relevant reach list
rightperson: responsible charge person handles decides owns appropriate
quick: quick quickly brief short briefly worth
obligation: obligation commitment strings risk guarantee pressure
experience: experience years certified award experts specialist specialise specialize leading trusted
casestudy: case study example results reference testimonial
hello: hi hello hey dear morning
buyerask: stock wholesale catalogue catalog minimum lead-time availab* brochure
customerof: using use used bought ordered subscribed signed-up customer member existing
home: house kitchen garden roof car bathroom bike dog
health: doctor appointment patient clinic surgery dentist health
authority: tax authority inspection permit council court registration notice official
legal: lawyer legal claim litigation attorney compliance regulation gdpr
"""
