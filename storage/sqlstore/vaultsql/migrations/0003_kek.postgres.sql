-- The key-encryption key of a tenant that brings its own, as its resolver knows
-- it; empty for the platform's.
ALTER TABLE troth_vault_root ADD COLUMN kek TEXT COLLATE "C" NOT NULL DEFAULT '';
-- When it was last put under another one; of two copies of a root the later counts.
ALTER TABLE troth_vault_root ADD COLUMN moved_at BIGINT NOT NULL DEFAULT 0;

-- 1 in the tombstone of a generation that was let go while its name lives on.
ALTER TABLE troth_vault_key ADD COLUMN retired BIGINT NOT NULL DEFAULT 0
	CHECK (retired = 0 OR shredded_at <> 0);
