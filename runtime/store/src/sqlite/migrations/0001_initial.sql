-- What was captured and has not ended yet. AUTOINCREMENT: a sequence is never used again.
CREATE TABLE journal (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    map      TEXT NOT NULL,
    leg      TEXT NOT NULL,
    lane_key TEXT NOT NULL,
    key      TEXT NOT NULL,
    change   BLOB NOT NULL,
    wait     TEXT
);
CREATE INDEX journal_of_map ON journal (map, sequence);

CREATE TABLE checkpoint (
    map      TEXT NOT NULL,
    leg      TEXT NOT NULL,
    purpose  TEXT NOT NULL,
    position TEXT NOT NULL,
    PRIMARY KEY (map, leg, purpose)
) WITHOUT ROWID;

CREATE TABLE link (
    map                   TEXT NOT NULL,
    lane_key              TEXT NOT NULL,
    key                   TEXT NOT NULL,
    finops_id             TEXT,
    finops_version        TEXT,
    finops_fingerprint    BLOB NOT NULL,
    finops_key            TEXT NOT NULL,
    finops_written_at     INTEGER,
    dataverse_id          TEXT,
    dataverse_version     TEXT,
    dataverse_fingerprint BLOB NOT NULL,
    dataverse_key         TEXT NOT NULL,
    dataverse_written_at  INTEGER,
    map_version           TEXT NOT NULL,
    digest                TEXT NOT NULL,
    updated_at            INTEGER NOT NULL,
    PRIMARY KEY (map, lane_key)
);
CREATE INDEX link_by_key ON link (map, key);
CREATE INDEX link_by_finops_id ON link (map, finops_id) WHERE finops_id IS NOT NULL;
CREATE INDEX link_by_dataverse_id ON link (map, dataverse_id) WHERE dataverse_id IS NOT NULL;

CREATE TABLE dead_letter (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    map    TEXT NOT NULL,
    code   TEXT NOT NULL,
    letter BLOB NOT NULL
);
CREATE INDEX dead_letter_of_map ON dead_letter (map, id);

CREATE TABLE counter (
    map   TEXT NOT NULL,
    leg   TEXT NOT NULL,
    name  TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (map, leg, name)
) WITHOUT ROWID;

CREATE TABLE map_state (
    map    TEXT PRIMARY KEY,
    state  TEXT NOT NULL,
    since  INTEGER NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE activity (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    map     TEXT,
    kind    TEXT NOT NULL,
    actor   TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX activity_of_map ON activity (map, id);
