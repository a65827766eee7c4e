-- A document's revision is the sequence of its last change, so there is one column for both.
-- `results` holds what took effect, by client and mutation; of older ones, `clients.watermark` says enough.
-- The application id marks the file as ours: “tide”.
PRAGMA application_id = 1953064037;
CREATE TABLE spaces (
    space INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    epoch TEXT NOT NULL,
    head INTEGER NOT NULL,
    floor INTEGER NOT NULL
) STRICT;
CREATE TABLE documents (
    space INTEGER NOT NULL REFERENCES spaces,
    c TEXT NOT NULL,
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    hlc TEXT NOT NULL,
    body TEXT,
    PRIMARY KEY (space, c, id)
) STRICT;
CREATE UNIQUE INDEX documents_by_seq ON documents (space, seq, c);
CREATE TABLE clients (
    space INTEGER NOT NULL REFERENCES spaces,
    client TEXT NOT NULL,
    last INTEGER NOT NULL,
    watermark INTEGER NOT NULL,
    PRIMARY KEY (space, client)
) STRICT, WITHOUT ROWID;
CREATE TABLE results (
    space INTEGER NOT NULL REFERENCES spaces,
    client TEXT NOT NULL,
    mid INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    c TEXT NOT NULL,
    id TEXT NOT NULL,
    hlc TEXT NOT NULL,
    PRIMARY KEY (space, client, mid)
) STRICT, WITHOUT ROWID;
