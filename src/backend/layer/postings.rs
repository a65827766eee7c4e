//! Postings: the words of what is written to a searched collection, noted in the commit that writes it.

use core::cell::Cell;
use core::fmt;
use std::rc::Rc;

use super::turns::Turns;
use crate::backend::{Backend, LocalFuture};
use crate::error::Result;
use crate::model::{Body, CommitReceipt, Content, RemoteState, Replicate, Schema, WriteBatch, WriteOp, search_log};
use crate::platform::Payload;
use crate::search::{Index, Pace, Packing, Texts, enter};

/// The most records of one block.
const BLOCK: usize = 2048;
/// After how many blocks it is time to merge some.
const MANY: u32 = 32;

/// A backend that notes the words of searched collections.
///
/// # Behavior
///
/// - What a commit makes of the records of a searched collection is packed into a block, and appended to the
///   collection's log in the same commit: one block for 2 048 records.
/// - What keeps a record's content, and what touches other collections, adds nothing.
/// - Commits reach the backend in the order in which they were made, however long their texts are; cutting those into
///   words lets others go on.
pub struct Postings {
    backend: Rc<dyn Backend>,
    searched: Vec<Searched>,
    turns: Turns,
    wrote: Rc<dyn Fn(&str)>,
}

struct Searched {
    collection: String,
    log: String,
    fields: Vec<String>,
    /// Blocks since the last time it was said that there are many.
    blocks: Cell<u32>,
}

impl Postings {
    /// Postings around `backend`; or `backend` itself, where nothing is searched. `wrote` is told the collection
    /// whenever many blocks have come to its log.
    #[must_use]
    pub fn around(backend: Rc<dyn Backend>, schema: &Schema, wrote: Rc<dyn Fn(&str)>) -> Rc<dyn Backend> {
        let searched = schema.searched().map(|(name, fields)| Searched {
            collection: name.to_owned(),
            log: search_log(name),
            fields: fields.iter().map(|field| field.path.clone()).collect(),
            blocks: Cell::new(0),
        });
        let searched: Vec<Searched> = searched.collect();
        if searched.is_empty() {
            return backend;
        }
        Rc::new(Self { backend, searched, turns: Turns::default(), wrote })
    }

    async fn commit_noted(&self, mut batch: WriteBatch) -> Result<CommitReceipt> {
        let touched = |searched: &&Searched| batch.ops.iter().any(|op| searched.is_touched_by(op));
        if self.turns.are_free() && !self.searched.iter().any(|searched| touched(&searched)) {
            return self.backend.commit(batch).await;
        }
        let turn = self.turns.take().await;
        let asked = batch.ops.len();
        let mut noted = Vec::new();
        for searched in &self.searched {
            for block in searched.blocks(&batch.ops).await {
                noted.push(searched);
                let body = Body::Clear(Payload::bytes(&block));
                batch.ops.push(WriteOp::Append { collection: searched.log.clone(), body });
            }
        }
        let mut receipt = turn.begin(self.backend.commit(batch)).await?;
        receipt.ops.truncate(asked);
        for searched in noted {
            let blocks = searched.blocks.get() + 1;
            searched.blocks.set(blocks % MANY);
            if blocks == MANY {
                (self.wrote)(&searched.collection);
            }
        }
        Ok(receipt)
    }
}

impl Searched {
    fn is_touched_by(&self, op: &WriteOp) -> bool {
        match op {
            WriteOp::Put(put) => put.collection == self.collection,
            WriteOp::Delete(delete) => delete.collection == self.collection,
            WriteOp::Replicate(replicate) => replicate.collection == self.collection,
            WriteOp::Clear { collection } => *collection == self.collection,
            // What is searched is not sealed.
            WriteOp::Append { .. } | WriteOp::Reseal(_) | WriteOp::Verify(_) => false,
        }
    }

    /// What some operations make of the collection.
    async fn blocks(&self, ops: &[WriteOp]) -> Vec<Vec<u8>> {
        // Of each record, what it becomes in the end: nothing, where it is deleted.
        let (mut keys, mut bodies, mut cleared) = (Texts::default(), Vec::<Option<&Body>>::new(), false);
        for op in ops.iter().filter(|op| self.is_touched_by(op)) {
            let (key, body) = match op {
                WriteOp::Put(put) => match &put.content {
                    Content::Replace(body) => (&put.key, Some(body)),
                    Content::Keep => continue,
                },
                WriteOp::Replicate(Replicate { key, state: Some(state), .. }) => match state {
                    RemoteState::Present { body, .. } => (key, Some(body)),
                    RemoteState::Deleted => (key, None),
                },
                WriteOp::Delete(delete) => (&delete.key, None),
                WriteOp::Clear { .. } => {
                    (keys, cleared) = (Texts::default(), true);
                    bodies.clear();
                    continue;
                }
                WriteOp::Replicate(_) | WriteOp::Append { .. } | WriteOp::Reseal(_) | WriteOp::Verify(_) => continue,
            };
            let number = keys.enter(&key.to_text()) as usize;
            match bodies.get_mut(number) {
                Some(known) => *known = body,
                None => bodies.push(body),
            }
        }
        let mut pace = Pace::new();
        let mut blocks = Vec::new();
        let mut index = Index::new(&self.fields);
        if cleared {
            index.clear();
        }
        let mut held = usize::from(cleared);
        for (number, body) in (0..).zip(&bodies) {
            if held == BLOCK {
                blocks.push(pack(&mut index, &mut pace).await);
                index = Index::new(&self.fields);
                held = 0;
            }
            match body {
                Some(body) => enter(&mut index, keys.get(number), body, &mut pace).await,
                None => index.remove(keys.get(number)),
            }
            held += 1;
        }
        if held > 0 {
            blocks.push(pack(&mut index, &mut pace).await);
        }
        blocks
    }
}

async fn pack(index: &mut Index, pace: &mut Pace) -> Vec<u8> {
    pace.breathe().await;
    let mut packing = Packing::new(index, false);
    while packing.step(512) {
        pace.breathe().await;
    }
    packing.finish()
}

impl fmt::Debug for Postings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postings").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl Backend for Postings {
    crate::delegate!(backend: facts, get, scan, count, namespaces, close, destroy);

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        Box::pin(self.commit_noted(batch))
    }
}
