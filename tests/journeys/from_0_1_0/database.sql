BEGIN TRANSACTION;
CREATE TABLE answers (
    signature TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    challenge_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
INSERT INTO "answers" VALUES('e461cb5fd8f3e13f53e3806305998933f7e1f9872025f379a730a34187a1a0f0','01m8dnm1c9t4ceqj85yydzktkm','01m8dnm7sqz64wwsp7bbpgksjy',1795756127000000);
CREATE TABLE balances (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    sender TEXT NOT NULL,
    balance INTEGER NOT NULL CHECK (balance >= 0),
    PRIMARY KEY (mailbox_id, sender)
) STRICT;
INSERT INTO "balances" VALUES('01m8dnm1c9t4ceqj85yydzktkm','sam@pitchworks.example',1);
CREATE TABLE challenges (
    id TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    gmail_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    sender_domain TEXT NOT NULL,
    state TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    sealed_token BLOB NOT NULL,
    message_id TEXT NOT NULL,
    cause TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    sending_at INTEGER,
    ended_at INTEGER,
    solved_at INTEGER,
    sent_gmail_id TEXT NOT NULL DEFAULT ''
, started_at INTEGER, bounced_at INTEGER) STRICT;
INSERT INTO "challenges" VALUES('01m8dnm7sqz64wwsp7bbpgksjy','01m8dnm1c9t4ceqj85yydzktkm','1a21b5a1a7390936','1a21b5a1a7390936','sam@pitchworks.example','pitchworks.example','solved',0,'6a94f9587fb64756e7b7191b0e6b584279e4eee074d9a6bbfaa122ff306ceba4',X'','<01m8dnm7sqz64wwsp7bbpgksjy.01m8dnm7sq5q9yb8kp6t2nkyfy@harbourlane.example>','',1795755220763948,1796964820791931,1795755220864158,1795755228634889,1795755228634889,'1a21b5a22959419b',1795755228634889,NULL);
INSERT INTO "challenges" VALUES('01m8dnm7ssaw0krtcdw575nfvr','01m8dnm1c9t4ceqj85yydzktkm','1a21b5a1a767d608','1a21b5a1a767d608','mira@rankrocket.example','rankrocket.example','sent',1,'76a45e9b5e894949bbd846b702fdfe6dca907f90b8cafe0df3268116e757e24b',X'','<01m8dnm7ssaw0krtcdw575nfvr.01m8dnm7ss7xj0c57pv6ndcyk5@harbourlane.example>','',1795755220764074,1796964820793743,1795755220866376,NULL,NULL,'1a21b5a26b34450c',NULL,NULL);
INSERT INTO "challenges" VALUES('01m8dnm7sty149amezbmq7j5dd','01m8dnm1c9t4ceqj85yydzktkm','1a21b5a1a7ae122f','1a21b5a1a7ae122f','tom@devsquad.example','devsquad.example','voided',0,'178a50acdbd3e70407f18103c5f14b7f0f69df32aa299bb718f4b8134f21c2ca',X'','<01m8dnm7sty149amezbmq7j5dd.01m8dnm7st69z2nyhtd8css67j@harbourlane.example>','',1795755220764197,1796964820794372,1795755220868133,1795755230534312,NULL,'1a21b5a2acdb5163',NULL,NULL);
INSERT INTO "challenges" VALUES('01m8dnm7st6wb04sqn6bk0yk4q','01m8dnm1c9t4ceqj85yydzktkm','1a21b5a1a7d03cca','1a21b5a1a7d03cca','carla@listforge.example','listforge.example','voided',0,'9281ca676624ad8bad9c3ce58fe06c2c706690e9c31f0001d9c8a333a69a7b36',X'','<01m8dnm7st6wb04sqn6bk0yk4q.01m8dnm7st1616d0zgvfxshtya@harbourlane.example>','',1795755220764271,1796964820794718,1795755220883581,1795755230567407,NULL,'1a21b5a2eeb4f036',NULL,NULL);
INSERT INTO "challenges" VALUES('01m8dnm7t9k5z4rkzxp7ef2ppd','01m8dnm1c9t4ceqj85yydzktkm','1a21b5a1a81bf413','1a21b5a1a81bf413','derek.holm@fundbridge.example','fundbridge.example','sent',1,'a9271bc4c4457f7f442fab630d537c0f64f5872cc313cbe1d6ce5694fef6dd9f',X'','<01m8dnm7t9k5z4rkzxp7ef2ppd.01m8dnm7t94pap5fm125wbd378@harbourlane.example>','',1795755220806377,1796964820809367,1795755220885230,NULL,NULL,'1a21b5a330cbedac',NULL,NULL);
CREATE TABLE code_tries (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    code_id TEXT NOT NULL,
    challenge_id TEXT NOT NULL,
    tries INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, code_id)
) STRICT;
CREATE TABLE corrections (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    correction_key TEXT NOT NULL,
    gmail_id TEXT NOT NULL,
    decision TEXT NOT NULL,
    origin TEXT NOT NULL,
    pending INTEGER NOT NULL,
    moved TEXT NOT NULL,
    before TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    undone_at INTEGER,
    undo_moved TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (mailbox_id, correction_key)
) STRICT;
INSERT INTO "corrections" VALUES('01m8dnm1c9t4ceqj85yydzktkm','5d62f4951f3703478b249cfa','1a21b5a1a7ae122f','block','tray',0,'[]','{"messages": [{"gmail_id": "1a21b5a1a7ae122f", "placement": "held", "decided_by": "", "revision": 0, "moved": false}], "rules": [{"subject": "tom@devsquad.example", "before": null, "after": "block"}], "challenges": [{"id": "01m8dnm7sty149amezbmq7j5dd", "state": "sent", "gmail_id": "1a21b5a1a7ae122f"}], "refunds": []}',1795755230534312,NULL,'[]');
INSERT INTO "corrections" VALUES('01m8dnm1c9t4ceqj85yydzktkm','6cde8e4eec2040dca329186d','1a21b5a1a7d03cca','allow','tray',0,'["1a21b5a1a7d03cca"]','{"messages": [{"gmail_id": "1a21b5a1a7d03cca", "placement": "held", "decided_by": "", "revision": 1, "moved": true}], "rules": [{"subject": "carla@listforge.example", "before": null, "after": "allow"}], "challenges": [{"id": "01m8dnm7st6wb04sqn6bk0yk4q", "state": "sent", "gmail_id": "1a21b5a1a7d03cca"}], "refunds": []}',1795755230567407,NULL,'[]');
CREATE TABLE correspondents (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    address TEXT NOT NULL,
    learned_at INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, address)
) STRICT;
INSERT INTO "correspondents" VALUES('01m8dnm1c9t4ceqj85yydzktkm','rosa.vidal@postbox.example',1795755215356424);
CREATE TABLE daily_totals (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    day TEXT NOT NULL,
    posting TEXT NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, day, posting)
) STRICT;
INSERT INTO "daily_totals" VALUES('01m8dnm1c9t4ceqj85yydzktkm','2026-11-27','earned',3);
INSERT INTO "daily_totals" VALUES('01m8dnm1c9t4ceqj85yydzktkm','2026-11-27','spent',-2);
CREATE TABLE devices (
    id TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    token_hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER
) STRICT;
INSERT INTO "devices" VALUES('53ae16f92ede461b','01m8dnm1c9t4ceqj85yydzktkm','c3ecf1ffe64e4707f44054b86beb2f8f2763ba9627101029fc08e24d72828372','laptop','["correct","devices","read","settings"]',1795755219479603,1795755219479603);
CREATE TABLE duties (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    duty TEXT NOT NULL,
    is_open INTEGER NOT NULL DEFAULT 1,
    due_at INTEGER,
    asked_at INTEGER,
    wanted INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    lease TEXT,
    error TEXT NOT NULL DEFAULT '', again_at INTEGER,
    PRIMARY KEY (mailbox_id, duty)
) STRICT;
INSERT INTO "duties" VALUES('01m8dnm1c9t4ceqj85yydzktkm','sync',1,1795755232729188,NULL,11,0,NULL,'',1795755232729188);
INSERT INTO "duties" VALUES('01m8dnm1c9t4ceqj85yydzktkm','watch',1,1795837709886041,NULL,1,0,NULL,'',NULL);
INSERT INTO "duties" VALUES('01m8dnm1c9t4ceqj85yydzktkm','index',1,NULL,NULL,1,0,NULL,'',NULL);
INSERT INTO "duties" VALUES('01m8dnm1c9t4ceqj85yydzktkm','leave',1,NULL,NULL,0,0,NULL,'',NULL);
INSERT INTO "duties" VALUES('01m8dnm1c9t4ceqj85yydzktkm','retain',1,1795841614218059,NULL,1,0,NULL,'',1795841614218059);
INSERT INTO "duties" VALUES('01m8dnm1c9t4ceqj85yydzktkm','preview',1,NULL,NULL,0,0,NULL,'',NULL);
CREATE TABLE event_heads (
    mailbox_id TEXT PRIMARY KEY REFERENCES mailboxes (id),
    latest INTEGER NOT NULL
) STRICT;
INSERT INTO "event_heads" VALUES('01m8dnm1c9t4ceqj85yydzktkm',13);
CREATE TABLE events (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    gmail_id TEXT NOT NULL DEFAULT '',
    placement TEXT NOT NULL DEFAULT '',
    decided_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (mailbox_id, id)
) STRICT;
INSERT INTO "events" VALUES('01m8dnm1c9t4ceqj85yydzktkm',1,'status','','','');
INSERT INTO "events" VALUES('01m8dnm1c9t4ceqj85yydzktkm',2,'status','','','');
INSERT INTO "events" VALUES('01m8dnm1c9t4ceqj85yydzktkm',3,'status','','','');
INSERT INTO "events" VALUES('01m8dnm1c9t4ceqj85yydzktkm',4,'held','1a21b5a1a7390936','held','');
INSERT INTO "events" VALUES('01m8dnm1c9t4ceqj85yydzktkm',5,'held','1a21b5a1a767d608','held','');
INSERT INTO "events" VALUES('01m8dnm1c9t4ceqj85yydzktkm',6,'held','1a21b5a1a7ae122f','held','');
INSERT INTO "events" VALUES('01m8dnm1c9t4ceqj85yydzktkm',7,'held','1a21b5a1a7d03cca','held','');
INSERT INTO "events" VALUES('01m8dnm1c9t4ceqj85yydzktkm',8,'held','1a21b5a1a81bf413','held','');
INSERT INTO "events" VALUES('01m8dnm1c9t4ceqj85yydzktkm',9,'moved','1a21b5a1a7390936','inbox','solve');
INSERT INTO "events" VALUES('01m8dnm1c9t4ceqj85yydzktkm',10,'moved','1a21b5a1a7ae122f','held','owner');
INSERT INTO "events" VALUES('01m8dnm1c9t4ceqj85yydzktkm',11,'moved','1a21b5a1a7d03cca','inbox','owner');
INSERT INTO "events" VALUES('01m8dnm1c9t4ceqj85yydzktkm',12,'status','','','');
INSERT INTO "events" VALUES('01m8dnm1c9t4ceqj85yydzktkm',13,'held','1a21b5a451a67e2f','held','');
CREATE TABLE lanes (
    mailbox_id TEXT PRIMARY KEY REFERENCES mailboxes (id),
    is_open INTEGER NOT NULL DEFAULT 1,
    turn_at INTEGER,
    turns INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "lanes" VALUES('01m8dnm1c9t4ceqj85yydzktkm',1,1795755291622948,11);
CREATE TABLE ledger (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    posting_key TEXT NOT NULL,
    sender TEXT NOT NULL,
    posting TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount <> 0),
    about TEXT NOT NULL,
    day TEXT NOT NULL,
    posted_at INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, posting_key)
) STRICT;
INSERT INTO "ledger" VALUES('01m8dnm1c9t4ceqj85yydzktkm','earn:01m8dnm7sqz64wwsp7bbpgksjy','sam@pitchworks.example','earned',3,'01m8dnm7sqz64wwsp7bbpgksjy','2026-11-27',1795755228634889);
INSERT INTO "ledger" VALUES('01m8dnm1c9t4ceqj85yydzktkm','spend:1a21b5a1a7390936','sam@pitchworks.example','spent',-1,'1a21b5a1a7390936','2026-11-27',1795755228634889);
INSERT INTO "ledger" VALUES('01m8dnm1c9t4ceqj85yydzktkm','spend:1a21b5a44ef5fb25','sam@pitchworks.example','spent',-1,'1a21b5a44ef5fb25','2026-11-27',1795755231610587);
CREATE TABLE mailboxes (
    id TEXT PRIMARY KEY,
    sub TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    aliases TEXT NOT NULL DEFAULT '[]',
    link TEXT NOT NULL,
    link_cause TEXT NOT NULL DEFAULT '',
    sealed_token BLOB,
    scopes TEXT NOT NULL,
    preferences TEXT NOT NULL,
    label_held TEXT NOT NULL DEFAULT '',
    label_would_hold TEXT NOT NULL DEFAULT '',
    label_allow TEXT NOT NULL DEFAULT '',
    label_block TEXT NOT NULL DEFAULT '',
    cursor TEXT NOT NULL DEFAULT '',
    page_token TEXT NOT NULL DEFAULT '',
    page_start TEXT NOT NULL DEFAULT '',
    safe_since INTEGER,
    watch_expires_at INTEGER,
    indexed_at INTEGER,
    index_page TEXT NOT NULL DEFAULT '',
    index_done INTEGER NOT NULL DEFAULT 0,
    index_total INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
, last_gap TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "mailboxes" VALUES('01m8dnm1c9t4ceqj85yydzktkm','187876131233047068208','ana@harbourlane.example','Ana Duarte','["ana@harbourlane.example"]','connected','',X'674141414141427243517A4F4F743238566B76794B776E334C645978683176574955554B6C5A3257646E6476714762587533377A7A496A3064327944794162644F55456B616C6B686A63626E757151636947766B773068505A4947356E4A61364231666D434D6669467569676B464B3655485F5755723335427170756258656A364B4338494B665135386E43763551304F7A454B472D744F32553170466D7A6659334B4C556C414266685641415635463442434B3772397256626A4B616A447163486B526A6A3563434C626A','["https://www.googleapis.com/auth/gmail.modify","https://www.googleapis.com/auth/userinfo.email","openid"]','{"mode": "challenge", "strictness": "strict", "left_alone": ["CATEGORY_FORUMS", "CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL"], "rows_off": [], "credits_per_solve": 3, "daily_challenges": 50, "domain_challenges": 3, "retention_days": 90, "paused_until": null, "wording": {}}','Label_2','Label_3','Label_4','Label_5','253911','','',1795755231593014,1796360015138000,1795755215363909,'',1,1,1795755214218059,1795755230615358,'');
CREATE TABLE messages (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    gmail_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    labels TEXT,
    backlog INTEGER NOT NULL,
    first_seen_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    stage TEXT,
    due_at INTEGER,
    lease TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0,
    set_aside INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    placement TEXT,
    decided_by TEXT NOT NULL DEFAULT '',
    outcome TEXT NOT NULL DEFAULT '',
    policy_row TEXT NOT NULL DEFAULT '',
    score REAL,
    logit REAL,
    model TEXT NOT NULL DEFAULT '',
    reasons TEXT NOT NULL DEFAULT '[]',
    guards TEXT NOT NULL DEFAULT '[]',
    cause TEXT NOT NULL DEFAULT '',
    decided_at INTEGER,
    sender TEXT NOT NULL DEFAULT '',
    sender_name TEXT NOT NULL DEFAULT '',
    sender_domain TEXT NOT NULL DEFAULT '',
    subject TEXT NOT NULL DEFAULT '',
    message_id TEXT NOT NULL DEFAULT '',
    received_at INTEGER,
    authenticated INTEGER NOT NULL DEFAULT 0,
    reference_ids TEXT NOT NULL DEFAULT '[]',
    reply_to TEXT NOT NULL DEFAULT '',
    language TEXT NOT NULL DEFAULT '', appeal TEXT NOT NULL DEFAULT '', deaths INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (mailbox_id, gmail_id)
) STRICT;
INSERT INTO "messages" VALUES('01m8dnm1c9t4ceqj85yydzktkm','1a21b5a1a416f8f8','1a21b5a1a416f8f8','["CATEGORY_PERSONAL","INBOX","UNREAD"]',0,1795755220675755,1795755220763643,NULL,NULL,NULL,0,0,0,'','inbox','','inbox','below_hold',4.81485775983424108e-06,-1.22437992393332582e+01,'50e9d8-84abbbe1','[{"text":"words of ordinary mail","weight":-8.58664357785031,"words":["sunday","the (number)","on the","thank you","ordered"]},{"text":"comes from a domain made for campaigns","weight":-1.3426765121393005,"words":[]},{"text":"is about work you share","weight":-0.7164418416686669,"words":["could you check"]},{"text":"is about an invoice, order or ticket","weight":-0.6555410312354699,"words":["order (number)"]},{"text":"is about private life","weight":-0.46487622403847195,"words":["birthday"]},{"text":"tells of a need of the sender’s own","weight":-0.3386867934157655,"words":["i need"]}]','[]','',1795755220763643,'henrik.moe@fjordmail.example','Henrik Moe','fjordmail.example','My order 20418 has not arrived','<bb46abaec2349226e119415b@fjordmail.example>',1795755219521000,1,'[]','henrik.moe@fjordmail.example','en','',0);
INSERT INTO "messages" VALUES('01m8dnm1c9t4ceqj85yydzktkm','1a21b5a1a5fdcdcc','1a21b5a1a5fdcdcc','["CATEGORY_PERSONAL","INBOX","UNREAD"]',0,1795755220675755,1795755220763732,NULL,NULL,NULL,0,0,0,'','inbox','','inbox','below_hold',3.47369886466970142e-05,-1.02676707459101166e+01,'50e9d8-84abbbe1','[{"text":"words of ordinary mail","weight":-5.096874087451533,"words":["(phone number)","order","ending","total","gift"]},{"text":"was sent by a machine","weight":-4.117089011143675,"words":[]},{"text":"comes from a shared address","weight":-1.0425639955665509,"words":[]},{"text":"picks up something both know","weight":-1.0063336544557917,"words":["thank you for","your order","your invoice","attached"]},{"text":"is about an invoice, order or ticket","weight":-0.9732297024857874,"words":["receipt","order (number)","invoice is"]},{"text":"comes from somebody who uses what you make","weight":-0.13515077892024938,"words":["invoice"]}]','[]','',1795755220763732,'orders@paperhaus.example','Paperhaus','paperhaus.example','Your receipt for order 88-1120','<26a47162572539d8e643fe27@paperhaus.example>',1795755219551000,1,'[]','orders@paperhaus.example','en','',0);
INSERT INTO "messages" VALUES('01m8dnm1c9t4ceqj85yydzktkm','1a21b5a1a6c81457','1a21b5a1a6c81457','["CATEGORY_PERSONAL","INBOX","UNREAD"]',0,1795755220675755,1795755220763793,NULL,NULL,NULL,0,0,0,'','inbox','','inbox','correspondent',1.86448186589733666e-01,-1.47325623600125199e+00,'50e9d8-84abbbe1','[{"text":"words of ordinary mail","weight":-2.980423327056343,"words":["the (number)","on the","bring","(number) th","from the"]},{"text":"“Re:” without an earlier mail","weight":1.1779056350829267,"words":[]},{"text":"offers to send or show something","weight":0.41038675661235835,"words":["shall i bring"]},{"text":"asks for a call or a meeting","weight":0.3904285150382117,"words":["twenty minutes"]},{"text":"the length of its subject","weight":-0.4094107987040274,"words":[]},{"text":"its length","weight":-0.37682054810800686,"words":[]}]','[]','',1795755220763793,'rosa.vidal@postbox.example','Rosa Vidal','postbox.example','Re: Reading on the 12th','<8e8484229d5fb8cbbc76966d@postbox.example>',1795755219564000,1,'[]','rosa.vidal@postbox.example','en','',0);
INSERT INTO "messages" VALUES('01m8dnm1c9t4ceqj85yydzktkm','1a21b5a1a7390936','1a21b5a1a7390936','["CATEGORY_PERSONAL","INBOX","UNREAD"]',0,1795755220675755,1795755228668822,NULL,NULL,NULL,0,1,0,'','inbox','solve','challenge','challenge',9.98569934722392193e-01,6.54860409827849299e+00,'50e9d8-84abbbe1','[{"text":"words of a pitch","weight":3.1272458982396767,"words":["open","(sender’s name)","(sender’s firm)","in (number)","yours"]},{"text":"comes from a domain made for campaigns","weight":-0.22331822934160406,"words":[]},{"text":"offers an easy way to say no","weight":0.14995146708847226,"words":["rather not","just reply","reply no","no thanks"]},{"text":"asks for a call or a meeting","weight":0.13386043373880271,"words":["quick question","open to a","(number) minute","grab a slot","my calendar"]},{"text":"is signed with a sales title","weight":0.11747669686609798,"words":["outreach","account executive"]},{"text":"claims results in figures","weight":0.11505300496049622,"words":["(percentage) of","doubled their pipeline in (number)","in (number) days"]}]','[]','',1795755220763948,'sam@pitchworks.example','Sam Okafor','pitchworks.example','Quick question about Harbour Lane''s outreach','<14bcbeebc092bef127cfdc79@pitchworks.example>',1795755219571000,1,'[]','sam@pitchworks.example','en','',0);
INSERT INTO "messages" VALUES('01m8dnm1c9t4ceqj85yydzktkm','1a21b5a1a767d608','1a21b5a1a767d608','["CATEGORY_PERSONAL","INBOX","UNREAD"]',0,1795755220675755,1795755222709314,NULL,NULL,NULL,0,0,0,'','held','','challenge','challenge',9.99636290403251082e-01,7.91879104412267587e+00,'50e9d8-84abbbe1','[{"text":"words of a pitch","weight":3.3390710946239057,"words":["(sender’s name)","website","(sender’s firm)","(your firm)","price"]},{"text":"is about links or search ranking","weight":0.22424595670461775,"words":["seo","first page","ranking","keywords","link building"]},{"text":"asks a question","weight":0.8353150558135881,"words":[]},{"text":"offers to send or show something","weight":0.12625536078567387,"words":["i can send you","send you a","shall i send","send you our"]},{"text":"offers something free or without obligation","weight":0.10195450355462969,"words":["free website audit","no obligation"]},{"text":"says it noticed something of yours","weight":0.09991688875531371,"words":["was on your","your website"]}]','[]','',1795755220764074,'mira@rankrocket.example','Mira Lindgren','rankrocket.example','SEO audit for harbourlane.example','<3530e7414868df3f2d7b356f@rankrocket.example>',1795755219574000,1,'[]','mira@rankrocket.example','en','',0);
INSERT INTO "messages" VALUES('01m8dnm1c9t4ceqj85yydzktkm','1a21b5a1a7ae122f','1a21b5a1a7ae122f','["CATEGORY_PERSONAL","INBOX","UNREAD"]',0,1795755220675755,1795755230534312,NULL,NULL,NULL,0,0,0,'','held','owner','challenge','challenge',0.999045055645039,6.95290208563299483e+00,'50e9d8-84abbbe1','[{"text":"words of a pitch","weight":3.956358360906368,"words":["(sender’s name)","(sender’s firm)","(amount)","free","we have"]},{"text":"asks who is responsible","weight":0.29440627610156683,"words":["right person","person to"]},{"text":"claims results in figures","weight":0.17136938010061656,"words":["cut your development cost by (percentage)"]},{"text":"tells of a need of the sender’s own","weight":-0.1490502523474478,"words":["we have"]},{"text":"is signed with a sales title","weight":0.14171191639765532,"words":["sales director"]},{"text":"excuses itself for coming unasked","weight":0.14100086156704258,"words":["i m reaching","reaching out"]}]','[]','',1795755220764197,'tom@devsquad.example','Tom Baxter','devsquad.example','Dedicated developers for your roadmap?','<226584c19f98def82ebab670@devsquad.example>',1795755219578000,1,'[]','tom@devsquad.example','en','',0);
INSERT INTO "messages" VALUES('01m8dnm1c9t4ceqj85yydzktkm','1a21b5a1a7d03cca','1a21b5a1a7d03cca','["CATEGORY_PERSONAL","INBOX","UNREAD"]',0,1795755220675755,1795755230635947,NULL,NULL,NULL,0,1,0,'','inbox','owner','challenge','challenge',9.91954427799048077e-01,4.81455526355518,'50e9d8-84abbbe1','[{"text":"words of a pitch","weight":2.559173287882946,"words":["list","attendee","name","know your","contacts"]},{"text":"offers addresses or leads","weight":0.34487556577978645,"words":["attendee list","email list","verified contacts"]},{"text":"is signed with a sales title","weight":0.2361404184493605,"words":["marketing executive"]},{"text":"asks whether you can do something","weight":-0.2320775026599255,"words":["would you be interested"]},{"text":"is about buying or selling a business","weight":0.1654009279069646,"words":["acquiring"]},{"text":"offers to send or show something","weight":0.16209522233501963,"words":["let me know"]}]','[]','',1795755220764271,'carla@listforge.example','Carla Finch','listforge.example','Attendee list: Book Fair 2026','<149ff6effae04012878044f4@listforge.example>',1795755219581000,1,'[]','carla@listforge.example','en','',0);
INSERT INTO "messages" VALUES('01m8dnm1c9t4ceqj85yydzktkm','1a21b5a1a81bf413','1a21b5a1a81bf413','["CATEGORY_PERSONAL","INBOX","UNREAD"]',0,1795755220675755,1795755225883816,NULL,NULL,NULL,0,0,0,'','held','','challenge','challenge',9.99147950743187296e-01,7.06701380718845317e+00,'50e9d8-84abbbe1','[{"text":"words of a pitch","weight":3.6721881167555974,"words":["(sender’s name)","(amount)","in (number)","working","small"]},{"text":"is about loans or financing","weight":0.527377175527678,"words":["working capital","pre approved","line of credit"]},{"text":"states a price","weight":0.43872087123322023,"words":["(amount) and (amount)","our rates"]},{"text":"says what the sender’s firm does","weight":0.20808977708006507,"words":["i help"]},{"text":"offers an easy way to say no","weight":0.18152904349417975,"words":["just reply","reply yes"]},{"text":"is about work you share","weight":-0.14281075421494513,"words":["would you have"]}]','[]','',1795755220806377,'derek.holm@fundbridge.example','Derek Holm','fundbridge.example','Working capital for Harbour Lane','<b74fd48651ba2609f65fe707@fundbridge.example>',1795755219585000,1,'[]','derek.holm@fundbridge.example','en','',0);
INSERT INTO "messages" VALUES('01m8dnm1c9t4ceqj85yydzktkm','1a21b5a44ef5fb25','1a21b5a44ef5fb25','["CATEGORY_PERSONAL","INBOX","UNREAD"]',0,1795755231597864,1795755231610587,NULL,NULL,NULL,0,0,0,'','inbox','credit','inbox','credit',9.987587032480294e-01,6.69035661028219141e+00,'50e9d8-84abbbe1','[{"text":"words of a pitch","weight":3.1509422695352267,"words":["open","(sender’s name)","(sender’s firm)","in (number)","(percentage)"]},{"text":"comes from a domain made for campaigns","weight":-0.20329777921784448,"words":[]},{"text":"offers an easy way to say no","weight":0.13890849892747983,"words":["rather not","just reply","reply no","no thanks"]},{"text":"asks for a call or a meeting","weight":0.11985421625798967,"words":["open to a","(number) minute","grab a slot","my calendar"]},{"text":"claims results in figures","weight":0.10305406920560115,"words":["(percentage) of","doubled their pipeline in (number)","in (number) days"]},{"text":"follows up on an earlier approach","weight":0.09990110968856891,"words":["one more thing"]}]','[]','',1795755231610587,'sam@pitchworks.example','Sam Okafor','pitchworks.example','One more thing','<cb791ce412a134b84a598c87@pitchworks.example>',1795755230447000,1,'[]','sam@pitchworks.example','en','',0);
INSERT INTO "messages" VALUES('01m8dnm1c9t4ceqj85yydzktkm','1a21b5a451a67e2f','1a21b5a451a67e2f','["CATEGORY_PERSONAL","INBOX","UNREAD"]',0,1795755231597864,1795755231627653,NULL,NULL,NULL,0,0,0,'','held','','hold','held_with_earlier',9.99679189997327521e-01,8.04434064058463249e+00,'50e9d8-84abbbe1','[{"text":"words of a pitch","weight":3.530283767065943,"words":["website","(sender’s name)","(sender’s firm)","free","google"]},{"text":"is about links or search ranking","weight":0.27293516800342627,"words":["seo","first page","ranking","keywords","link building"]},{"text":"follows up on an earlier approach","weight":0.21599345494645558,"words":["did you see","my note"]},{"text":"asks a question","weight":0.7808498873675417,"words":[]},{"text":"offers something free or without obligation","weight":0.15233342478819942,"words":["free website audit","no obligation"]},{"text":"offers to send or show something","weight":0.14655981623184644,"words":["i can send you","send you a","shall i send","send you our"]}]','[]','',1795755231610740,'mira@rankrocket.example','Mira Lindgren','rankrocket.example','Did you see my note?','<a7a18b1195569f9dd46b95e2@rankrocket.example>',1795755230490000,1,'[]','mira@rankrocket.example','en','',0);
CREATE TABLE notices (
    push_id TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    history_id TEXT NOT NULL,
    fate TEXT NOT NULL,
    repeats INTEGER NOT NULL DEFAULT 0,
    received_at INTEGER NOT NULL
) STRICT;
INSERT INTO "notices" VALUES('11899270000003','01m8dnm1c9t4ceqj85yydzktkm','253720','new',0,1795755215152499);
INSERT INTO "notices" VALUES('11899270000276','01m8dnm1c9t4ceqj85yydzktkm','253733','new',0,1795755219551971);
INSERT INTO "notices" VALUES('11899270000511','01m8dnm1c9t4ceqj85yydzktkm','253798','new',0,1795755220844412);
INSERT INTO "notices" VALUES('11899270000616','01m8dnm1c9t4ceqj85yydzktkm','253853','new',0,1795755222711193);
INSERT INTO "notices" VALUES('11899270000648','01m8dnm1c9t4ceqj85yydzktkm','253855','new',0,1795755223777842);
INSERT INTO "notices" VALUES('11899270001314','01m8dnm1c9t4ceqj85yydzktkm','253859','new',0,1795755224815773);
INSERT INTO "notices" VALUES('11899270001705','01m8dnm1c9t4ceqj85yydzktkm','253862','new',0,1795755225940053);
INSERT INTO "notices" VALUES('11899270002138','01m8dnm1c9t4ceqj85yydzktkm','253870','new',0,1795755228671422);
INSERT INTO "notices" VALUES('11899270002679','01m8dnm1c9t4ceqj85yydzktkm','253880','new',0,1795755230487876);
INSERT INTO "notices" VALUES('11899270003128','01m8dnm1c9t4ceqj85yydzktkm','253914','new',0,1795755231629188);
CREATE TABLE one_time_codes (
    code_hash TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    purpose TEXT NOT NULL,
    detail TEXT NOT NULL,
    name TEXT NOT NULL,
    device_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
INSERT INTO "one_time_codes" VALUES('c3ecf1ffe64e4707f44054b86beb2f8f2763ba9627101029fc08e24d72828372','01m8dnm1c9t4ceqj85yydzktkm','device','x','laptop','',1795755228479603,1795755219479603);
CREATE TABLE preview_runs (
    mailbox_id TEXT PRIMARY KEY REFERENCES mailboxes (id),
    run INTEGER NOT NULL,
    state TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE TABLE previews (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    gmail_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT '',
    sender TEXT NOT NULL DEFAULT '',
    sender_name TEXT NOT NULL DEFAULT '',
    sender_domain TEXT NOT NULL DEFAULT '',
    subject TEXT NOT NULL DEFAULT '',
    received_at INTEGER,
    labels TEXT NOT NULL DEFAULT '[]',
    authenticated INTEGER NOT NULL DEFAULT 0,
    form TEXT NOT NULL DEFAULT '',
    guards TEXT NOT NULL DEFAULT '[]',
    score REAL,
    logit REAL,
    model TEXT NOT NULL DEFAULT '',
    reasons TEXT NOT NULL DEFAULT '[]',
    said TEXT NOT NULL DEFAULT '',
    rule_before TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (mailbox_id, gmail_id)
) STRICT;
CREATE TABLE receipts (
    token_hash TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    left_at INTEGER,
    grant_end TEXT NOT NULL DEFAULT '',
    deleted TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE TABLE rules (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    set_at INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, subject)
) STRICT;
INSERT INTO "rules" VALUES('01m8dnm1c9t4ceqj85yydzktkm','tom@devsquad.example','block',1795755230534312);
INSERT INTO "rules" VALUES('01m8dnm1c9t4ceqj85yydzktkm','carla@listforge.example','allow',1795755230567407);
CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    device_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
, browser TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "sessions" VALUES('68eacf9941f24af14007073184ddff2fd4825d974d0e18fb039c3bd4598936b2','01m8dnm1c9t4ceqj85yydzktkm','',1795755214238780,1795798414238780,'');
CREATE TABLE tallies (
    name TEXT PRIMARY KEY,
    n INTEGER NOT NULL
) STRICT;
CREATE TABLE threads (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    thread_id TEXT NOT NULL,
    learned_at INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, thread_id)
) STRICT;
INSERT INTO "threads" VALUES('01m8dnm1c9t4ceqj85yydzktkm','1a21b59f0ec9e432',1795755215356424);
CREATE TABLE unsubscriptions (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    gmail_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    state TEXT NOT NULL,
    host TEXT NOT NULL DEFAULT '',
    cause TEXT NOT NULL DEFAULT '',
    asked_at INTEGER NOT NULL,
    tried_at INTEGER,
    PRIMARY KEY (mailbox_id, gmail_id)
) STRICT;
CREATE INDEX mailboxes_email ON mailboxes (email);
CREATE INDEX duties_due ON duties (due_at) WHERE is_open AND due_at IS NOT NULL;
CREATE INDEX notices_received ON notices (mailbox_id, received_at);
CREATE INDEX lanes_turn ON lanes (turn_at, turns) WHERE is_open AND turn_at IS NOT NULL;
CREATE INDEX messages_due ON messages (mailbox_id, due_at, gmail_id) WHERE due_at IS NOT NULL;
CREATE INDEX messages_changed ON messages (mailbox_id, changed_at, gmail_id);
CREATE INDEX messages_placed ON messages (mailbox_id, placement, changed_at, gmail_id)
    WHERE placement IN ('held', 'marked');
CREATE INDEX messages_held ON messages (mailbox_id, sender) WHERE placement = 'held';
CREATE INDEX messages_held_domain ON messages (mailbox_id, sender_domain) WHERE placement = 'held';
CREATE INDEX messages_aside ON messages (mailbox_id) WHERE set_aside;
CREATE INDEX messages_census ON messages (outcome, stage, placement);
CREATE UNIQUE INDEX challenges_one_open ON challenges (mailbox_id, sender) WHERE is_open;
CREATE INDEX challenges_sender ON challenges (mailbox_id, sender, created_at);
CREATE INDEX challenges_message ON challenges (mailbox_id, gmail_id);
CREATE INDEX challenges_thread ON challenges (mailbox_id, thread_id);
CREATE INDEX challenges_made ON challenges (mailbox_id, created_at);
CREATE INDEX challenges_sent ON challenges (mailbox_id, sent_gmail_id) WHERE sent_gmail_id <> '';
CREATE INDEX answers_expiry ON answers (mailbox_id, expires_at);
CREATE INDEX ledger_about ON ledger (mailbox_id, about);
CREATE INDEX corrections_message ON corrections (mailbox_id, gmail_id);
CREATE INDEX corrections_time ON corrections (mailbox_id, decided_at);
CREATE INDEX devices_mailbox ON devices (mailbox_id, created_at);
CREATE INDEX one_time_codes_expiry ON one_time_codes (mailbox_id, expires_at);
CREATE INDEX sessions_mailbox ON sessions (mailbox_id, expires_at);
CREATE TRIGGER events_of_messages AFTER UPDATE OF placement, decided_by ON messages
WHEN (OLD.placement IS NOT NEW.placement OR OLD.decided_by <> NEW.decided_by)
    AND (OLD.placement IS NOT NULL OR NEW.placement IN ('held', 'marked'))
BEGIN
    INSERT INTO event_heads (mailbox_id, latest) VALUES (NEW.mailbox_id, 1)
        ON CONFLICT (mailbox_id) DO UPDATE SET latest = latest + 1;
    INSERT INTO events (mailbox_id, id, kind, gmail_id, placement, decided_by)
        SELECT NEW.mailbox_id, h.latest,
            CASE WHEN NEW.placement = 'held' AND NEW.decided_by = '' THEN 'held' ELSE 'moved' END,
            NEW.gmail_id, COALESCE(NEW.placement, 'inbox'), NEW.decided_by
        FROM event_heads AS h WHERE h.mailbox_id = NEW.mailbox_id;
    DELETE FROM events WHERE mailbox_id = NEW.mailbox_id
        AND id <= (SELECT h.latest - 1000 FROM event_heads AS h WHERE h.mailbox_id = NEW.mailbox_id);
END;
CREATE TRIGGER events_of_mailboxes AFTER UPDATE ON mailboxes
WHEN OLD.link <> NEW.link OR OLD.link_cause <> NEW.link_cause OR OLD.preferences <> NEW.preferences
    OR OLD.watch_expires_at IS NOT NEW.watch_expires_at OR OLD.indexed_at IS NOT NEW.indexed_at
    OR OLD.index_done <> NEW.index_done OR OLD.email <> NEW.email OR OLD.name <> NEW.name
BEGIN
    INSERT INTO event_heads (mailbox_id, latest) VALUES (NEW.id, 1)
        ON CONFLICT (mailbox_id) DO UPDATE SET latest = latest + 1;
    INSERT INTO events (mailbox_id, id, kind)
        SELECT NEW.id, h.latest, 'status' FROM event_heads AS h WHERE h.mailbox_id = NEW.id;
    DELETE FROM events WHERE mailbox_id = NEW.id
        AND id <= (SELECT h.latest - 1000 FROM event_heads AS h WHERE h.mailbox_id = NEW.id);
END;
CREATE INDEX code_tries_challenge ON code_tries (mailbox_id, challenge_id);
CREATE INDEX code_tries_expiry ON code_tries (mailbox_id, expires_at);
CREATE TRIGGER events_of_appeals AFTER UPDATE OF appeal ON messages
WHEN OLD.appeal <> NEW.appeal
BEGIN
    INSERT INTO event_heads (mailbox_id, latest) VALUES (NEW.mailbox_id, 1)
        ON CONFLICT (mailbox_id) DO UPDATE SET latest = latest + 1;
    INSERT INTO events (mailbox_id, id, kind, gmail_id, placement, decided_by)
        SELECT NEW.mailbox_id, h.latest, 'appeal', NEW.gmail_id, COALESCE(NEW.placement, 'inbox'), NEW.decided_by
        FROM event_heads AS h WHERE h.mailbox_id = NEW.mailbox_id;
    DELETE FROM events WHERE mailbox_id = NEW.mailbox_id
        AND id <= (SELECT h.latest - 1000 FROM event_heads AS h WHERE h.mailbox_id = NEW.mailbox_id);
END;
CREATE INDEX messages_shelf ON messages (
    mailbox_id,
    (CASE WHEN placement = 'held' AND decided_by = '' THEN 'held' WHEN placement = 'held' THEN 'kept'
        WHEN decided_by = '' THEN 'passed' ELSE 'let_in' END),
    (COALESCE(received_at, first_seen_at)),
    gmail_id
) WHERE placement IS NOT NULL;
CREATE INDEX messages_shelf_sender ON messages (
    mailbox_id,
    sender,
    (CASE WHEN placement = 'held' AND decided_by = '' THEN 'held' WHEN placement = 'held' THEN 'kept'
        WHEN decided_by = '' THEN 'passed' ELSE 'let_in' END),
    (COALESCE(received_at, first_seen_at)),
    gmail_id
) WHERE placement IS NOT NULL;
CREATE INDEX ledger_sender ON ledger (mailbox_id, sender, posted_at);
CREATE INDEX unsubscriptions_sender ON unsubscriptions (mailbox_id, sender);
CREATE INDEX unsubscriptions_time ON unsubscriptions (mailbox_id, asked_at);
CREATE INDEX previews_place ON previews (mailbox_id, place);
CREATE INDEX receipts_mailbox ON receipts (mailbox_id);
CREATE INDEX receipts_asked ON receipts (asked_at);
PRAGMA user_version = 10;
COMMIT;
