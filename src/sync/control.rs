//! What waits, told and decided on by hand.

use super::effects::{Effects, raced};
use super::engine::sent;
use super::inner::Inner;
use super::lookup::lookup;
use super::{EntryState, OutboxEntry, SyncStatus, conflict, dead, outbox, pull, state};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Doc, Key, Register, system};

/// How often a commit is made anew because of writes in between.
const MOST_RACES: usize = 10;

pub(super) async fn status(inner: &Inner) -> Result<SyncStatus> {
    let (waiting, letters) = outbox::named(&*inner.backend).await?;
    let wishes = state::wishes(&*inner.backend, &inner.config).await?;
    let mut status = inner.view.borrow().clone();
    status.enabled = wishes.enabled;
    status.interval = wishes.interval;
    let named = inner.config.collections.iter().filter(|name| *name != system::KEYS);
    status.preferences = named.map(|name| (name.clone(), wishes.replicated.contains(name))).collect();
    status.pending = waiting.len() as u64;
    status.failed = letters.len() as u64;
    status.conflicts = conflict::contested(&conflict::undecided(&*inner.backend).await?).len() as u64;
    Ok(status)
}

/// The documents of a flight.
fn in_flight(flight: &state::Flight) -> Register {
    let ops = flight.requests.iter().filter_map(|request| sent(request).ok()).flatten();
    ops.filter_map(|op| Some(Doc::new(op.c, Key::from_text(&op.id).ok()?))).collect()
}

pub(super) async fn pending(inner: &Inner) -> Result<Vec<OutboxEntry>> {
    let state = inner.load().await?;
    let (waiting, letters) = outbox::named(&*inner.backend).await?;
    let sending = in_flight(&state.flight.value);
    let view = inner.view.borrow().clone();
    let waiting = waiting.into_iter().map(|doc| {
        let sent = sending.contains(&doc);
        OutboxEntry {
            id: doc.id(),
            attempts: if sent { inner.attempts.get() } else { 0 },
            next_attempt: view.next_sync_time,
            state: if sent { EntryState::Sending } else { EntryState::Waiting },
            error: view.last_error.clone(),
            collection: doc.collection,
            key: doc.key,
        }
    });
    let dead = letters.into_iter().map(|letter| OutboxEntry::dead(letter.doc, letter.attempts, letter.error));
    Ok(waiting.chain(dead).collect())
}

fn unknown(id: &str) -> Error {
    Error::new(ErrorKind::NotFound, "nothing of this id waits to be sent or was set aside; see `pending`")
        .with("id", id)
}

pub(super) async fn retry(inner: &Inner, id: &str) -> Result<()> {
    for race in 0.. {
        let (waiting, letters) = outbox::named(&*inner.backend).await?;
        let letters: Vec<_> = letters.into_iter().filter(|letter| letter.doc.id() == id).collect();
        let Some(doc) = letters.first().map(|letter| letter.doc.clone()) else {
            return if waiting.iter().any(|doc| doc.id() == id) { Ok(()) } else { Err(unknown(id)) };
        };
        let state = inner.load().await?;
        let mut effects = Effects::default();
        effects.ops.extend(letters.iter().map(dead::Letter::removed));
        if !mutant!("what-is-retried-is-not-named") {
            effects.name(&doc);
        }
        if letters.iter().any(|letter| letter.sent().is_none()) {
            let progress = state::Progress { snapshot: true, ..state.progress.value.clone() };
            effects.ops.push(state.progress.replaced(&progress)?);
        }
        match effects.commit(inner.storage(&inner.wishes())).await {
            Err(error) if raced(&error) && race < MOST_RACES => {}
            outcome => return outcome.map(drop),
        }
    }
    Ok(())
}

pub(super) async fn discard(inner: &Inner, id: &str) -> Result<()> {
    for race in 0.. {
        let (waiting, letters) = outbox::named(&*inner.backend).await?;
        let letters: Vec<_> = letters.into_iter().filter(|letter| letter.doc.id() == id).collect();
        let found = waiting.into_iter().find(|doc| doc.id() == id);
        let Some(doc) = found.or_else(|| letters.first().map(|letter| letter.doc.clone())) else {
            return Err(unknown(id));
        };
        let state = inner.load().await?;
        if in_flight(&state.flight.value).contains(&doc) {
            let message = "the change may have reached the endpoint already; write or delete the record instead";
            return Err(Error::new(ErrorKind::Conflict, message).with("id", id));
        }
        let standing = lookup(&*inner.backend, core::slice::from_ref(&doc)).await?.into_iter().next();
        let mut effects = Effects::default();
        // Written anew as it is, so that a sender who freezes the document meanwhile is noticed.
        effects.ops.push(state.flight.replaced(&state.flight.value)?);
        effects.ops.extend(letters.iter().map(dead::Letter::removed));
        let fetch = standing.is_some_and(|standing| pull::forget(&mut effects, &doc, &standing));
        if fetch {
            let progress = state::Progress { snapshot: true, ..state.progress.value.clone() };
            effects.ops.push(state.progress.replaced(&progress)?);
        }
        match effects.commit(inner.storage(&inner.wishes())).await {
            Err(error) if raced(&error) && race < MOST_RACES => {}
            outcome => return outcome.map(drop),
        }
    }
    Ok(())
}
