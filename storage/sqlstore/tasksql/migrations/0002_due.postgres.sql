-- What stood alone and had something sealed is to be disposed of once it has
-- ended. That needs no row of its own: its wake_at, which has no other meaning then,
-- is since when. troth_task_disposal has groups, and what was put off.
CREATE INDEX troth_task_turn_due ON troth_task_turn (wake_at) WHERE phase > 5 AND wake_at > 0;
