//! What there is to say of the outbox: of each row, and of what waits.

use core::ops::Bound;

use super::super::conflict;
use super::super::dead::{self, Letter, Refused};
use super::super::lookup::{Standing, lookup};
use super::{PAGE, docs, row_number};
use crate::backend::{Backend, Scan};
use crate::error::Result;
use crate::model::{Doc, KeyRange, Register, system};

/// What is to be said of the outbox's rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Audit {
    /// How many there are.
    pub(crate) rows: u64,
    /// How many cannot be read.
    pub(crate) damaged: u64,
    /// Those that name nothing that waits for the endpoint.
    pub(crate) orphaned: Vec<u64>,
}

/// Looks at every row.
pub(crate) async fn audit(backend: &dyn Backend) -> Result<Audit> {
    let (mut audit, mut after) = (Audit::default(), Bound::Unbounded);
    loop {
        let range = KeyRange { lower: after, upper: Bound::Unbounded };
        let rows = backend.scan(&Scan { range, limit: Some(PAGE), ..Scan::all(system::OUTBOX) }).await?;
        let Some(last) = rows.last() else { return Ok(audit) };
        after = Bound::Excluded(last.key.clone());
        for row in &rows {
            audit.rows += 1;
            let (Some(number), Some(record)) = (row_number(&row.key), &row.record) else { continue };
            let Ok(docs) = docs(record) else {
                audit.damaged += 1;
                continue;
            };
            let waits = |standing: &Standing| standing.replica().is_some_and(|replica| replica.dirty);
            // A document that cannot be read may wait.
            if lookup(backend, &docs).await.is_ok_and(|found| !found.iter().any(waits)) {
                audit.orphaned.push(number);
            }
        }
    }
}

/// Every document that some row names, with the dead letters: how an application sees what waits.
pub(crate) async fn named(backend: &dyn Backend) -> Result<(Vec<Doc>, Vec<Letter>)> {
    let mut names = Vec::new();
    let mut seen = Register::default();
    for row in backend.scan(&Scan::all(system::OUTBOX)).await? {
        let Some(record) = &row.record else { continue };
        // A damaged row is told of by the next round.
        let Ok(docs) = docs(record) else { continue };
        names.extend(docs.into_iter().filter(|doc| seen.add(doc)));
    }
    let found = lookup(backend, &names).await?;
    let letters = dead::letters(backend).await?;
    let dead = Refused::of(&letters);
    let contested = conflict::contested(&conflict::undecided(backend).await?);
    let waiting = names
        .iter()
        .zip(found)
        .filter(|(doc, standing)| {
            let waits = |replica: crate::model::Replica| replica.dirty && !dead.contains(doc, replica.hlc);
            standing.replica().is_some_and(waits) && !contested.contains(doc)
        })
        .map(|(doc, _)| doc.clone())
        .collect();
    Ok((waiting, letters))
}
