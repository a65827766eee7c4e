-- When a document was last changed, by the endpoint's clock: deletions are forgotten by age.
ALTER TABLE documents ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
UPDATE documents SET at = unixepoch() * 1000;
CREATE INDEX documents_deleted ON documents (at, space, seq) WHERE body IS NULL;
