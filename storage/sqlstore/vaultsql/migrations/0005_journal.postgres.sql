-- What the erasure journal outside this database is given, and what is known of
-- it. Instants are microseconds since 1970, UTC; 0 means never.

CREATE TABLE troth_vault_line (
	tenant   TEXT COLLATE "C" NOT NULL,
	entry    BYTEA  NOT NULL,
	line     BYTEA  NOT NULL,
	died_at  BIGINT NOT NULL,
	-- 0 while the line waits for the journal.
	acked_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (tenant, entry)
);

-- Lines of the journal name no tenant.
CREATE INDEX troth_vault_line_entry ON troth_vault_line (entry);
CREATE INDEX troth_vault_line_waiting ON troth_vault_line (died_at, entry) WHERE acked_at = 0;

-- How far the journal was followed: one row, or none.
CREATE TABLE troth_vault_journal (
	one      BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
	position BIGINT NOT NULL,
	digest   BYTEA  NOT NULL
);

-- Keyed hashes of names that died in a history which this database does not have.
CREATE TABLE troth_vault_buried (
	name    BYTEA  NOT NULL,
	entry   BYTEA  NOT NULL,
	died_at BIGINT NOT NULL,
	PRIMARY KEY (name, entry)
);

-- When a restore destroyed what had come back with older data.
ALTER TABLE troth_vault_root ADD COLUMN restored_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE troth_vault_key ADD COLUMN restored_at BIGINT NOT NULL DEFAULT 0;
