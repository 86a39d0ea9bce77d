-- The vault's rows. Instants are microseconds since 1970, UTC; 0 means never.
-- Names are compared by their bytes, whatever the database's own order is.

CREATE TABLE troth_vault_root (
	tenant      TEXT COLLATE "C" NOT NULL,
	lineage     TEXT COLLATE "C" NOT NULL,
	epoch       BIGINT NOT NULL,
	sealed      BYTEA,
	commitment  BYTEA  NOT NULL,
	created_at  BIGINT NOT NULL,
	shredded_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (tenant, lineage, epoch),
	-- A tombstone holds no key.
	CHECK (shredded_at = 0 OR sealed IS NULL)
);

CREATE TABLE troth_vault_person (
	tenant    TEXT COLLATE "C" NOT NULL,
	subject   TEXT COLLATE "C" NOT NULL,
	closed_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (tenant, subject)
);

CREATE TABLE troth_vault_key (
	tenant      TEXT COLLATE "C" NOT NULL,
	subject     TEXT COLLATE "C" NOT NULL,
	compartment TEXT COLLATE "C" NOT NULL,
	generation  BIGINT NOT NULL,
	key_id      BIGINT NOT NULL,
	epoch       BIGINT NOT NULL,
	sealed      BYTEA,
	commitment  BYTEA  NOT NULL,
	created_at  BIGINT NOT NULL,
	shredded_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (tenant, subject, compartment, generation),
	CHECK (shredded_at = 0 OR sealed IS NULL)
);

-- 0 is the id of tombstones that never had a key.
CREATE UNIQUE INDEX troth_vault_key_id ON troth_vault_key (tenant, subject, key_id) WHERE key_id <> 0;

-- Events land without a position, because ids commit out of order. Whoever
-- follows numbers those that are committed.
CREATE TABLE troth_vault_fence (
	id          BIGSERIAL PRIMARY KEY,
	position    BIGINT,
	tenant      TEXT COLLATE "C" NOT NULL,
	subject     TEXT COLLATE "C" NOT NULL,
	compartment TEXT COLLATE "C" NOT NULL,
	died_at     BIGINT NOT NULL
);

CREATE UNIQUE INDEX troth_vault_fence_position ON troth_vault_fence (position) WHERE position IS NOT NULL;
CREATE INDEX troth_vault_fence_unnumbered ON troth_vault_fence (id) WHERE position IS NULL;

CREATE TABLE troth_vault_window (
	tenant    TEXT COLLATE "C" NOT NULL,
	id        BYTEA  NOT NULL,
	actor     TEXT COLLATE "C" NOT NULL,
	home      TEXT COLLATE "C" NOT NULL,
	purpose   TEXT COLLATE "C" NOT NULL,
	opened_at BIGINT NOT NULL,
	until_at  BIGINT NOT NULL,
	closed_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (tenant, id)
);

-- Lapsed windows are looked for across all tenants.
CREATE INDEX troth_vault_window_open ON troth_vault_window (until_at) WHERE closed_at = 0;

CREATE TABLE troth_vault_setting (
	name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	value BIGINT NOT NULL
);
