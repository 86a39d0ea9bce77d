-- Control rows. Tombstones name the entry of the trail that tells of their
-- shredding; keys tell which restrictions they are under.
ALTER TABLE troth_vault_root ADD COLUMN evidence BLOB;
ALTER TABLE troth_vault_key ADD COLUMN evidence BLOB;
ALTER TABLE troth_vault_key ADD COLUMN flag BLOB;
ALTER TABLE troth_vault_person ADD COLUMN evidence BLOB;
-- How many restrictions are in force.
ALTER TABLE troth_vault_person ADD COLUMN restricted INTEGER NOT NULL DEFAULT 0;

CREATE INDEX troth_vault_key_evidence ON troth_vault_key (tenant, evidence) WHERE evidence IS NOT NULL;
CREATE INDEX troth_vault_person_evidence ON troth_vault_person (tenant, evidence) WHERE evidence IS NOT NULL;
-- Few rows of many are looked at by those who reconcile.
CREATE INDEX troth_vault_key_control ON troth_vault_key (tenant, subject, compartment, generation)
	WHERE shredded_at <> 0 OR evidence IS NOT NULL OR flag IS NOT NULL;
CREATE INDEX troth_vault_person_control ON troth_vault_person (tenant, subject)
	WHERE closed_at <> 0 OR evidence IS NOT NULL OR restricted <> 0;

-- The excepted purposes stand one a line, which no purpose holds.
CREATE TABLE troth_vault_restriction (
	tenant    TEXT NOT NULL,
	id        BLOB  NOT NULL,
	subject   TEXT NOT NULL,
	excepted  TEXT NOT NULL,
	ground    TEXT NOT NULL,
	made_at   INTEGER NOT NULL,
	lifted_at INTEGER NOT NULL DEFAULT 0,
	grant_id  BLOB,
	lifted_by BLOB,
	mac       BLOB  NOT NULL,
	PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX troth_vault_restriction_subject ON troth_vault_restriction (tenant, subject, id);

CREATE TABLE troth_vault_grant (
	tenant       TEXT NOT NULL,
	id           BLOB  NOT NULL,
	subject      TEXT NOT NULL,
	restriction  BLOB  NOT NULL,
	ground       TEXT NOT NULL,
	announced_at INTEGER NOT NULL,
	made_at      INTEGER NOT NULL,
	mac          BLOB  NOT NULL,
	PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX troth_vault_grant_subject ON troth_vault_grant (tenant, subject, id);

-- How far something long has come.
CREATE TABLE troth_vault_mark (
	name TEXT NOT NULL PRIMARY KEY,
	mark BLOB NOT NULL
) STRICT, WITHOUT ROWID;
