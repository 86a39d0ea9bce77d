-- The logs: where each stands. All but the last are closed.
CREATE TABLE troth_audit_head (
	log       INTEGER NOT NULL PRIMARY KEY,
	origin    TEXT    NOT NULL,
	size      INTEGER NOT NULL,
	root      BLOB    NOT NULL CHECK (length(root) = 32),
	salt      BLOB    NOT NULL CHECK (length(salt) = 32),
	signer    TEXT    NOT NULL,
	tag       BLOB    NOT NULL CHECK (length(tag) = 32),
	closed    INTEGER NOT NULL,
	pruned    INTEGER NOT NULL,
	pruned_by BLOB    CHECK (length(pruned_by) = 16)
);

-- Their entries. The bytes of a leaf are stored as they were hashed, and what
-- is believed is the leaf: the columns beside it are an index of it. Once it was
-- redacted, leaf and what repeats it are NULL.
CREATE TABLE troth_audit_entry (
	log         INTEGER NOT NULL,
	idx         INTEGER NOT NULL,
	tenant      TEXT    NOT NULL,
	id          BLOB    NOT NULL CHECK (length(id) = 16),
	number      INTEGER NOT NULL,
	hash        BLOB    NOT NULL CHECK (length(hash) = 32),
	leaf        BLOB,
	redacted_by BLOB    CHECK (length(redacted_by) = 16),
	recorded_at INTEGER,
	act         TEXT,
	subject     BLOB    CHECK (length(subject) = 16),
	PRIMARY KEY (log, idx)
) WITHOUT ROWID;

CREATE UNIQUE INDEX troth_audit_entry_id ON troth_audit_entry (tenant, id);
CREATE UNIQUE INDEX troth_audit_entry_number ON troth_audit_entry (tenant, log, number);
CREATE INDEX troth_audit_entry_subject ON troth_audit_entry (tenant, subject, log, number) WHERE subject IS NOT NULL;
CREATE INDEX troth_audit_entry_act ON troth_audit_entry (tenant, act, log, number) WHERE act IS NOT NULL;

-- Hashes of the Merkle tree, 256 neighbours of one level in a row.
CREATE TABLE troth_audit_tile (
	log    INTEGER NOT NULL,
	level  INTEGER NOT NULL,
	n      INTEGER NOT NULL,
	hashes BLOB    NOT NULL,
	PRIMARY KEY (log, level, n)
) WITHOUT ROWID;

-- Where the entries of each tenant end.
CREATE TABLE troth_audit_tenant (
	log    INTEGER NOT NULL,
	tenant TEXT    NOT NULL,
	number INTEGER NOT NULL,
	idx    INTEGER NOT NULL,
	hash   BLOB    NOT NULL CHECK (length(hash) = 32),
	PRIMARY KEY (log, tenant)
) WITHOUT ROWID;

-- Signed notes.
CREATE TABLE troth_audit_checkpoint (
	log       INTEGER NOT NULL,
	size      INTEGER NOT NULL,
	signed_at INTEGER NOT NULL,
	note      BLOB    NOT NULL,
	PRIMARY KEY (log, size)
) WITHOUT ROWID;

-- Sealed pieces of payload, to which the leaf holds commitments. Once dropped,
-- salt and box are NULL.
CREATE TABLE troth_audit_part (
	tenant      TEXT    NOT NULL,
	entry       BLOB    NOT NULL CHECK (length(entry) = 16),
	part        INTEGER NOT NULL,
	name        TEXT    NOT NULL,
	subject     BLOB    NOT NULL CHECK (length(subject) = 16),
	compartment TEXT    NOT NULL,
	recorded_at INTEGER NOT NULL,
	salt        BLOB    CHECK (length(salt) = 32),
	box         BLOB,
	dropped_by  BLOB    CHECK (length(dropped_by) = 16),
	PRIMARY KEY (tenant, entry, part)
);

CREATE INDEX troth_audit_part_age ON troth_audit_part (tenant, recorded_at, entry) WHERE dropped_by IS NULL;

-- What was found in the inbox and is no evidence, verbatim. The same id may
-- come again.
CREATE TABLE troth_audit_quarantine (
	tenant      TEXT,
	id          BLOB,
	recorded_at INTEGER,
	envelope    BLOB,
	tag         BLOB
);
