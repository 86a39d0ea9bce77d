-- What is left of records that were destroyed, until they are gone from their last copy;
-- what became of promises; and which thresholds were told of.

CREATE TABLE troth_retention_warrant (
	tenant     TEXT NOT NULL,
	id         TEXT NOT NULL,
	handle     TEXT NOT NULL,
	type       TEXT NOT NULL,
	record_id  TEXT NOT NULL,
	subject    TEXT NOT NULL,
	class      TEXT NOT NULL,
	stage      TEXT NOT NULL,
	ending     TEXT NOT NULL,
	version    INTEGER NOT NULL,
	policy     BLOB NOT NULL,
	created_at INTEGER NOT NULL,
	at         INTEGER NOT NULL,
	gone_by    INTEGER NOT NULL,
	ground     TEXT NOT NULL,
	rule       TEXT NOT NULL,
	deferred   TEXT NOT NULL,
	waits      INTEGER NOT NULL,
	gone       INTEGER NOT NULL,
	alarmed    INTEGER NOT NULL,
	next_at    INTEGER NOT NULL,
	entry      BLOB NOT NULL,
	detail     BLOB NOT NULL,
	PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX troth_retention_warrant_handle ON troth_retention_warrant (tenant, handle);
CREATE INDEX troth_retention_warrant_subject ON troth_retention_warrant (tenant, subject, id) WHERE gone = 0;
-- What is due is looked for across all tenants.
CREATE INDEX troth_retention_warrant_next ON troth_retention_warrant (next_at);
CREATE INDEX troth_retention_warrant_waits ON troth_retention_warrant (at) WHERE waits <> 0;

CREATE TABLE troth_retention_tally (
	tenant        TEXT NOT NULL,
	month         INTEGER NOT NULL,
	class         TEXT NOT NULL,
	ground        TEXT NOT NULL,
	rule          TEXT NOT NULL,
	kept          INTEGER NOT NULL,
	deferred      INTEGER NOT NULL,
	broken        INTEGER NOT NULL,
	kept_entry    BLOB NOT NULL,
	broken_entry  BLOB NOT NULL,
	broken_handle TEXT NOT NULL,
	broken_at     INTEGER NOT NULL,
	PRIMARY KEY (tenant, month, class, ground, rule)
) STRICT, WITHOUT ROWID;

CREATE TABLE troth_retention_lateness (
	tenant TEXT NOT NULL,
	class  TEXT NOT NULL,
	ground TEXT NOT NULL,
	rule   TEXT NOT NULL,
	stage  INTEGER NOT NULL,
	at     INTEGER NOT NULL,
	PRIMARY KEY (tenant, class, ground, rule)
) STRICT, WITHOUT ROWID;
