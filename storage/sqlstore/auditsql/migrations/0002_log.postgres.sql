-- The logs: where each stands. All but the last are closed.
CREATE TABLE troth_audit_head (
	log       BIGINT NOT NULL PRIMARY KEY,
	origin    TEXT   NOT NULL,
	size      BIGINT NOT NULL,
	root      BYTEA  NOT NULL CHECK (octet_length(root) = 32),
	salt      BYTEA  NOT NULL CHECK (octet_length(salt) = 32),
	signer    TEXT   NOT NULL,
	tag       BYTEA   NOT NULL CHECK (octet_length(tag) = 32),
	closed    BOOLEAN NOT NULL,
	pruned    BIGINT NOT NULL,
	pruned_by BYTEA  CHECK (octet_length(pruned_by) = 16)
);

-- Their entries. The bytes of a leaf are stored as they were hashed, and what
-- is believed is the leaf: the columns beside it are an index of it. Once it was
-- redacted, leaf and what repeats it are NULL.
CREATE TABLE troth_audit_entry (
	log         BIGINT NOT NULL,
	idx         BIGINT NOT NULL,
	tenant      TEXT COLLATE "C" NOT NULL,
	id          BYTEA  NOT NULL CHECK (octet_length(id) = 16),
	number      BIGINT NOT NULL,
	hash        BYTEA  NOT NULL CHECK (octet_length(hash) = 32),
	leaf        BYTEA,
	redacted_by BYTEA  CHECK (octet_length(redacted_by) = 16),
	recorded_at BIGINT,
	act         TEXT,
	subject     BYTEA  CHECK (octet_length(subject) = 16),
	PRIMARY KEY (log, idx)
);

CREATE UNIQUE INDEX troth_audit_entry_id ON troth_audit_entry (tenant, id);
CREATE UNIQUE INDEX troth_audit_entry_number ON troth_audit_entry (tenant, log, number);
CREATE INDEX troth_audit_entry_subject ON troth_audit_entry (tenant, subject, log, number) WHERE subject IS NOT NULL;
CREATE INDEX troth_audit_entry_act ON troth_audit_entry (tenant, act, log, number) WHERE act IS NOT NULL;

-- Hashes of the Merkle tree, 256 neighbours of one level in a row.
CREATE TABLE troth_audit_tile (
	log    BIGINT NOT NULL,
	level  BIGINT NOT NULL,
	n      BIGINT NOT NULL,
	hashes BYTEA  NOT NULL,
	PRIMARY KEY (log, level, n)
);

-- Where the entries of each tenant end.
CREATE TABLE troth_audit_tenant (
	log    BIGINT NOT NULL,
	tenant TEXT COLLATE "C" NOT NULL,
	number BIGINT NOT NULL,
	idx    BIGINT NOT NULL,
	hash   BYTEA  NOT NULL CHECK (octet_length(hash) = 32),
	PRIMARY KEY (log, tenant)
);

-- Signed notes.
CREATE TABLE troth_audit_checkpoint (
	log       BIGINT NOT NULL,
	size      BIGINT NOT NULL,
	signed_at BIGINT NOT NULL,
	note      BYTEA  NOT NULL,
	PRIMARY KEY (log, size)
);

-- Sealed pieces of payload, to which the leaf holds commitments. Once dropped,
-- salt and box are NULL.
CREATE TABLE troth_audit_part (
	tenant      TEXT COLLATE "C" NOT NULL,
	entry       BYTEA  NOT NULL CHECK (octet_length(entry) = 16),
	part        BIGINT NOT NULL,
	name        TEXT   NOT NULL,
	subject     BYTEA  NOT NULL CHECK (octet_length(subject) = 16),
	compartment TEXT   NOT NULL,
	recorded_at BIGINT NOT NULL,
	salt        BYTEA  CHECK (octet_length(salt) = 32),
	box         BYTEA,
	dropped_by  BYTEA  CHECK (octet_length(dropped_by) = 16),
	PRIMARY KEY (tenant, entry, part)
);

CREATE INDEX troth_audit_part_age ON troth_audit_part (tenant, recorded_at, entry) WHERE dropped_by IS NULL;

-- What was found in the inbox and is no evidence, verbatim. The same id may
-- come again.
CREATE TABLE troth_audit_quarantine (
	tenant      TEXT COLLATE "C",
	id          BYTEA,
	recorded_at BIGINT,
	envelope    BYTEA,
	tag         BYTEA
);
