-- The retention keeper's rows. Instants are microseconds since 1970, UTC; 0 means
-- never, but for since. Names are compared by their bytes, whatever the database's own
-- order is.

CREATE TABLE troth_retention_policy (
	tenant       TEXT COLLATE "C" NOT NULL,
	version      BIGINT NOT NULL,
	hash         BYTEA NOT NULL,
	body         BYTEA NOT NULL,
	activated_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, version)
);

CREATE TABLE troth_retention_record (
	tenant     TEXT COLLATE "C" NOT NULL,
	type       TEXT COLLATE "C" NOT NULL,
	id         TEXT COLLATE "C" NOT NULL,
	handle     TEXT COLLATE "C" NOT NULL,
	class      TEXT COLLATE "C" NOT NULL,
	stage      TEXT COLLATE "C" NOT NULL,
	cohort     BIGINT NOT NULL,
	since      BIGINT NOT NULL,
	end_by     BIGINT NOT NULL,
	visible    TEXT COLLATE "C" NOT NULL,
	subject    TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL,
	due_at     BIGINT NOT NULL,
	policy     BIGINT NOT NULL,
	held       BIGINT NOT NULL,
	version    BIGINT NOT NULL,
	tries      BIGINT NOT NULL,
	detail     BYTEA NOT NULL,
	PRIMARY KEY (tenant, type, id)
);

-- What is due is looked for across all tenants.
CREATE INDEX troth_retention_record_cut ON troth_retention_record (class, stage, cohort, since) WHERE due_at = 0;
CREATE INDEX troth_retention_record_due ON troth_retention_record (due_at) WHERE due_at <> 0;
CREATE INDEX troth_retention_record_stale ON troth_retention_record (policy) WHERE due_at <> 0;
CREATE INDEX troth_retention_record_held ON troth_retention_record (tenant) WHERE held <> 0;
CREATE INDEX troth_retention_record_tries ON troth_retention_record (tries) WHERE tries <> 0;

CREATE TABLE troth_retention_hold (
	tenant      TEXT COLLATE "C" NOT NULL,
	id          TEXT COLLATE "C" NOT NULL,
	matter      TEXT COLLATE "C" NOT NULL,
	subject     TEXT COLLATE "C" NOT NULL,
	class       TEXT COLLATE "C" NOT NULL,
	created_from BIGINT NOT NULL,
	created_to  BIGINT NOT NULL,
	placed_at   BIGINT NOT NULL,
	review_at   BIGINT NOT NULL,
	proposed_at BIGINT NOT NULL,
	proposer    BYTEA,
	released_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);

CREATE INDEX troth_retention_hold_active ON troth_retention_hold (tenant, id) WHERE released_at = 0;

-- One row for each tenant that was ever locked.
CREATE TABLE troth_retention_gate (
	tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY
);
