-- The rights desk's rows. Instants are microseconds since 1970, UTC; 0 means never.
-- Names are compared by their bytes, whatever the database's own order is.

CREATE TABLE troth_rights_request (
	tenant      TEXT COLLATE "C" NOT NULL,
	id          TEXT COLLATE "C" NOT NULL,
	subject     TEXT COLLATE "C" NOT NULL,
	state       TEXT COLLATE "C" NOT NULL,
	entitlement TEXT COLLATE "C" NOT NULL,
	owner       TEXT COLLATE "C" NOT NULL,
	due_at      BIGINT NOT NULL,
	open        BIGINT NOT NULL,
	received_at BIGINT NOT NULL,
	record      BYTEA NOT NULL,
	PRIMARY KEY (tenant, id)
);

-- Staff's queue: all of it, and by what it is narrowed to most.
CREATE INDEX troth_rights_request_queue ON troth_rights_request (tenant, open, due_at, id);
CREATE INDEX troth_rights_request_state ON troth_rights_request (tenant, open, state, due_at, id);
CREATE INDEX troth_rights_request_owner ON troth_rights_request (tenant, open, owner, due_at, id);
CREATE INDEX troth_rights_request_subject ON troth_rights_request (tenant, subject, received_at, id);

CREATE TABLE troth_rights_event (
	tenant  TEXT COLLATE "C" NOT NULL,
	request TEXT COLLATE "C" NOT NULL,
	seq     BIGINT NOT NULL,
	record  BYTEA NOT NULL,
	PRIMARY KEY (tenant, request, seq)
);

CREATE TABLE troth_rights_item (
	tenant TEXT COLLATE "C" NOT NULL,
	owner  TEXT COLLATE "C" NOT NULL,
	kind   TEXT COLLATE "C" NOT NULL,
	id     TEXT COLLATE "C" NOT NULL,
	due_at BIGINT NOT NULL,
	record BYTEA NOT NULL,
	sealed BYTEA,
	PRIMARY KEY (tenant, owner, kind, id)
);

-- What is due is looked for across all tenants.
CREATE INDEX troth_rights_item_due ON troth_rights_item (kind, due_at) WHERE due_at <> 0;

-- One row once a retention keeper has taken the store over.
CREATE TABLE troth_rights_managed (
	one BIGINT NOT NULL PRIMARY KEY
);
