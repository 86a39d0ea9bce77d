-- The consent ledger's rows. Instants are microseconds since 1970, UTC; 0 means
-- never.

CREATE TABLE troth_consent_terms (
	tenant  TEXT NOT NULL,
	purpose TEXT NOT NULL,
	version INTEGER NOT NULL,
	record  BLOB NOT NULL,
	PRIMARY KEY (tenant, purpose, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE troth_consent_notice (
	tenant  TEXT NOT NULL,
	id      TEXT NOT NULL,
	version INTEGER NOT NULL,
	record  BLOB NOT NULL,
	PRIMARY KEY (tenant, id, version)
) STRICT, WITHOUT ROWID;

-- Texts of notices, and words beside controls, under their SHA-256.
CREATE TABLE troth_consent_text (
	tenant TEXT NOT NULL,
	hash   BLOB NOT NULL,
	body   BLOB NOT NULL,
	PRIMARY KEY (tenant, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE troth_consent_person (
	tenant  TEXT NOT NULL,
	subject TEXT NOT NULL,
	-- What an erased person is found by; NULL while they are not.
	mark    BLOB,
	record  BLOB NOT NULL,
	PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX troth_consent_person_mark ON troth_consent_person (tenant, mark) WHERE mark IS NOT NULL;

CREATE TABLE troth_consent_event (
	tenant      TEXT NOT NULL,
	id          TEXT NOT NULL,
	subject     TEXT NOT NULL,
	purpose     TEXT NOT NULL,
	recorded_at INTEGER NOT NULL,
	record      BLOB NOT NULL,
	proof       BLOB,
	content     BLOB,
	PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX troth_consent_event_person ON troth_consent_event (tenant, subject, recorded_at, id);

CREATE TABLE troth_consent_state (
	tenant  TEXT NOT NULL,
	subject TEXT NOT NULL,
	purpose TEXT NOT NULL,
	record  BLOB NOT NULL,
	PRIMARY KEY (tenant, subject, purpose)
) STRICT, WITHOUT ROWID;

-- Everybody who has a state about a purpose, page by page and in batches.
CREATE INDEX troth_consent_state_purpose ON troth_consent_state (tenant, purpose, subject);

CREATE TABLE troth_consent_link (
	tenant  TEXT NOT NULL,
	device  TEXT NOT NULL,
	account TEXT NOT NULL,
	record  BLOB NOT NULL,
	PRIMARY KEY (tenant, device)
) STRICT, WITHOUT ROWID;

CREATE INDEX troth_consent_link_account ON troth_consent_link (tenant, account, device);

CREATE TABLE troth_consent_request (
	tenant  TEXT NOT NULL,
	subject TEXT NOT NULL,
	id      TEXT NOT NULL,
	token   BLOB NOT NULL,
	record  BLOB NOT NULL,
	PRIMARY KEY (tenant, subject, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX troth_consent_request_token ON troth_consent_request (tenant, token);

CREATE TABLE troth_consent_delivery (
	tenant    TEXT NOT NULL,
	event     TEXT NOT NULL,
	processor TEXT NOT NULL,
	noted_at  INTEGER NOT NULL,
	acked_at  INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (tenant, event, processor)
) STRICT, WITHOUT ROWID;

CREATE TABLE troth_consent_due (
	tenant  TEXT NOT NULL,
	subject TEXT NOT NULL,
	kind    TEXT NOT NULL,
	purpose TEXT NOT NULL,
	ref     TEXT NOT NULL,
	due_at  INTEGER NOT NULL,
	PRIMARY KEY (tenant, subject, kind, purpose, ref)
) STRICT, WITHOUT ROWID;

-- What is due is looked for across all tenants.
CREATE INDEX troth_consent_due_at ON troth_consent_due (due_at);

CREATE TABLE troth_consent_refusal (
	tenant  TEXT NOT NULL,
	purpose TEXT NOT NULL,
	on_day  INTEGER NOT NULL,
	count   INTEGER NOT NULL,
	PRIMARY KEY (tenant, purpose, on_day)
) STRICT, WITHOUT ROWID;

CREATE TABLE troth_consent_setting (
	name  TEXT NOT NULL PRIMARY KEY,
	value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One writer: rows commit in the order of their positions, and a rollback takes
-- its own back. AUTOINCREMENT keeps positions from starting again.
CREATE TABLE troth_consent_feed (
	position  INTEGER PRIMARY KEY AUTOINCREMENT,
	tenant    TEXT    NOT NULL,
	subject   TEXT    NOT NULL,
	raised_at INTEGER NOT NULL
) STRICT;
