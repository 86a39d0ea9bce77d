-- Control rows. Tombstones name the entry of the trail that tells of their
-- shredding; keys tell which restrictions they are under.
ALTER TABLE troth_vault_root ADD COLUMN evidence BYTEA;
ALTER TABLE troth_vault_key ADD COLUMN evidence BYTEA;
ALTER TABLE troth_vault_key ADD COLUMN flag BYTEA;
ALTER TABLE troth_vault_person ADD COLUMN evidence BYTEA;
-- How many restrictions are in force.
ALTER TABLE troth_vault_person ADD COLUMN restricted BIGINT NOT NULL DEFAULT 0;

CREATE INDEX troth_vault_key_evidence ON troth_vault_key (tenant, evidence) WHERE evidence IS NOT NULL;
CREATE INDEX troth_vault_person_evidence ON troth_vault_person (tenant, evidence) WHERE evidence IS NOT NULL;
-- Few rows of many are looked at by those who reconcile.
CREATE INDEX troth_vault_key_control ON troth_vault_key (tenant, subject, compartment, generation)
	WHERE shredded_at <> 0 OR evidence IS NOT NULL OR flag IS NOT NULL;
CREATE INDEX troth_vault_person_control ON troth_vault_person (tenant, subject)
	WHERE closed_at <> 0 OR evidence IS NOT NULL OR restricted <> 0;

-- The excepted purposes stand one a line, which no purpose holds.
CREATE TABLE troth_vault_restriction (
	tenant    TEXT COLLATE "C" NOT NULL,
	id        BYTEA  NOT NULL,
	subject   TEXT COLLATE "C" NOT NULL,
	excepted  TEXT COLLATE "C" NOT NULL,
	ground    TEXT COLLATE "C" NOT NULL,
	made_at   BIGINT NOT NULL,
	lifted_at BIGINT NOT NULL DEFAULT 0,
	grant_id  BYTEA,
	lifted_by BYTEA,
	mac       BYTEA  NOT NULL,
	PRIMARY KEY (tenant, id)
);

CREATE INDEX troth_vault_restriction_subject ON troth_vault_restriction (tenant, subject, id);

CREATE TABLE troth_vault_grant (
	tenant       TEXT COLLATE "C" NOT NULL,
	id           BYTEA  NOT NULL,
	subject      TEXT COLLATE "C" NOT NULL,
	restriction  BYTEA  NOT NULL,
	ground       TEXT COLLATE "C" NOT NULL,
	announced_at BIGINT NOT NULL,
	made_at      BIGINT NOT NULL,
	mac          BYTEA  NOT NULL,
	PRIMARY KEY (tenant, id)
);

CREATE INDEX troth_vault_grant_subject ON troth_vault_grant (tenant, subject, id);

-- How far something long has come.
CREATE TABLE troth_vault_mark (
	name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	mark BYTEA NOT NULL
);
