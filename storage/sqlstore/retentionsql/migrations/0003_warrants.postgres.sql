-- What is left of records that were destroyed, until they are gone from their last copy;
-- what became of promises; and which thresholds were told of.

CREATE TABLE troth_retention_warrant (
	tenant     TEXT COLLATE "C" NOT NULL,
	id         TEXT COLLATE "C" NOT NULL,
	handle     TEXT COLLATE "C" NOT NULL,
	type       TEXT COLLATE "C" NOT NULL,
	record_id  TEXT COLLATE "C" NOT NULL,
	subject    TEXT COLLATE "C" NOT NULL,
	class      TEXT COLLATE "C" NOT NULL,
	stage      TEXT COLLATE "C" NOT NULL,
	ending     TEXT COLLATE "C" NOT NULL,
	version    BIGINT NOT NULL,
	policy     BYTEA NOT NULL,
	created_at BIGINT NOT NULL,
	at         BIGINT NOT NULL,
	gone_by    BIGINT NOT NULL,
	ground     TEXT COLLATE "C" NOT NULL,
	rule       TEXT COLLATE "C" NOT NULL,
	deferred   TEXT COLLATE "C" NOT NULL,
	waits      BIGINT NOT NULL,
	gone       BIGINT NOT NULL,
	alarmed    BIGINT NOT NULL,
	next_at    BIGINT NOT NULL,
	entry      BYTEA NOT NULL,
	detail     BYTEA NOT NULL,
	PRIMARY KEY (tenant, id)
);

CREATE INDEX troth_retention_warrant_handle ON troth_retention_warrant (tenant, handle);
CREATE INDEX troth_retention_warrant_subject ON troth_retention_warrant (tenant, subject, id) WHERE gone = 0;
-- What is due is looked for across all tenants.
CREATE INDEX troth_retention_warrant_next ON troth_retention_warrant (next_at);
CREATE INDEX troth_retention_warrant_waits ON troth_retention_warrant (at) WHERE waits <> 0;

CREATE TABLE troth_retention_tally (
	tenant        TEXT COLLATE "C" NOT NULL,
	month         BIGINT NOT NULL,
	class         TEXT COLLATE "C" NOT NULL,
	ground        TEXT COLLATE "C" NOT NULL,
	rule          TEXT COLLATE "C" NOT NULL,
	kept          BIGINT NOT NULL,
	deferred      BIGINT NOT NULL,
	broken        BIGINT NOT NULL,
	kept_entry    BYTEA NOT NULL,
	broken_entry  BYTEA NOT NULL,
	broken_handle TEXT COLLATE "C" NOT NULL,
	broken_at     BIGINT NOT NULL,
	PRIMARY KEY (tenant, month, class, ground, rule)
);

CREATE TABLE troth_retention_lateness (
	tenant TEXT COLLATE "C" NOT NULL,
	class  TEXT COLLATE "C" NOT NULL,
	ground TEXT COLLATE "C" NOT NULL,
	rule   TEXT COLLATE "C" NOT NULL,
	stage  BIGINT NOT NULL,
	at     BIGINT NOT NULL,
	PRIMARY KEY (tenant, class, ground, rule)
);
