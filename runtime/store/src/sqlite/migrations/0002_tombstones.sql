-- Whether the entry's row was read again since it was captured.
ALTER TABLE journal ADD COLUMN revised INTEGER NOT NULL DEFAULT 0;

-- When the link of a lane was last forgotten, in microseconds: what was observed before is a ghost.
CREATE TABLE tombstone (
    map      TEXT NOT NULL,
    lane_key TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (map, lane_key)
) WITHOUT ROWID;
CREATE INDEX tombstone_by_age ON tombstone (at);
