//! Conflicts, told and decided by hand.

use super::decide::{chosen, find, waits};
use super::row::{Decided, Undecided, decided, undecided};
use super::{Choice, Conflict, ConflictEntry, Which};
use crate::error::{Error, ErrorKind, Result};
use crate::model::RemoteState;
use crate::sync::document;
use crate::sync::effects::raced;
use crate::sync::inner::Inner;
use crate::sync::lookup::lookup;

/// How often a decision is made anew because of writes in between.
const MOST_RACES: usize = 10;

/// Lists conflicts.
pub(in crate::sync) async fn list(inner: &Inner, which: Which) -> Result<Vec<ConflictEntry>> {
    let mut entries = Vec::new();
    match which {
        Which::Undecided => {
            for conflict in undecided(&*inner.backend).await? {
                entries.push(entry(inner, &conflict).await?);
            }
        }
        Which::Settled => {
            for one in decided(&*inner.backend, inner.now()).await? {
                entries.push(settled(inner, one).await);
            }
        }
    }
    Ok(entries)
}

/// How a conflict is listed. Where its values cannot be had, it says why.
pub(super) async fn entry(inner: &Inner, conflict: &Undecided) -> Result<ConflictEntry> {
    let standing = lookup(&*inner.backend, core::slice::from_ref(&conflict.doc)).await?.pop();
    let opened = match (standing, conflict.state()) {
        (Some(standing), Ok(remote)) => inner.opened(conflict, &standing, &remote).await,
        (_, Err(error)) => Err(error),
        (None, _) => Err(Error::new(ErrorKind::NotFound, "the record is gone")),
    };
    let (told, error) = match opened {
        Ok(told) => (told, conflict.failed.clone()),
        Err(error) => (blank(&conflict.doc), Some(error)),
    };
    Ok(ConflictEntry { conflict: told, at: conflict.at, error, settled: None })
}

fn blank(doc: &crate::model::Doc) -> Conflict {
    Conflict {
        id: doc.id(),
        collection: doc.collection.clone(),
        key: doc.key.clone(),
        local: None,
        remote: None,
        base: None,
    }
}

/// How a conflict is listed that was decided.
async fn settled(inner: &Inner, one: Decided) -> ConflictEntry {
    let mut entry =
        ConflictEntry { conflict: blank(&one.doc), at: one.at, error: None, settled: Some((one.by, one.outcome)) };
    let arbiter = inner.arbiter.borrow().clone();
    let slots = [(one.local, &mut entry.conflict.local), (one.remote, &mut entry.conflict.remote)];
    for (text, slot) in slots {
        let Some(text) = text else { continue };
        match (document::decode(Some(&text), 0.0), &arbiter) {
            (Ok(RemoteState::Present { body, .. }), Some(arbiter)) => {
                match arbiter.open(&one.doc.collection, &one.doc.key, &body).await {
                    Ok(value) => *slot = Some(value),
                    Err(error) => entry.error = Some(error),
                }
            }
            (Err(error), _) => entry.error = Some(error),
            (Ok(_), _) => {}
        }
    }
    entry
}

/// Decides a conflict by hand.
pub(in crate::sync) async fn resolve(inner: &Inner, id: &str, choice: &Choice) -> Result<()> {
    for race in 0.. {
        let conflict = find(inner, id).await?;
        let Some(standing) = lookup(&*inner.backend, core::slice::from_ref(&conflict.doc)).await?.pop() else {
            break;
        };
        match chosen(inner, &conflict, &standing, choice).await {
            Err(error) if raced(&error) && race < MOST_RACES => {}
            Err(error) if waits(&error) => return Err(error.with("id", id)),
            outcome => return outcome,
        }
    }
    Ok(())
}
