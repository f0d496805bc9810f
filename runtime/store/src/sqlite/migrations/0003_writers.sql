-- Whether the entry goes through the map although its image is known already.
ALTER TABLE journal ADD COLUMN again INTEGER NOT NULL DEFAULT 0;

-- Which version of the map wrote the row of each side last: its version, a blank, its component.
ALTER TABLE link ADD COLUMN finops_writer TEXT;
ALTER TABLE link ADD COLUMN dataverse_writer TEXT;
