-- Plans, allowances and stops; and what previews look through, in an order without
-- ties, so that they can go on where a page ended.

-- 4611686018427387903 is the due_at of what waits for people.
CREATE INDEX troth_retention_record_waiting ON troth_retention_record (class) WHERE due_at = 4611686018427387903;

-- With troth_retention_record_cut this counts all of a class.
CREATE INDEX troth_retention_record_apart ON troth_retention_record (class, stage, cohort, since) WHERE due_at <> 0;

-- spent is a list of numbers, with commas between them.
CREATE TABLE troth_retention_plan (
	tenant      TEXT NOT NULL,
	hash        BLOB NOT NULL,
	body        BLOB NOT NULL,
	proposed_at INTEGER NOT NULL,
	proposer    BLOB,
	approved_at INTEGER NOT NULL,
	spent       TEXT NOT NULL,
	ended_at    INTEGER NOT NULL,
	PRIMARY KEY (tenant, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX troth_retention_plan_open ON troth_retention_plan (tenant, hash) WHERE ended_at = 0;

CREATE TABLE troth_retention_allowance (
	tenant    TEXT NOT NULL,
	id        TEXT NOT NULL,
	since     INTEGER NOT NULL,
	spent     INTEGER NOT NULL,
	old       INTEGER NOT NULL,
	stored    INTEGER NOT NULL,
	closed_at INTEGER NOT NULL,
	PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE troth_retention_stop (
	tenant    TEXT NOT NULL,
	id        TEXT NOT NULL,
	placed_at INTEGER NOT NULL,
	lifted_at INTEGER NOT NULL,
	PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX troth_retention_stop_active ON troth_retention_stop (tenant, id) WHERE lifted_at = 0;
