-- The vault's rows. Instants are microseconds since 1970, UTC; 0 means never.

CREATE TABLE troth_vault_root (
	tenant      TEXT    NOT NULL,
	lineage     TEXT    NOT NULL,
	epoch       INTEGER NOT NULL,
	sealed      BLOB,
	commitment  BLOB    NOT NULL,
	created_at  INTEGER NOT NULL,
	shredded_at INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (tenant, lineage, epoch),
	-- A tombstone holds no key.
	CHECK (shredded_at = 0 OR sealed IS NULL)
) STRICT, WITHOUT ROWID;

CREATE TABLE troth_vault_person (
	tenant    TEXT    NOT NULL,
	subject   TEXT    NOT NULL,
	closed_at INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE troth_vault_key (
	tenant      TEXT    NOT NULL,
	subject     TEXT    NOT NULL,
	compartment TEXT    NOT NULL,
	generation  INTEGER NOT NULL,
	key_id      INTEGER NOT NULL,
	epoch       INTEGER NOT NULL,
	sealed      BLOB,
	commitment  BLOB    NOT NULL,
	created_at  INTEGER NOT NULL,
	shredded_at INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (tenant, subject, compartment, generation),
	CHECK (shredded_at = 0 OR sealed IS NULL)
) STRICT, WITHOUT ROWID;

-- 0 is the id of tombstones that never had a key.
CREATE UNIQUE INDEX troth_vault_key_id ON troth_vault_key (tenant, subject, key_id) WHERE key_id <> 0;

-- One writer: rows commit in the order of their positions, and a rollback takes
-- its own back. AUTOINCREMENT keeps positions from starting again.
CREATE TABLE troth_vault_fence (
	position    INTEGER PRIMARY KEY AUTOINCREMENT,
	tenant      TEXT    NOT NULL,
	subject     TEXT    NOT NULL,
	compartment TEXT    NOT NULL,
	died_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE troth_vault_window (
	tenant    TEXT    NOT NULL,
	id        BLOB    NOT NULL,
	actor     TEXT    NOT NULL,
	home      TEXT    NOT NULL,
	purpose   TEXT    NOT NULL,
	opened_at INTEGER NOT NULL,
	until_at  INTEGER NOT NULL,
	closed_at INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- Lapsed windows are looked for across all tenants.
CREATE INDEX troth_vault_window_open ON troth_vault_window (until_at) WHERE closed_at = 0;

CREATE TABLE troth_vault_setting (
	name  TEXT    NOT NULL PRIMARY KEY,
	value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
