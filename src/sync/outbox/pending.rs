//! What is to be sent next.

use core::ops::Bound;

use super::super::Hlc;
use super::super::conflict;
use super::super::dead::{self, Refused};
use super::super::document;
use super::super::lookup::{Standing, lookup};
use super::super::protocol::{Limits, Mode};
use super::{PAGE, Priority, docs, row_number};
use crate::backend::layer::Replicated;
use crate::backend::{Backend, Direction, Read, Scan};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Object;
use crate::model::{Doc, Key, KeyRange, Register, system};

/// What a request has beside its operations: the client, the epoch, punctuation.
const ENVELOPE_BYTES: usize = 1024;

/// An operation that is to be sent, its body still text.
#[derive(Debug)]
pub(crate) struct Op {
    c: String,
    id: String,
    base: Option<u64>,
    hlc: Hlc,
    mode: Mode,
    body: Option<String>,
}

impl Op {
    /// Its text, under a number.
    pub(crate) fn text(&self, mid: u64) -> String {
        let mode = match self.mode {
            Mode::Cas => "cas",
            Mode::Lww => "lww",
        };
        let op = Object::new().whole("mid", mid).text("c", &self.c).text("id", &self.id);
        let op = match self.base {
            Some(base) => op.whole("base", base),
            None => op.json("base", "null"),
        };
        let op = op.text("hlc", &self.hlc.to_string()).text("mode", mode);
        match &self.body {
            Some(body) => op.json("body", body),
            None => op.flag("del", true),
        }
        .finish()
    }
}

/// What is to be sent next.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// The operations, not yet numbered, in the order of the first write.
    pub(crate) ops: Vec<Op>,
    /// The rows that are done with once these operations are settled.
    pub(crate) rows: Vec<u64>,
    /// What cannot be sent, and why.
    pub(crate) unsendable: Vec<(Doc, Hlc, Error)>,
    /// What was wrong with rows that cannot be read; they stay.
    pub(crate) damaged: Vec<Error>,
}

/// What may be sent, and what of it first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sendable<'a> {
    /// The rest waits.
    pub(crate) among: &'a Replicated,
    /// Of the collections that have another than the normal one.
    pub(crate) priority: &'a [(String, Priority)],
}

impl Sendable<'_> {
    fn priority(&self, doc: &Doc) -> Priority {
        let named = self.priority.iter().find(|(name, _)| *name == doc.collection);
        named.map_or(Priority::Normal, |(_, priority)| *priority)
    }
}

/// Reads what is to be sent next, within the endpoint's limits; at least one operation if there is any.
///
/// # Behavior
///
/// - What is not among the documents that may be sent waits, and so do the rows that name it.
/// - What has a higher priority goes first, and leaves a share of each request to the others. Within one, the order is
///   that of the first writes.
///
/// # Errors
///
/// What the backend raises. A damaged row is no error here: it is told of in the result and holds nothing up.
pub(crate) async fn pending(backend: &dyn Backend, limits: Limits, sendable: Sendable<'_>) -> Result<Pending> {
    // INVARIANT: only rows that were there before the letters and conflicts were read. A retry turns a letter into a row, and
    // a decision a conflict; were that row read beside them, it would be done with though nothing was sent.
    let newest = Scan { direction: Direction::Backward, limit: Some(1), read: Read::Keys, ..Scan::all(system::OUTBOX) };
    let Some(newest) = backend.scan(&newest).await?.pop() else { return Ok(Pending::default()) };
    let mut reader = Reader {
        limits,
        sendable,
        priority: Priority::Normal,
        contested: conflict::contested(&conflict::undecided(backend).await?),
        dead: Refused::of(&dead::letters(backend).await?),
        register: Register::default(),
        seen: Vec::new(),
        bytes: ENVELOPE_BYTES,
        result: Pending::default(),
    };
    let every = if sendable.priority.is_empty() { &[Priority::Normal][..] } else { &Priority::ALL };
    for priority in every {
        reader.priority = *priority;
        // Where there are no others, nothing is left to them.
        reader.limits = if every.len() > 1 { priority.share(limits) } else { limits };
        reader.look(backend, &newest.key, limits.max_ops).await?;
    }
    Ok(reader.result)
}

struct Reader<'a> {
    /// What may be taken so far: the endpoint's limits, but for what is left to others.
    limits: Limits,
    sendable: Sendable<'a>,
    /// Which documents are looked for now.
    priority: Priority,
    /// What waits for a decision first.
    contested: Register,
    dead: Refused,
    /// The documents met so far.
    register: Register,
    /// What is known of each, under its number.
    seen: Vec<Seen>,
    bytes: usize,
    result: Pending,
}

/// What is known of a document that a row names.
struct Seen {
    /// Where it stands, until that is looked into.
    standing: Option<Standing>,
    /// Whether it is taken care of, once it was looked into.
    settled: bool,
}

impl Reader<'_> {
    /// Goes through the rows up to the newest, until there is no more room.
    async fn look(&mut self, backend: &dyn Backend, newest: &Key, enough: usize) -> Result<()> {
        self.result.damaged.clear();
        let mut after = Bound::Unbounded;
        loop {
            let range = KeyRange { lower: after, upper: Bound::Included(newest.clone()) };
            let rows = backend.scan(&Scan { range, limit: Some(PAGE), ..Scan::all(system::OUTBOX) }).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Bound::Excluded(last.key.clone());
            let more = rows.len() == PAGE && last.key != *newest;
            let mut group = Vec::new();
            for row in rows {
                let (Some(number), Some(record)) = (row_number(&row.key), &row.record) else { continue };
                match docs(record) {
                    Ok(docs) => group.push((number, docs)),
                    Err(error) => self.result.damaged.push(error.with("number", number)),
                }
                if group.iter().map(|(_, docs)| docs.len()).sum::<usize>() >= enough
                    && !self.read(backend, core::mem::take(&mut group)).await?
                {
                    return Ok(());
                }
            }
            if !self.read(backend, group).await? || !more {
                return Ok(());
            }
        }
    }

    /// Reads the documents of some rows, in order; answers whether there is room for more.
    async fn read(&mut self, backend: &dyn Backend, rows: Vec<(u64, Vec<Doc>)>) -> Result<bool> {
        let now = |doc: &&Doc| {
            self.sendable.among.takes(&doc.collection, &doc.key) && self.sendable.priority(doc) == self.priority
        };
        let docs: Vec<&Doc> = rows.iter().flat_map(|(_, docs)| docs).filter(now).collect();
        let new: Vec<Doc> = docs.into_iter().filter(|doc| self.register.add(doc)).cloned().collect();
        self.seen.extend(
            lookup(backend, &new).await?.into_iter().map(|standing| Seen { standing: Some(standing), settled: true }),
        );
        Ok(rows.into_iter().all(|(number, docs)| self.row(number, docs)))
    }

    /// Takes the documents of one row; answers whether there is room for more.
    fn row(&mut self, number: u64, docs: Vec<Doc>) -> bool {
        let mut covered = true;
        let mut last = Priority::High;
        for doc in docs {
            let priority = self.sendable.priority(&doc);
            last = last.max(priority);
            let Some(seen) = self.register.number(&doc).and_then(|number| self.seen.get_mut(number)) else {
                covered = false;
                continue;
            };
            if priority != self.priority {
                covered &= seen.standing.is_none() && seen.settled;
                continue;
            }
            let Some(standing) = seen.standing.take() else {
                covered &= seen.settled;
                continue;
            };
            let Some(replica) = standing.replica().filter(|replica| replica.dirty) else { continue };
            if mutant!("deletions-are-not-sent") && standing.live().is_none() {
                continue;
            }
            if self.dead.contains(&doc, replica.hlc) || self.contested.contains(&doc) {
                continue;
            }
            let op = standing.live().map(document::encode).transpose().map(|body| Op {
                c: doc.collection.clone(),
                id: doc.key.to_text(),
                base: replica.rev,
                hlc: replica.hlc,
                mode: self.sendable.among.policies().of(&doc.collection).mode(),
                body,
            });
            match op.and_then(|op| size(&op, self.limits).map(|size| (op, size))) {
                Err(error) => {
                    // It becomes a dead letter, and the row is read again then.
                    covered = false;
                    seen.settled = false;
                    self.result.unsendable.push((doc, replica.hlc, error));
                }
                Ok((op, size)) => {
                    let full =
                        self.result.ops.len() >= self.limits.max_ops || self.bytes + size > self.limits.max_bytes;
                    if full && !self.result.ops.is_empty() {
                        seen.settled = false;
                        if mutant!("a-row-is-done-with-when-the-request-is-full") {
                            self.result.rows.push(number);
                        }
                        return false;
                    }
                    self.bytes += size;
                    self.result.ops.push(op);
                }
            }
        }
        if covered && last == self.priority {
            self.result.rows.push(number);
        }
        true
    }
}

/// What an operation adds to a request.
fn size(op: &Op, limits: Limits) -> Result<usize> {
    let body = op.body.as_ref().map_or(0, String::len);
    if body > limits.max_doc_bytes {
        let message = "the document is larger than the endpoint takes; make it smaller";
        return Err(Error::new(ErrorKind::QuotaExceeded, message)
            .with("bytes", body)
            .with("most", limits.max_doc_bytes));
    }
    Ok(op.text(u64::MAX).len() + 1)
}

#[cfg(test)]
mod tests {
    use core::cell::RefCell;

    use futures_util::FutureExt as _;

    use super::super::{append, remove};
    use super::*;
    use crate::backend::memory::MemoryBackend;
    use crate::backend::{LocalFuture, Row as BackendRow};
    use crate::model::{Body, Key, Put, Schema, WriteOp};
    use crate::platform::Payload;
    use crate::sync::state::strict;

    /// A backend into which something is written right after a scan of one collection.
    #[derive(Debug)]
    struct Meanwhile {
        inner: MemoryBackend,
        after: &'static str,
        write: RefCell<Vec<WriteOp>>,
    }

    impl Backend for Meanwhile {
        crate::delegate!(inner: facts, commit, get, count, namespaces, close, destroy);

        fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<BackendRow>>> {
            Box::pin(async move {
                let rows = self.inner.scan(scan).await?;
                let write = self.write.take();
                if scan.collection == self.after && !write.is_empty() {
                    self.inner.commit(strict(write, 2.0)).await?;
                } else {
                    self.write.replace(write);
                }
                Ok(rows)
            })
        }
    }

    #[test]
    fn a_retry_during_the_reading_is_sent_now_or_keeps_its_row() {
        for after in [system::DEAD, system::OUTBOX] {
            let doc = Doc::new("notes", Key::from("bad"));
            let hlc = Hlc::new(1, 0, 7);
            let mut put = Put::new("notes", doc.key.clone(), Body::Clear(Payload::from_wire("1").unwrap()));
            put.replicate = Some(hlc);
            let refusal = Error::new(ErrorKind::ValidationFailed, "no");
            let letter = dead::refused(&doc, hlc, 1, 1.0, &refusal).unwrap();
            let mut retried = vec![dead::settled(&doc)];
            retried.extend(append(core::slice::from_ref(&doc), 2.0).unwrap());
            let inner = MemoryBackend::new("test", std::rc::Rc::new(Schema::default()), 10);
            let first = append(&[Doc::new("notes", Key::from("other"))], 1.0).unwrap().remove(0);
            inner.commit(strict(vec![WriteOp::Put(put), letter, first], 1.0)).now_or_never().unwrap().unwrap();
            let backend = Meanwhile { inner, after, write: RefCell::new(retried) };

            let among = Replicated::new(["notes".to_owned()]);
            let sendable = Sendable { among: &among, priority: &[] };
            let read = || pending(&backend, Limits::default(), sendable).now_or_never().unwrap().unwrap();
            let mut found = read();
            if found.ops.is_empty() {
                let done: Vec<WriteOp> = found.rows.iter().map(|row| remove(*row)).collect();
                backend.inner.commit(strict(done, 3.0)).now_or_never().unwrap().unwrap();
                found = read();
            }
            assert_eq!(found.ops.iter().map(|op| op.id.as_str()).collect::<Vec<_>>(), ["bad"], "after {after}");
        }
    }
}
