-- The consent ledger's rows. Instants are microseconds since 1970, UTC; 0 means
-- never. Names are compared by their bytes, whatever the database's own order is.

CREATE TABLE troth_consent_terms (
	tenant  TEXT COLLATE "C" NOT NULL,
	purpose TEXT COLLATE "C" NOT NULL,
	version BIGINT NOT NULL,
	record  BYTEA NOT NULL,
	PRIMARY KEY (tenant, purpose, version)
);

CREATE TABLE troth_consent_notice (
	tenant  TEXT COLLATE "C" NOT NULL,
	id      TEXT COLLATE "C" NOT NULL,
	version BIGINT NOT NULL,
	record  BYTEA NOT NULL,
	PRIMARY KEY (tenant, id, version)
);

-- Texts of notices, and words beside controls, under their SHA-256.
CREATE TABLE troth_consent_text (
	tenant TEXT COLLATE "C" NOT NULL,
	hash   BYTEA NOT NULL,
	body   BYTEA NOT NULL,
	PRIMARY KEY (tenant, hash)
);

CREATE TABLE troth_consent_person (
	tenant  TEXT COLLATE "C" NOT NULL,
	subject TEXT COLLATE "C" NOT NULL,
	-- What an erased person is found by; NULL while they are not.
	mark    BYTEA,
	record  BYTEA NOT NULL,
	PRIMARY KEY (tenant, subject)
);

CREATE UNIQUE INDEX troth_consent_person_mark ON troth_consent_person (tenant, mark) WHERE mark IS NOT NULL;

CREATE TABLE troth_consent_event (
	tenant      TEXT COLLATE "C" NOT NULL,
	id          TEXT COLLATE "C" NOT NULL,
	subject     TEXT COLLATE "C" NOT NULL,
	purpose     TEXT COLLATE "C" NOT NULL,
	recorded_at BIGINT NOT NULL,
	record      BYTEA NOT NULL,
	proof       BYTEA,
	content     BYTEA,
	PRIMARY KEY (tenant, id)
);

CREATE INDEX troth_consent_event_person ON troth_consent_event (tenant, subject, recorded_at, id);

CREATE TABLE troth_consent_state (
	tenant  TEXT COLLATE "C" NOT NULL,
	subject TEXT COLLATE "C" NOT NULL,
	purpose TEXT COLLATE "C" NOT NULL,
	record  BYTEA NOT NULL,
	PRIMARY KEY (tenant, subject, purpose)
);

-- Everybody who has a state about a purpose, page by page and in batches.
CREATE INDEX troth_consent_state_purpose ON troth_consent_state (tenant, purpose, subject);

CREATE TABLE troth_consent_link (
	tenant  TEXT COLLATE "C" NOT NULL,
	device  TEXT COLLATE "C" NOT NULL,
	account TEXT COLLATE "C" NOT NULL,
	record  BYTEA NOT NULL,
	PRIMARY KEY (tenant, device)
);

CREATE INDEX troth_consent_link_account ON troth_consent_link (tenant, account, device);

CREATE TABLE troth_consent_request (
	tenant  TEXT COLLATE "C" NOT NULL,
	subject TEXT COLLATE "C" NOT NULL,
	id      TEXT COLLATE "C" NOT NULL,
	token   BYTEA NOT NULL,
	record  BYTEA NOT NULL,
	PRIMARY KEY (tenant, subject, id)
);

CREATE UNIQUE INDEX troth_consent_request_token ON troth_consent_request (tenant, token);

CREATE TABLE troth_consent_delivery (
	tenant    TEXT COLLATE "C" NOT NULL,
	event     TEXT COLLATE "C" NOT NULL,
	processor TEXT COLLATE "C" NOT NULL,
	noted_at  BIGINT NOT NULL,
	acked_at  BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (tenant, event, processor)
);

CREATE TABLE troth_consent_due (
	tenant  TEXT COLLATE "C" NOT NULL,
	subject TEXT COLLATE "C" NOT NULL,
	kind    TEXT COLLATE "C" NOT NULL,
	purpose TEXT COLLATE "C" NOT NULL,
	ref     TEXT COLLATE "C" NOT NULL,
	due_at  BIGINT NOT NULL,
	PRIMARY KEY (tenant, subject, kind, purpose, ref)
);

-- What is due is looked for across all tenants.
CREATE INDEX troth_consent_due_at ON troth_consent_due (due_at);

CREATE TABLE troth_consent_refusal (
	tenant  TEXT COLLATE "C" NOT NULL,
	purpose TEXT COLLATE "C" NOT NULL,
	on_day  BIGINT NOT NULL,
	count   BIGINT NOT NULL,
	PRIMARY KEY (tenant, purpose, on_day)
);

CREATE TABLE troth_consent_setting (
	name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	value BIGINT NOT NULL
);

-- Events land without a position, because ids commit out of order. Whoever
-- follows numbers those that are committed.
CREATE TABLE troth_consent_feed (
	id        BIGSERIAL PRIMARY KEY,
	position  BIGINT,
	tenant    TEXT COLLATE "C" NOT NULL,
	subject   TEXT COLLATE "C" NOT NULL,
	raised_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX troth_consent_feed_position ON troth_consent_feed (position) WHERE position IS NOT NULL;
CREATE INDEX troth_consent_feed_unnumbered ON troth_consent_feed (id) WHERE position IS NULL;
