-- Who joins a group a second time in one transaction leaves the group's row alone and
-- adds one here: each version of a row that a transaction makes is looked at again by
-- every later one. open + the sum of n is how many are open.
CREATE TABLE troth_task_join (
	tenant TEXT COLLATE "C" NOT NULL,
	grp    BYTEA  NOT NULL,
	n      BIGINT NOT NULL
);

CREATE INDEX troth_task_join_of ON troth_task_join (tenant, grp);

-- The transaction that joined last.
ALTER TABLE troth_task_group ADD COLUMN joined BIGINT NOT NULL DEFAULT 0;
