-- Approvals of plans, and warrants, are authenticated each by itself.

ALTER TABLE troth_retention_plan ADD COLUMN mac BLOB NOT NULL DEFAULT x'';
ALTER TABLE troth_retention_warrant ADD COLUMN mac BLOB NOT NULL DEFAULT x'';
