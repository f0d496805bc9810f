-- The newest settled changes of each leg, as the map got them: what another version of it is tried on.
CREATE TABLE recorded (
    sequence INTEGER PRIMARY KEY,
    map      TEXT NOT NULL,
    leg      TEXT NOT NULL,
    change   BLOB NOT NULL
);
CREATE INDEX recorded_of_leg ON recorded (map, leg, sequence);
