-- What the erasure journal outside this database is given, and what is known of
-- it. Instants are microseconds since 1970, UTC; 0 means never.

CREATE TABLE troth_vault_line (
	tenant   TEXT    NOT NULL,
	entry    BLOB    NOT NULL,
	line     BLOB    NOT NULL,
	died_at  INTEGER NOT NULL,
	-- 0 while the line waits for the journal.
	acked_at INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (tenant, entry)
) STRICT, WITHOUT ROWID;

-- Lines of the journal name no tenant.
CREATE INDEX troth_vault_line_entry ON troth_vault_line (entry);
CREATE INDEX troth_vault_line_waiting ON troth_vault_line (died_at, entry) WHERE acked_at = 0;

-- How far the journal was followed: one row, or none.
CREATE TABLE troth_vault_journal (
	one      INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	position INTEGER NOT NULL,
	digest   BLOB    NOT NULL
) STRICT;

-- Keyed hashes of names that died in a history which this database does not have.
CREATE TABLE troth_vault_buried (
	name    BLOB    NOT NULL,
	entry   BLOB    NOT NULL,
	died_at INTEGER NOT NULL,
	PRIMARY KEY (name, entry)
) STRICT, WITHOUT ROWID;

-- When a restore destroyed what had come back with older data.
ALTER TABLE troth_vault_root ADD COLUMN restored_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE troth_vault_key ADD COLUMN restored_at INTEGER NOT NULL DEFAULT 0;
