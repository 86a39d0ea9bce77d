-- Epochs: roots can be superseded and emptied while their tenant lives, keys
-- move from root to root, and epochs have rows of their own.

ALTER TABLE troth_vault_root ADD COLUMN superseded_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE troth_vault_root ADD COLUMN retired_at BIGINT NOT NULL DEFAULT 0
	CHECK (retired_at = 0 OR sealed IS NULL);
-- A lineage has one first root, whatever its epoch.
ALTER TABLE troth_vault_root ADD COLUMN origin BIGINT NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX troth_vault_root_origin ON troth_vault_root (tenant, lineage) WHERE origin = 1;
-- Tenants that are left in an epoch are looked for across all tenants.
CREATE INDEX troth_vault_root_living ON troth_vault_root (epoch, tenant) WHERE sealed IS NOT NULL;

ALTER TABLE troth_vault_key ADD COLUMN first_epoch BIGINT NOT NULL DEFAULT 0;
CREATE INDEX troth_vault_key_epoch ON troth_vault_key (epoch, tenant) WHERE shredded_at = 0;

ALTER TABLE troth_vault_fence ADD COLUMN roots BIGINT NOT NULL DEFAULT 0;

CREATE TABLE troth_vault_epoch (
	epoch        BIGINT NOT NULL PRIMARY KEY,
	place        TEXT COLLATE "C" NOT NULL,
	opened_at    BIGINT NOT NULL,
	closed_at    BIGINT NOT NULL DEFAULT 0,
	final_at     BIGINT NOT NULL DEFAULT 0,
	destroyed_at BIGINT NOT NULL DEFAULT 0,
	backed_up_at BIGINT NOT NULL DEFAULT 0,
	CHECK (destroyed_at = 0 OR closed_at <> 0)
);

CREATE TABLE troth_vault_rewrap (
	tenant      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	epoch       BIGINT NOT NULL,
	subject     TEXT COLLATE "C" NOT NULL,
	compartment TEXT COLLATE "C" NOT NULL,
	generation  BIGINT NOT NULL,
	moved       BIGINT NOT NULL,
	stuck       BIGINT NOT NULL,
	started_at  BIGINT NOT NULL
);

CREATE TABLE troth_vault_export (
	tenant      TEXT COLLATE "C" NOT NULL,
	subject     TEXT COLLATE "C" NOT NULL,
	compartment TEXT COLLATE "C" NOT NULL,
	exported_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, subject, compartment)
);
