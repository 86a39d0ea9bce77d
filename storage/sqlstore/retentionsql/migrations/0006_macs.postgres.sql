-- Approvals of plans, and warrants, are authenticated each by itself.

ALTER TABLE troth_retention_plan ADD COLUMN mac BYTEA NOT NULL DEFAULT '';
ALTER TABLE troth_retention_warrant ADD COLUMN mac BYTEA NOT NULL DEFAULT '';
