-- The retention keeper's rows. Instants are microseconds since 1970, UTC; 0 means
-- never, but for since.

CREATE TABLE troth_retention_policy (
	tenant       TEXT NOT NULL,
	version      INTEGER NOT NULL,
	hash         BLOB NOT NULL,
	body         BLOB NOT NULL,
	activated_at INTEGER NOT NULL,
	PRIMARY KEY (tenant, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE troth_retention_record (
	tenant     TEXT NOT NULL,
	type       TEXT NOT NULL,
	id         TEXT NOT NULL,
	handle     TEXT NOT NULL,
	class      TEXT NOT NULL,
	stage      TEXT NOT NULL,
	cohort     INTEGER NOT NULL,
	since      INTEGER NOT NULL,
	end_by     INTEGER NOT NULL,
	visible    TEXT NOT NULL,
	subject    TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	due_at     INTEGER NOT NULL,
	policy     INTEGER NOT NULL,
	held       INTEGER NOT NULL,
	version    INTEGER NOT NULL,
	tries      INTEGER NOT NULL,
	detail     BLOB NOT NULL,
	PRIMARY KEY (tenant, type, id)
) STRICT, WITHOUT ROWID;

-- What is due is looked for across all tenants.
CREATE INDEX troth_retention_record_cut ON troth_retention_record (class, stage, cohort, since) WHERE due_at = 0;
CREATE INDEX troth_retention_record_due ON troth_retention_record (due_at) WHERE due_at <> 0;
CREATE INDEX troth_retention_record_stale ON troth_retention_record (policy) WHERE due_at <> 0;
CREATE INDEX troth_retention_record_held ON troth_retention_record (tenant) WHERE held <> 0;
CREATE INDEX troth_retention_record_tries ON troth_retention_record (tries) WHERE tries <> 0;

CREATE TABLE troth_retention_hold (
	tenant      TEXT NOT NULL,
	id          TEXT NOT NULL,
	matter      TEXT NOT NULL,
	subject     TEXT NOT NULL,
	class       TEXT NOT NULL,
	created_from INTEGER NOT NULL,
	created_to  INTEGER NOT NULL,
	placed_at   INTEGER NOT NULL,
	review_at   INTEGER NOT NULL,
	proposed_at INTEGER NOT NULL,
	proposer    BLOB,
	released_at INTEGER NOT NULL,
	PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX troth_retention_hold_active ON troth_retention_hold (tenant, id) WHERE released_at = 0;

-- One row for each tenant that was ever locked.
CREATE TABLE troth_retention_gate (
	tenant TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
