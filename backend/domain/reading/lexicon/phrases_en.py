"""What pitches and ordinary mail say, in English: one finding a paragraph (see `backend.domain.reading.phrases`)."""

PHRASES = """
asks_call: n_number min/mins/minutes | n_number minute | few/ten/fifteen/twenty/five minutes |
    hop/jump/get/hopping/jumping on _ call/zoom/chat | hop/jump on a quick/short/brief call |
    quick/short/brief/intro/introductory/discovery call/chat/demo/conversation/zoom | worth a
    call/chat/look/conversation/coffee/demo/quick/try/read | open to a/having | up for a |
    book/grab/find/pick a/some time/slot | my calendar/diary | calendar link | what does your
    calendar/week/diary look | free to/for _ call/chat | call you | ring you | give you a call/ring |
    when would suit | would _ work/suit for/you/? | does _ work/suit | time to talk/chat/connect/speak |
    quick question | have a moment
offers_free: free audit/trial/sample/samples/consultation/mockup/quote/estimate/
    assessment/pilot/demo/report/review/analysis/test/month/week/copy/
    account/place/lesson/tasting/check/call/of/until/for/first | free _
    audit/trial/sample/consultation/assessment/review/report/month/test | no
    cost/obligation/charge/strings/card/commitment/risk/fee/pitch | zero cost/risk/commitment | without
    obligation/commitment | free of charge | for free | on the house | on us | pay nothing | only pay
    if/when/for | nothing to pay | cost you nothing | costs nothing
what_we_do: we help/helped/provide/offer/supply/sell/rent/manufacture/produce/
    specialise/specialize/represent/distribute/broker/insure/finance/fund/
    clean/roast/install/import/stock/connect/place/match/host/print | i
    help/represent/sell/rent/supply/specialise/specialize/place/offer/train/restore/repair/broker | we
    work with | we make/build/built/run/design/develop/handle/manage/take/do/collect/turn/take/keep _ |
    our platform/tool/software/app/product/agency/company/plugin/system/
    solution/engineers/developers/factory/clients/service/api/firm/studio/workshop | we are/re a
    leading/small/full/team/company/agency | i built/made/wrote a/an | we built/made a/an | o_firm
    use/uses us | x_firm is/does/helps/makes/gives/lets/sits/reads/turns/finds/connects/takes/
    builds/tells/runs/automates/keeps/works/offers/provides/supplies/watches/checks
others_like_you: teams/companies/firms/shops/practices/agencies/people/clients/
    businesses/schools/clinics/founders/offices/stores/brands/hotels/
    restaurants/customers/groups/plants/labs/studios/charities/owners/sites like you/yours/your/o_firm
    | like yours | like o_firm | companies/teams/firms your size | your size | similar to you/yours/your
    | same size | in your industry/area/sector/space/street/position/field | your
    competitors/peers/neighbours/neighbors | other _ like/in | teams/companies/firms at your
claims_result: cut/cuts/reduce/reduces/reduced/save/saves/saved/increase/increases/
    increased/boost/boosted/grew/doubled/tripled/lower/lowered/improve/improved/dropped ..
    n_number/n_percent/n_money | from n_number .. to n_number | n_percent
    less/more/fewer/lower/higher/faster/cheaper/of | n_number x | by n_percent | n_percent in/on/off |
    up to n_percent/n_number/n_money | in n_number days/weeks/hours | saved/saves/saving _ n_number
    hours/hrs | twice/half the/as
noticed_you: saw/noticed/read/loved/enjoyed/spotted/liked/heard/watched/tried/
    checked/admire/follow/following your | saw/noticed/read/spotted/see/seen that/you/o_firm | came/come
    across | looked/looking at your | was/been/went on/through/over/past your |
    walked/drove/cycled/cycle/pass past/your | your
    post/talk/article/piece/podcast/website/site/page/listing/ad/job/docs/blog/profile/shop/menu/window
    | you re/are hiring/expanding/growing/opening/launching | congrats/congratulations on | since
    you/your | i counted | i typed
right_person: right person | best person | right contact | who
    handles/owns/decides/runs/buys/manages/orders/looks/keeps/deals/takes/is/does/would/signs/holds |
    who at/in/on o_firm/your | point me | in charge of | are you the one/person | person who | person
    for/to | forward/pass this/me/it | someone else/on your
bump: following/follow/followed up | circling/circle back | bumping/bump | checking/checked/check
    back/in | touching/touch base | my
    last/previous/earlier/first/note/notes/email/mail/message/emails/mails/questions | did you
    see/get/have/read/receive/catch | get/got/had a chance | any thoughts/interest/news/luck/joy/update
    | top of your inbox | resend/resending/resent/re-sending | second/third/fourth/fifth
    try/time/attempt/email/note/mail | haven/hadn/didn t heard/hear | not/never heard/hear back | me
    again | no answer/reply/response | nudge/nudging | i wrote/emailed/mailed/sent/messaged
    you/to/last/on | i ve/have written/sent/emailed/tried | tried you/to reach/calling | still
    interested/relevant/open/keen | one more/last thing/thought/try | as promised | in case you
    missed/it | buried/slipped | went to spam | quick/gentle reminder
breakup: last email/note/message/one/try/time/attempt/mail/from | close/closing/closed
    your/the/this/my/out _ | won t write/bother/chase/email/mail/trouble/follow/contact/ask/keep | stop
    writing/emailing/mailing/bothering/here | take/taking/took/cross/crossing/strike you/o_firm off |
    should i stop/stay/close/assume/give/go | final note/email/mail/try/attempt | i ll
    assume/leave/stop/close/let/go/give | leave you alone/in/be | give up | giving up | say the word/bye
    | hear nothing | not hear from me | off my list | goodbye | no hard feelings | wrong time/person |
    bad timing | not a priority | moved on
offers_to_send: shall/should/can/could/may i/we
    send/show/share/put/draw/drop/run/bring/hold/reserve/set/prepare/
    record/walk/ship/mail/make/mock/sketch/pop/call/come/do/quote/tell/book/add/include/keep |
    happy/glad to send/show/share/run/walk/do/put/give/explain/hop/mail/bring/demo/set | want me to |
    like me to | i ll/d/can/could send/show/share/bring/drop/put/run/make/mock/happily/gladly/gladly
    you/it/over/a/one/the/by/round/together | let me show/send/know/run/put | want to
    see/try/hear/have/look/know | would you like to/a/me/us/some | want one/some/it/them/a | interested
    ? | care to | send you a/the/some/our/details/more/over | send over | can i interest | may i
easy_no: not relevant/interested/for/a/your/useful/me | if it/this s/isn/is not/relevant/interesting |
    if not | no worries/problem/pressure/rush | just say/reply/tell/hit | reply
    stop/no/with/yes/unsubscribe/back | one word/letter/line | yes or/no | no thanks | either way |
    rather not | prefer not | let me know and i | opt out | unsubscribe | remove you
states_price: n_money a/per/each/apiece/monthly/all/flat/plus/net/fob/ddp/including/incl/for/
    an/annually/once/one/to | from/only/just/at/for n_money | n_money and/or n_money |
    price/prices/cost/costs/starts/start/starting at/from/is/are n_money | n_percent
    discount/off/commission/fee | our price/prices/rate/rates/fee/fees
search_ranking: seo | backlink/backlinks | guest post/posts/article | first page | page one/n_number |
    domain authority | rank/ranking/rankings/ranked | link insertion/building/placement/exchange |
    dofollow | sponsored post/article/content | keyword/keywords | organic traffic | google
    my/ranking/ads
sells_lists: attendee/attendees/email/contact/contacts/visitor/visitors/user/users/
    customer/prospect/prospects/investor/investors/buyer/buyers list/lists/database/file/data/records |
    verified contacts/emails/leads | opt in | direct dials | list of
    attendees/visitors/users/companies/contacts/decision | decision makers | lead generation | qualified
    leads/appointments/meetings | booked meetings
outsourcing: offshore | nearshore | outsource/outsourcing/outsourced | dedicated
    developer/developers/team/resource/resources | staff augmentation | hourly rate/rates |
    web/app/mobile/software/website design/designer/development/developer/redesign | development
    company/team/firm | wordpress | virtual assistant/assistants | back office | indian/india based |
    full stack | data entry
lends_money: working capital | line of credit | business loan/loans/funding/line | merchant cash | pre
    approved | financing | factoring | invoice finance | early payment | unsecured | interest rate |
    credit line | funding for
buys_business: buyer/buyers/investor/investors for/looking/interested/acquiring | selling your/the
    business/company/practice/firm/agency | acquire/acquiring/acquisition/acquirer/acquirers |
    exit/succession/valuation/ebitda | represent/representing a/an _ buyer/group/fund/investor | domain
    for/name/is _ sale | sell your business/company/house/home/car/property/shares | off market
offers_people: candidate/candidates | placement fee | available immediately/now/from | notice period |
    my books | our talent/pool/bench | engineers/developers/analysts/designers/nurses/drivers/annotators
    free/available/ready | profiles | shortlist of | temps | contractors
asks_sponsor: sponsor/sponsors/sponsoring/sponsorship | booth/booths | exhibit/exhibitor/exhibitors |
    speaking slot/slots | delegates | your brand/logo in/on | headline partner | round table |
    roundtable | private dinner
flatters_for_fee: nominated/nomination/nominee | who s who | award/awards | shortlisted | cover
    feature/story | featured in/on | feature you/o_firm/your | selected/picked/chosen you/as/among/for |
    jury/laureate/laureates/honoree | top n_number | leaders to
dear_owner: dear owner/sir/madam/sirs/business/website/team/webmaster/manager/hiring/
    friend/customer/client | greetings of/from | greetings | hope you/this/your/all
    are/is/re/email/finds/doing/well/had | hope you are/re doing/well/having | to whom it | trust
    you/this | how are you | good day | kindly | esteemed | warm regards
introduces_self: i m/am x_name | i m/am _ from/at/with/of/and | this is x_name | x_name here/from | my
    name is | my name s | i run/lead/head/founded/cofounded/started/own | i work at/with/for | we re/are
    a/an/the/one | from x_firm | with x_firm | at x_firm | founder of | on behalf of | i look after | i
    m the/a/an | i am the/a/an
names_clients: customers/clients/brands/companies/teams/users include/including/such/like/are |
    trusted/used by | case study/studies | reference customer/customers/list/project/site | we
    already/currently/also work/supply/serve | just finished/did/helped/installed | n_number
    customers/clients/companies/teams/firms/users/schools/practices/shops use/uses/and/in/of/already |
    we ve done/helped/worked
praises: love/loved/admire/impressed/impressive/brilliant/gorgeous/beautiful/
    fantastic/congrats/congratulations/amazing/awesome/nice | great
    work/job/post/talk/piece/event/site/read
sales_title: business development | account executive/manager | sales
    manager/executive/director/rep/team/development/representative/lead | sdr/bdr | growth |
    partnerships/partnership | outreach | marketing executive/consultant/manager/specialist | commercial
    manager/director | client relations/success/partner | ceo/founder/cofounder/owner | key account |
    digital consultant/strategist
scarcity: only/just n_number left/places/spots/slots/seats/remaining |
    place/places/spot/spots/slot/slots/seat/seats left/available/free/remain | ends
    on/this/tomorrow/soon | first come | last chance/spot/place/few | early bird | before
    friday/it/someone/they | limited | this week only | go to the/another/someone
cold_excuse: don t know me/us | we haven t met | never met/spoken | out of the blue | cold
    email/mail/outreach | hope you don t mind | sorry to
    write/bother/mail/email/use/land/barge/drop/trouble/intrude | got your/o_firm name/email/address
    from/on/off | found your/you/o_firm | reaching out | reach out | i m writing/reaching | writing to
    you/because/you | on linkedin | your name came
asks_price: your price/prices/pricing/quote/rate/rates/charge/charges/fee/fees/
    wholesale/catalogue/catalog/brochure/terms/estimate/availability | price list | price for | how much
    is/would/do/does/for/are/will/it/you | what do/would you charge | what would it/that/this/a cost |
    what does it/that/this cost | what s/is the cost/price/lead | what it costs | send/give/let me/us
    have/a/your/the _ price/quote/prices/catalogue/estimate/invoice/pricing | please quote | quote
    for/us/me | a quote/quotation/estimate | rough cost/idea/price | roughly how/what | our/my budget |
    budget is/of/about/around | cost at | lead time/times | minimum order | in stock | proforma
asks_whether_you_do: do you ship/deliver/take/offer/sell/stock/have/do/make/cover/work/support/
    accept/rent/still/also/ever/know/happen/think/need | are you
    taking/able/available/free/still/open/around/coming/ok/up | could you
    quote/do/make/deliver/fit/come/take/tell/send/please/possibly/help | can you
    do/make/deliver/fit/come/take/send/confirm/tell/please/let/give/add/help | would you be
    willing/able/interested/happy/free/available/prepared/up/open/so | would you
    consider/mind/have/like/take/do/come | is it/there possible/a/any/still/ok | is your _ | have you
    got/any/still
own_need: my wife/husband/mother/father/mum/mom/dad/son/daughter/brother/sister/
    kitchen/garden/house/flat/dog/car/boiler/roof/wedding/kids/partner/niece/boss | our
    house/kitchen/garden/wedding/boiler/roof/old/new/current/project/home/
    son/daughter/supplier/website/requirement/tender | we/i
    bought/inherited/own/moved/live/need/want/require/have | we/i d/would like/love/want/prefer
    to/a/your/you | i m/am/we looking/hoping/interested/thinking/planning for/to/in/of/about | we re/are
    looking/hoping/interested/thinking/planning/opening/renovating/building/moving/switching | for
    our/my | looking to buy/order/hire/rent/book/replace/switch/stock | place an order | recommended
    you/by | recommended by | gave me your | told me about | saw your work/project | read your/about
    your
uses_your_product: we/i use/used/using/run/love/bought/ordered/own/subscribe/tried/installed/have
    your/it/o_firm/the/you/two/one | we ve/i ve been using/used/bought/ordered/run/had/tried | using
    o_firm/your | your product/app/tool/library/package/api/software/plugin/docs/shop/book/
    newsletter/service | our account/plan/workspace/subscription/licence/license/order/ticket/api |
    customer for/since/of | on the pro/team/free/enterprise/business plan | in production | signed up |
    upgrade | renew | invoice
job_for_you: hiring manager | hiring a/an/their/for/two | to find their/its/a/an | looking for
    a/an/its/their _ head/director/vp/lead/engineer/manager/designer/scientist/cto/cfo | search for
    a/an/their | retained by | retained search | executive search | first
    cto/cfo/vp/head/designer/engineer | role | the role/position | your
    background/career/experience/path/cv/resume/profile | base n_number/n_money/salary/of/around/is/up |
    salary/equity/bonus/compensation/package | plus bonus/equity | would you consider/be a/open move/to
    | team of n_number | reports/reporting to | current role | career | successor | in confidence |
    confidential/confidentially | not looking | happy where
applies: my cv/resume/application/portfolio/references/degree/thesis/internship/transcript |
    application for/as | apply/applying/applied for/to/as/with |
    internship/apprenticeship/apprentice/phd/postdoc/placement | cover letter | cv attached | attached
    cv/resume | i graduated/studied/study/finished | work with you/for you | your lab/group/advert | job
    advert/ad/posting | vacancy | my notice
journalism: i m/am a/an/the reporter/journalist/producer/student/researcher/historian/writer/phd |
    reporter/journalist | writing/working/reporting/researching a/an/my/on/about/the
    story/piece/article/book/thesis/feature/profile/chapter/report | for a
    story/piece/article/book/report/study/documentary/podcast | deadline | quote you | on background |
    on the record | interview you/with/about | comment on/by/for | fact check | i file | my editor | our
    readers/listeners | my thesis/dissertation/study | for the paper/magazine/radio | your
    research/paper/study/work on | publish/publishing/published on/in
picks_up_known: as discussed/agreed/promised/requested/mentioned/planned/usual/always/per/you | you
    asked/wanted/requested/ordered/signed/wrote/said/mentioned/sent/told/
    promised/booked/gave/lent/showed/signed/bought/filled/left | you d/had/ve/have
    asked/ordered/said/mentioned/signed/sent/booked/got/requested | your
    order/ticket/invoice/request/booking/application/account/subscription/
    question/reply/message/comments/changes/feedback/edits/draft/signature/
    payment/call/appointment/visit/stay/trial/reservation/registration/
    contract/renewal/tenancy/policy/mail | thanks/thank you/so/for/again/very/much for | thanks for
    your/the/sending/getting/coming/letting/having/yesterday/last/this/joining/signing/coming |
    good/nice/great/lovely/fun to see/meet/talk/chat/speak/sit/catch/hear | good/nice/great/lovely
    seeing/meeting/talking/chatting/speaking | when/since/after we met/spoke/talked/last | our
    call/meeting/conversation/chat/contract/agreement/last/next/lunch/
    visit/session/monthly/weekly/quarterly/talk | yesterday | last
    night/week/friday/monday/tuesday/wednesday/thursday/month/year | see you | still on/ok/good for |
    attached is/are/the/as | attached | here s/is the | i ve/have
    attached/added/fixed/updated/pushed/signed/moved/booked/paid/spoken/checked/changed/put/sent/asked
    | the model/draft/contract/invoice/deck/report/minutes/photos/keys/drawings you/we/i | remember |
    happy to hear
introduces_others: meet x_name/o_name/_ | introducing | intro to/you/below | let me introduce | cc d |
    in cc/copy | copied | in touch | over to you | you two/both | i ll let you | connect you | passing
    this | forwarding | fyi | see below
private_life: love/xx/xxx/xo/mum/mom/dad/grandma/gran/nana/birthday/pub/hug/hugs/
    kisses/darling/honey/sweetheart/auntie/cousin | miss you | dinner/drinks/beer/lunch
    on/at/tonight/tomorrow/friday/saturday/sunday | this weekend | the kids/baby/dog/cat/boys/girls |
    pick up/you up | happy birthday | see you tonight/saturday/sunday/there/soon
paperwork: invoice no/number/nr/attached/for/is/inv | inv n_number | order
    no/number/confirmation/n_number |
    ticket/case/ref/reference/booking/claim/policy/account/po/tracking/parcel no/number/id/n_number |
    payment/balance/rent/fee is/was/due/of/received/failed | due on/date/by | overdue | verification |
    password | sign in | signed in | log in | login | receipt | statement | your card | bank details |
    remittance | vat
at_work: can/could/would you please/just/review/approve/sign/check/look/add/confirm/forward/ask/
    bring/pick/update/fix/merge/upload/print/cover/join/tell/remind/resend/have/get/send | please
    review/approve/sign/check/confirm/bring/find/note/use/update/read/pay/
    complete/return/remember/do/don/see | pr/mr n_number | deploy/deployed/merge/merged | standup |
    sprint | the board/deck/budget/draft/minutes/rota/shift/release/build/client/
    spreadsheet/agenda/team/contract/lease/plumber/invoice/keys/door | let me know what/which/when/if
    you/it/that | heads up | running late | on my way | i ll be | i m/am on/in/at/off/out/back/running |
    we need to/your | deadline | by friday/monday/tuesday/wednesday/thursday/tomorrow/noon/eod | before
    i/we
reports_fault: bug/error/errors/crash/crashes/crashed/broken/outage/downtime/fails/
    failed/failing/refund/missing/wrong/complaint/leak/leaking/damaged/faulty/stuck | stopped working |
    doesn/does/isn/not t/not work/working | can t log/open/find/access/get | steps to reproduce |
    disappointed | still waiting | never arrived | hasn t arrived
not_selling: not selling | nothing to sell | don t want money/anything/your | no money | we don t pay |
    not a pitch/sales | nothing we/i want | no fee/charge for you | not asking/trying for/to | i m not
    selling | free of any
you_subscribed: receiving/getting this because | because you
    signed/subscribed/created/joined/registered/bought/ordered/have/attended/are | your
    trial/plan/subscription/membership/workspace/free | welcome to | thanks for
    signing/joining/subscribing/creating/trying/registering | manage preferences/your | view in/online |
    in this issue | this week s/in | issue n_number | changelog | release notes | new in/features |
    unsubscribe | update your preferences | read online | subscribers | all the best from the | privacy
    policy | all rights | do not reply | cannot reply | confirm your
membership: your registration/talk/session/slot/abstract/badge/seat | agenda | doors open/at | rsvp |
    member/members/committee/volunteer/volunteers/parish/choir/club/match/
    training/allotment/association/donation/trustees/residents/tenants/parents/pupils | general meeting
    | see you at/there/on
authority: inspection/permit/licence/license/council/court/statutory/regulator/regulation/municipality
    | tax return/office/year/authority | planning permission/application/office | deadline for |
    compliance notice/deadline | case number/no | you are/re required/requested | legal notice |
    certificate/certificates | gdpr request
customer_care: your team/account/workspace/plan/usage/seats/contract/renewal
    is/at/has/will/renews/expires/ends/now | you re/are at/on/using/over/near/up/currently | you ve/have
    used | renewal/renews/renew/renewed | quarterly/monthly/annual review/business/report | qbr/csm |
    customer success | your csm | maintenance window | price change/increase/adjustment | scheduled |
    service review/notice | countersigned | dpa/sla | statement of work | purchase order | upgrade to |
    order form | data processing | status page | root cause | resolved
"""
