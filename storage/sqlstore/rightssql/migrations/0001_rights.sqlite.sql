-- The rights desk's rows. Instants are microseconds since 1970, UTC; 0 means never.

CREATE TABLE troth_rights_request (
	tenant      TEXT NOT NULL,
	id          TEXT NOT NULL,
	subject     TEXT NOT NULL,
	state       TEXT NOT NULL,
	entitlement TEXT NOT NULL,
	owner       TEXT NOT NULL,
	due_at      INTEGER NOT NULL,
	open        INTEGER NOT NULL,
	received_at INTEGER NOT NULL,
	record      BLOB NOT NULL,
	PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- Staff's queue: all of it, and by what it is narrowed to most.
CREATE INDEX troth_rights_request_queue ON troth_rights_request (tenant, open, due_at, id);
CREATE INDEX troth_rights_request_state ON troth_rights_request (tenant, open, state, due_at, id);
CREATE INDEX troth_rights_request_owner ON troth_rights_request (tenant, open, owner, due_at, id);
CREATE INDEX troth_rights_request_subject ON troth_rights_request (tenant, subject, received_at, id);

CREATE TABLE troth_rights_event (
	tenant  TEXT NOT NULL,
	request TEXT NOT NULL,
	seq     INTEGER NOT NULL,
	record  BLOB NOT NULL,
	PRIMARY KEY (tenant, request, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE troth_rights_item (
	tenant TEXT NOT NULL,
	owner  TEXT NOT NULL,
	kind   TEXT NOT NULL,
	id     TEXT NOT NULL,
	due_at INTEGER NOT NULL,
	record BLOB NOT NULL,
	sealed BLOB,
	PRIMARY KEY (tenant, owner, kind, id)
) STRICT, WITHOUT ROWID;

-- What is due is looked for across all tenants.
CREATE INDEX troth_rights_item_due ON troth_rights_item (kind, due_at) WHERE due_at <> 0;

-- One row once a retention keeper has taken the store over.
CREATE TABLE troth_rights_managed (
	one INTEGER NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
