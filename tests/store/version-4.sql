BEGIN TRANSACTION;
CREATE TABLE alert (
	id VARCHAR NOT NULL,
	source VARCHAR NOT NULL,
	"key" VARCHAR NOT NULL,
	opened_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	open BOOLEAN NOT NULL,
	resolved BOOLEAN NOT NULL,
	notice BOOLEAN NOT NULL,
	life BOOLEAN NOT NULL,
	acked BOOLEAN NOT NULL,
	record VARCHAR NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "alert" VALUES('a1','nagios','a1',1795262400000000,1795262400000000,1,0,0,1,0,'{"id":"a1","source":"nagios","tool":"nagios","key":"a1","kind":"host","phase":"open","severity":4,"worst":4,"title":"a1 is down","body":"","links":[],"labels":{},"actor":"","count":1,"opened_at":"2026-11-21T12:00:00Z","began_at":"2026-11-21T12:00:00Z","updated_at":"2026-11-21T12:00:00Z","resolved_at":null,"healed_at":null,"newest_at":null,"newest_sequence":null,"decided_by":"a1","ack":null,"answer":null,"quieted":null,"note":"","resolution":"","expires_at":null,"groups":[],"unsaid":[],"flaps":0,"flapped_at":[]}');
INSERT INTO "alert" VALUES('n1','nagios','n1',1795262400000000,1795262400000000,0,0,1,0,0,'{"id":"n1","source":"nagios","tool":"nagios","key":"n1","kind":"host","phase":"notice","severity":4,"worst":4,"title":"n1 is down","body":"","links":[],"labels":{},"actor":"","count":1,"opened_at":"2026-11-21T12:00:00Z","began_at":"2026-11-21T12:00:00Z","updated_at":"2026-11-21T12:00:00Z","resolved_at":null,"healed_at":null,"newest_at":null,"newest_sequence":null,"decided_by":"n1","ack":null,"answer":null,"quieted":null,"note":"","resolution":"","expires_at":null,"groups":[],"unsaid":[],"flaps":0,"flapped_at":[]}');
CREATE TABLE ask (
	id VARCHAR NOT NULL,
	asked_at BIGINT NOT NULL,
	state VARCHAR NOT NULL,
	pending BOOLEAN NOT NULL,
	record VARCHAR NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "ask" VALUES('k1',1795262400000000,'queued',1,'{"id":"k1","source":"nagios","verb":"ack","target":"web1","labels":{},"alert":"","asker":"alice","reason":"","duration":null,"place":"","state":"queued","detail":"","asked_at":"2026-11-21T12:00:00Z","sent_at":null}');
CREATE TABLE audit (
	id VARCHAR NOT NULL,
	at BIGINT NOT NULL,
	record VARCHAR NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "audit" VALUES('c1',1795262400000000,'{"id":"c1","at":"2026-11-21T12:00:00Z","person":"alice","known":true,"token":false,"via":"chat","account":"","place":"room:ops","raw":"ack","parsed":"","allowed":true,"why":"","outcome":""}');
CREATE TABLE calendar (
	schedule VARCHAR NOT NULL,
	record VARCHAR NOT NULL,
	PRIMARY KEY (schedule)
);
CREATE TABLE config (
	number INTEGER NOT NULL,
	hash VARCHAR NOT NULL,
	text VARCHAR NOT NULL,
	PRIMARY KEY (number),
	UNIQUE (hash)
);
INSERT INTO "config" VALUES(1,'c1','version: 1');
CREATE TABLE event (
	id VARCHAR NOT NULL,
	request_id VARCHAR NOT NULL,
	received_at BIGINT NOT NULL,
	routed_at BIGINT,
	alert VARCHAR,
	waiting BOOLEAN NOT NULL,
	failed BOOLEAN NOT NULL,
	record VARCHAR NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "event" VALUES('e1','r1',1795262400000000,1795262400000000,'a1',0,0,'{"event":{"status":"problem","kind":"host","key":"web1","title":"web1 is down","severity":4,"body":"","links":[],"labels":{},"actor":"","occurred_at":null,"ends_at":null,"sequence":null,"mark":null,"id":"e1","source":"nagios","tool":"nagios","received_at":"2026-11-21T12:00:00Z","delivery_id":"","request_id":"r1","added":{}},"decision":{"config":"c1","change":"opened","note":"","alert":"a1","routes":[["web","room:ops"]],"suppressed":[]},"routed_at":"2026-11-21T12:00:00Z","failure":""}');
INSERT INTO "event" VALUES('e2','r1',1795262400000000,NULL,NULL,1,0,'{"event":{"status":"problem","kind":"host","key":"web1","title":"web1 is down","severity":4,"body":"","links":[],"labels":{},"actor":"","occurred_at":null,"ends_at":null,"sequence":null,"mark":null,"id":"e2","source":"nagios","tool":"nagios","received_at":"2026-11-21T12:00:00Z","delivery_id":"","request_id":"r1","added":{}},"decision":null,"routed_at":null,"failure":""}');
INSERT INTO "event" VALUES('e3','',1795262400000000,NULL,NULL,0,1,'{"event":{"status":"problem","kind":"host","key":"web1","title":"web1 is down","severity":4,"body":"","links":[],"labels":{},"actor":"","occurred_at":null,"ends_at":null,"sequence":null,"mark":null,"id":"e3","source":"nagios","tool":"nagios","received_at":"2026-11-21T12:00:00Z","delivery_id":"","request_id":"","added":{}},"decision":null,"routed_at":null,"failure":"Traceback: boom"}');
CREATE TABLE "group" (
	id VARCHAR NOT NULL,
	firing BOOLEAN NOT NULL,
	healed_at BIGINT,
	record VARCHAR NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE line (
	id VARCHAR NOT NULL,
	post VARCHAR,
	event VARCHAR NOT NULL,
	"order" INTEGER NOT NULL,
	state VARCHAR NOT NULL,
	pending BOOLEAN NOT NULL,
	created_at BIGINT NOT NULL,
	record VARCHAR NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "line" VALUES('l1','p1','',2,'owed',1,1795262400000000,'{"id":"l1","post":"p1","channel":"room:ops","order":2,"occasion":"worsened","loud":true,"title":"worse","text":"","severity":null,"by":"","event":"","ref":null,"sending":{"state":"owed","attempts":0,"error":"","due_at":null,"perhaps_again":false,"trying":false},"created_at":"2026-11-21T12:00:00Z","facts":[],"buttons":[]}');
CREATE TABLE link (
	account VARCHAR NOT NULL,
	record VARCHAR NOT NULL,
	PRIMARY KEY (account)
);
INSERT INTO "link" VALUES('slack:U1','{"account":"slack:U1","person":"alice","linked_at":"2026-11-21T12:00:00Z"}');
CREATE TABLE post (
	id VARCHAR NOT NULL,
	"group" VARCHAR NOT NULL,
	channel VARCHAR NOT NULL,
	ref VARCHAR,
	"order" INTEGER NOT NULL,
	state VARCHAR NOT NULL,
	pending BOOLEAN NOT NULL,
	created_at BIGINT NOT NULL,
	record VARCHAR NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "post" VALUES('p1','a1','room:ops',NULL,1,'owed',1,1795262400000000,'{"id":"p1","group":"a1","channel":"room:ops","route":"web","order":1,"occasion":"opened","wanted":1,"shown":0,"ref":null,"sending":{"state":"owed","attempts":0,"error":"","due_at":null,"perhaps_again":false,"trying":false},"tell":null,"created_at":"2026-11-21T12:00:00Z","shown_at":null,"gist":"","pace":{"group_by":[],"group_wait":"P0D","group_interval":"PT60S","repeat":[],"escalate":[],"during":"","otherwise":"","digest":null,"throttle":null,"mention":[]},"lined_at":null,"gathered":null,"reminders":0,"unacked_since":null,"steps_done":0,"loudest":0,"merged_into":"","shown_versions":[]}');
CREATE TABLE request (
	id VARCHAR NOT NULL,
	source VARCHAR NOT NULL,
	delivery_id VARCHAR NOT NULL,
	received_at BIGINT NOT NULL,
	verdict VARCHAR NOT NULL,
	accepted BOOLEAN NOT NULL,
	quarantined BOOLEAN NOT NULL,
	record VARCHAR NOT NULL,
	body BLOB NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "request" VALUES('r1','nagios','d1',1795262400000000,'events',1,0,'{"id":"r1","source":"nagios","tool":"nagios","received_at":"2026-11-21T12:00:00Z","headers":{"a":"b"},"query":{},"verdict":"events","why":"","path":"","fetched":"","delivery_id":"d1","events":["e1"],"replayed_at":null}',X'00726177');
INSERT INTO "request" VALUES('q1','nagios','',1795262400000000,'quarantined',0,1,'{"id":"q1","source":"nagios","tool":"nagios","received_at":"2026-11-21T12:00:00Z","headers":{},"query":{},"verdict":"quarantined","why":"never heard of it","path":"","fetched":"","delivery_id":"","events":[],"replayed_at":null}',X'');
CREATE TABLE room_message (
	number INTEGER NOT NULL,
	id VARCHAR NOT NULL,
	room VARCHAR NOT NULL,
	thread VARCHAR,
	head BOOLEAN NOT NULL,
	posted_at BIGINT NOT NULL,
	record VARCHAR NOT NULL,
	PRIMARY KEY (number),
	UNIQUE (id)
);
INSERT INTO "room_message" VALUES(1,'m1','ops',NULL,1,1795262400000000,'{"id":"m1","room":"ops","thread":null,"message":{"kind":"said","title":"m1","text":"","standing":"","state":null,"severity":null,"occasion":null,"facts":[],"links":[],"buttons":[],"mentions":[],"author":"tocsin","at":null,"local":""},"posted_at":"2026-11-21T12:00:00Z","edited_at":null,"loud":false}');
CREATE TABLE silence (
	id VARCHAR NOT NULL,
	starts_at BIGINT NOT NULL,
	standing BOOLEAN NOT NULL,
	record VARCHAR NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "silence" VALUES('s1',1795262400000000,1,'{"id":"s1","match":{"host":"web*"},"author":"alice","because":"","place":"","told":[],"starts_at":"2026-11-21T12:00:00Z","ends_at":"2026-11-21T13:00:00Z","ended_at":null,"version":1,"approve_by":null,"approved_by":"","account":"","claimed":false,"held":0,"held_alerts":[],"often":[]}');
CREATE TABLE timer (
	kind VARCHAR NOT NULL,
	subject VARCHAR NOT NULL,
	due_at BIGINT NOT NULL,
	PRIMARY KEY (kind, subject)
);
INSERT INTO "timer" VALUES('expire','a1',1795262400000000);
CREATE INDEX request_in_quarantine ON request (received_at) WHERE quarantined IS 1;
CREATE INDEX request_by_age ON request (received_at);
CREATE INDEX request_by_delivery ON request (source, delivery_id, received_at) WHERE accepted IS 1;
CREATE INDEX event_failed ON event (received_at) WHERE failed IS 1;
CREATE INDEX event_waiting ON event (received_at) WHERE waiting IS 1;
CREATE INDEX event_by_alert ON event (alert, received_at);
CREATE INDEX event_by_age ON event (received_at);
CREATE INDEX event_by_request ON event (request_id);
CREATE INDEX alert_by_key ON alert (source, "key", notice, opened_at, id);
CREATE INDEX alert_open ON alert (opened_at, id) WHERE open IS 1;
CREATE INDEX alert_alive ON alert (opened_at, id) WHERE life IS 1;
CREATE INDEX alert_resolved ON alert (opened_at, id) WHERE resolved IS 1;
CREATE INDEX alert_by_change ON alert (updated_at);
CREATE INDEX post_by_state ON post (state, "order");
CREATE INDEX post_by_ref ON post (ref, channel);
CREATE INDEX post_pending ON post ("group") WHERE pending IS 1;
CREATE INDEX post_by_order ON post ("order");
CREATE INDEX post_by_age ON post (created_at);
CREATE INDEX post_by_group ON post ("group", "order");
CREATE INDEX line_by_post ON line (post);
CREATE INDEX line_by_order ON line ("order");
CREATE INDEX line_pending ON line (post) WHERE pending IS 1;
CREATE INDEX line_by_age ON line (created_at);
CREATE INDEX line_by_state ON line (state, "order");
CREATE INDEX line_pending_by_event ON line (event) WHERE pending IS 1;
CREATE INDEX silence_standing ON silence (starts_at) WHERE standing IS 1;
CREATE INDEX ask_pending ON ask (asked_at) WHERE pending IS 1;
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX group_by_end ON "group" (healed_at);
CREATE INDEX group_firing ON "group" (id) WHERE firing IS 1;
CREATE INDEX room_message_heads_by_age ON room_message (posted_at) WHERE head IS 1;
CREATE INDEX room_message_heads ON room_message (room, posted_at, number) WHERE head IS 1;
CREATE INDEX room_message_by_thread ON room_message (thread, posted_at, number);
COMMIT;
PRAGMA user_version = 4;
