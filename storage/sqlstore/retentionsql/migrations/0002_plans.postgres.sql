-- Plans, allowances and stops; and what previews look through, in an order without
-- ties, so that they can go on where a page ended.

DROP INDEX troth_retention_record_cut;
DROP INDEX troth_retention_record_due;
DROP INDEX troth_retention_record_stale;

CREATE INDEX troth_retention_record_cut ON troth_retention_record (class, stage, cohort, since, tenant, type, id) WHERE due_at = 0;
CREATE INDEX troth_retention_record_due ON troth_retention_record (due_at, tenant, type, id) WHERE due_at <> 0;
CREATE INDEX troth_retention_record_stale ON troth_retention_record (policy, tenant, type, id) WHERE due_at <> 0;

-- 4611686018427387903 is the due_at of what waits for people.
CREATE INDEX troth_retention_record_waiting ON troth_retention_record (class, tenant, type, id) WHERE due_at = 4611686018427387903;

-- With troth_retention_record_cut this counts all of a class.
CREATE INDEX troth_retention_record_apart ON troth_retention_record (class, stage, cohort, since) WHERE due_at <> 0;

-- spent is a list of numbers, with commas between them.
CREATE TABLE troth_retention_plan (
	tenant      TEXT COLLATE "C" NOT NULL,
	hash        BYTEA NOT NULL,
	body        BYTEA NOT NULL,
	proposed_at BIGINT NOT NULL,
	proposer    BYTEA,
	approved_at BIGINT NOT NULL,
	spent       TEXT COLLATE "C" NOT NULL,
	ended_at    BIGINT NOT NULL,
	PRIMARY KEY (tenant, hash)
);

CREATE INDEX troth_retention_plan_open ON troth_retention_plan (tenant, hash) WHERE ended_at = 0;

CREATE TABLE troth_retention_allowance (
	tenant    TEXT COLLATE "C" NOT NULL,
	id        TEXT COLLATE "C" NOT NULL,
	since     BIGINT NOT NULL,
	spent     BIGINT NOT NULL,
	old       BIGINT NOT NULL,
	stored    BIGINT NOT NULL,
	closed_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);

CREATE TABLE troth_retention_stop (
	tenant    TEXT COLLATE "C" NOT NULL,
	id        TEXT COLLATE "C" NOT NULL,
	placed_at BIGINT NOT NULL,
	lifted_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);

CREATE INDEX troth_retention_stop_active ON troth_retention_stop (tenant, id) WHERE lifted_at = 0;
