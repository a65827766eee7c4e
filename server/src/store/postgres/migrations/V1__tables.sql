-- A document's revision is the sequence of its last change, so there is one column for both. `at` is the endpoint's
-- time of it. An id may hold any text, the character 0 included, which the type text cannot.
CREATE TABLE spaces (
    name text COLLATE "C" PRIMARY KEY,
    epoch text NOT NULL,
    head bigint NOT NULL DEFAULT 0,
    floor bigint NOT NULL DEFAULT 0
);

CREATE TABLE documents (
    space text COLLATE "C" NOT NULL,
    c text COLLATE "C" NOT NULL,
    id bytea NOT NULL,
    seq bigint NOT NULL,
    hlc text COLLATE "C" NOT NULL,
    body text COLLATE "C",
    at bigint NOT NULL,
    PRIMARY KEY (space, c, id)
);
CREATE UNIQUE INDEX documents_by_seq ON documents (space, seq);
CREATE INDEX documents_deleted ON documents (space, at) WHERE body IS NULL;

-- What took effect, by client and mutation; of older ones, `clients.watermark` says enough.
CREATE TABLE clients (
    space text COLLATE "C" NOT NULL,
    client text COLLATE "C" NOT NULL,
    last bigint NOT NULL,
    watermark bigint NOT NULL,
    PRIMARY KEY (space, client)
);

CREATE TABLE results (
    space text COLLATE "C" NOT NULL,
    client text COLLATE "C" NOT NULL,
    mid bigint NOT NULL,
    seq bigint NOT NULL,
    c text COLLATE "C" NOT NULL,
    id bytea NOT NULL,
    hlc text COLLATE "C" NOT NULL,
    PRIMARY KEY (space, client, mid)
);

-- The second wall: a transaction sees the rows of the space that it has named, whatever its queries forget. A
-- transaction that has named none sees nothing. The name `*`, which no space can have, shows the list of spaces to what
-- cleans up, and no document.
ALTER TABLE spaces ENABLE ROW LEVEL SECURITY;
ALTER TABLE spaces FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON spaces
    USING (name = current_setting('tidekeep.space', true) OR current_setting('tidekeep.space', true) = '*');

ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON documents USING (space = current_setting('tidekeep.space', true));

ALTER TABLE clients ENABLE ROW LEVEL SECURITY;
ALTER TABLE clients FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON clients USING (space = current_setting('tidekeep.space', true));

ALTER TABLE results ENABLE ROW LEVEL SECURITY;
ALTER TABLE results FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON results USING (space = current_setting('tidekeep.space', true));
