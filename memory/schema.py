"""The tables, as numbered migrations. Forward only: one that was released is never edited.

Every primary and unique key starts with agent_id, so that a larger database can be split by it.
For a person, agent_id is the id of the person's own agent; for an identity, the id that its
platform address leads to; for a policy, the workspace as platform/space. Times are microseconds
since 1970 in UTC. Nothing refers across agents.
"""

ORIGIN = (
    "audience TEXT NOT NULL, person TEXT, room TEXT NOT NULL, workspace TEXT NOT NULL,"
    " source INTEGER"
)

FIRST = f"""
CREATE TABLE agents(agent_id TEXT NOT NULL PRIMARY KEY, number INTEGER NOT NULL, name TEXT NOT NULL,
  kind TEXT NOT NULL, person TEXT, created_at INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 0,
  last_seq INTEGER NOT NULL DEFAULT 0, inbox_seq INTEGER NOT NULL DEFAULT 0,
  outbox_seq INTEGER NOT NULL DEFAULT 0, mused_seq INTEGER NOT NULL DEFAULT 0,
  mused_at INTEGER NOT NULL DEFAULT 0, stale_at INTEGER,
  settings TEXT NOT NULL DEFAULT '{{}}') WITHOUT ROWID;
CREATE INDEX agents_changed ON agents(mused_at) WHERE last_seq > mused_seq;
CREATE INDEX agents_stale ON agents(stale_at) WHERE stale_at IS NOT NULL;
CREATE TABLE usage(agent_id TEXT NOT NULL, day TEXT NOT NULL, kind TEXT NOT NULL,
  calls INTEGER NOT NULL, prompt INTEGER NOT NULL, completion INTEGER NOT NULL,
  money INTEGER NOT NULL, PRIMARY KEY(agent_id, day, kind)) WITHOUT ROWID;
CREATE INDEX agents_name ON agents(name);
CREATE INDEX agents_number ON agents(number);
CREATE TABLE persons(agent_id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL,
  created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE forgotten(agent_id TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL,
  turns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE policies(agent_id TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY(agent_id, name)) WITHOUT ROWID;
CREATE TABLE leftovers(agent_id TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(agent_id, at)) WITHOUT ROWID;
CREATE TABLE identities(agent_id TEXT NOT NULL PRIMARY KEY, person TEXT NOT NULL,
  platform TEXT NOT NULL, space TEXT NOT NULL, user TEXT NOT NULL, name TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX identities_person ON identities(person);
CREATE TABLE links(agent_id TEXT NOT NULL, person TEXT NOT NULL, entry INTEGER NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY(agent_id, person)) WITHOUT ROWID;
CREATE TABLE link_codes(agent_id TEXT NOT NULL PRIMARY KEY, hash TEXT NOT NULL,
  until INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX link_codes_hash ON link_codes(hash);

CREATE TABLE rooms(agent_id TEXT NOT NULL PRIMARY KEY, workspace TEXT NOT NULL,
  kind TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX rooms_public ON rooms(workspace) WHERE kind = 'public';
CREATE TABLE members(agent_id TEXT NOT NULL, person TEXT NOT NULL, guest INTEGER NOT NULL,
  PRIMARY KEY(agent_id, person)) WITHOUT ROWID;
CREATE INDEX members_person ON members(person);

CREATE TABLE blocks(agent_id TEXT NOT NULL, label TEXT NOT NULL, position INTEGER NOT NULL,
  "limit" INTEGER NOT NULL, read_only INTEGER NOT NULL, description TEXT NOT NULL, person TEXT,
  PRIMARY KEY(agent_id, label)) WITHOUT ROWID;
CREATE TABLE facts(agent_id TEXT NOT NULL, seq INTEGER NOT NULL, label TEXT NOT NULL,
  position REAL NOT NULL, text TEXT NOT NULL, {ORIGIN},
  learned_at INTEGER NOT NULL, confirmed_at INTEGER NOT NULL, used_at INTEGER NOT NULL,
  valid_from INTEGER NOT NULL, valid_to INTEGER,
  pinned INTEGER NOT NULL, superseded_by INTEGER, state TEXT NOT NULL,
  PRIMARY KEY(agent_id, seq)) WITHOUT ROWID;
CREATE INDEX facts_shared ON facts(workspace) WHERE audience = 'workspace' AND state = 'active';
CREATE INDEX facts_removed ON facts(agent_id, source) WHERE state = 'removed';
CREATE INDEX facts_active ON facts(agent_id, label, position, seq) WHERE state = 'active';

CREATE TABLE messages(agent_id TEXT NOT NULL, seq INTEGER NOT NULL, role TEXT NOT NULL,
  text TEXT NOT NULL, at INTEGER NOT NULL, {ORIGIN}, speaker TEXT NOT NULL, thoughts TEXT NOT NULL,
  calls TEXT NOT NULL, answers TEXT, turn INTEGER NOT NULL, step INTEGER NOT NULL,
  event TEXT NOT NULL, tainted INTEGER NOT NULL, fleeting INTEGER NOT NULL,
  forgotten INTEGER NOT NULL, session INTEGER NOT NULL,
  PRIMARY KEY(agent_id, seq)) WITHOUT ROWID;
CREATE INDEX messages_room ON messages(agent_id, room, seq);
CREATE INDEX messages_event ON messages(agent_id, event) WHERE event <> '';
CREATE INDEX messages_at ON messages(agent_id, at, seq);
CREATE INDEX messages_forgotten ON messages(agent_id) WHERE forgotten = 1;
CREATE INDEX messages_fleeting ON messages(agent_id, at) WHERE fleeting = 1;
CREATE TABLE summaries(agent_id TEXT NOT NULL, room TEXT NOT NULL, upto INTEGER NOT NULL,
  text TEXT NOT NULL, audience TEXT NOT NULL, person TEXT, workspace TEXT NOT NULL DEFAULT '',
  at INTEGER NOT NULL, PRIMARY KEY(agent_id, room)) WITHOUT ROWID;

CREATE TABLE archives(agent_id TEXT NOT NULL, name TEXT NOT NULL, created_at INTEGER NOT NULL,
  PRIMARY KEY(agent_id, name)) WITHOUT ROWID;
CREATE TABLE passages(agent_id TEXT NOT NULL, seq INTEGER NOT NULL, archive TEXT NOT NULL,
  text TEXT NOT NULL, at INTEGER NOT NULL, {ORIGIN}, tags TEXT NOT NULL,
  PRIMARY KEY(agent_id, seq)) WITHOUT ROWID;

CREATE TABLE inbox(agent_id TEXT NOT NULL, id INTEGER NOT NULL, kind TEXT NOT NULL,
  dedup TEXT NOT NULL, room TEXT NOT NULL, channel TEXT NOT NULL, payload TEXT NOT NULL,
  state TEXT NOT NULL, turn INTEGER, step INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0, ready_at INTEGER NOT NULL, at INTEGER NOT NULL,
  note TEXT NOT NULL DEFAULT '',
  PRIMARY KEY(agent_id, id)) WITHOUT ROWID;
CREATE INDEX inbox_beats ON inbox(agent_id)
  WHERE kind = 'heartbeat' AND state IN ('ready', 'running');
CREATE UNIQUE INDEX inbox_dedup ON inbox(agent_id, dedup);
CREATE INDEX inbox_room ON inbox(agent_id, room) WHERE kind = 'message';
CREATE INDEX inbox_channel ON inbox(channel, at) WHERE kind IN ('message', 'heard');
CREATE INDEX inbox_open ON inbox(agent_id, id) WHERE state IN ('ready', 'running');
CREATE TABLE outbox(agent_id TEXT NOT NULL, id INTEGER NOT NULL, key TEXT NOT NULL,
  target TEXT NOT NULL, text TEXT NOT NULL, state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, ready_at INTEGER NOT NULL, at INTEGER NOT NULL,
  receipt TEXT NOT NULL DEFAULT '', PRIMARY KEY(agent_id, id)) WITHOUT ROWID;
CREATE UNIQUE INDEX outbox_key ON outbox(agent_id, key);
CREATE INDEX outbox_open ON outbox(agent_id, id) WHERE state = 'ready';
CREATE TABLE asks(agent_id TEXT NOT NULL, id INTEGER NOT NULL, kind TEXT NOT NULL,
  person TEXT NOT NULL, target TEXT NOT NULL, payload TEXT NOT NULL, at INTEGER NOT NULL,
  state TEXT NOT NULL, PRIMARY KEY(agent_id, id)) WITHOUT ROWID;
CREATE INDEX asks_new ON asks(agent_id, id) WHERE state = 'new';
CREATE TABLE timers(agent_id TEXT NOT NULL, name TEXT NOT NULL, due_at INTEGER NOT NULL,
  every INTEGER, payload TEXT NOT NULL, PRIMARY KEY(agent_id, name)) WITHOUT ROWID;
CREATE INDEX timers_due ON timers(due_at);
CREATE TABLE journal(agent_id TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
  actor TEXT NOT NULL, action TEXT NOT NULL, summary TEXT NOT NULL, source INTEGER,
  diffs TEXT NOT NULL, undoes INTEGER, undone_by INTEGER,
  PRIMARY KEY(agent_id, seq)) WITHOUT ROWID;

CREATE TABLE vectors(agent_id TEXT NOT NULL, shelf TEXT NOT NULL, embedder TEXT NOT NULL,
  seq INTEGER NOT NULL, ver INTEGER NOT NULL, vec BLOB NOT NULL,
  PRIMARY KEY(agent_id, shelf, embedder, seq)) WITHOUT ROWID;
CREATE UNIQUE INDEX vectors_ver ON vectors(agent_id, shelf, embedder, ver);
CREATE TABLE index_state(agent_id TEXT NOT NULL, shelf TEXT NOT NULL, embedder TEXT NOT NULL,
  version INTEGER NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY(agent_id, shelf, embedder)) WITHOUT ROWID;
CREATE TABLE embed_queue(agent_id TEXT NOT NULL, shelf TEXT NOT NULL, seq INTEGER NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0, ready_at INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(agent_id, shelf, seq)) WITHOUT ROWID;
CREATE INDEX embed_due ON embed_queue(ready_at);

CREATE VIRTUAL TABLE messages_words USING fts5(own, near, content='', tokenize='ascii');
CREATE VIRTUAL TABLE passages_words USING fts5(own, near, content='', tokenize='ascii');
CREATE VIRTUAL TABLE messages_terms USING fts5vocab(messages_words, 'row');
CREATE VIRTUAL TABLE passages_terms USING fts5vocab(passages_words, 'row')
"""

MIGRATIONS: tuple[str, ...] = (FIRST,)
