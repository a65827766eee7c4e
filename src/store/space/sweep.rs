//! The sweeper: entries whose time is over are removed.

use core::ops::Bound;

use super::Space;
use crate::backend::{Position, Read, Row, Scan, Source};
use crate::error::{ErrorKind, Result};
use crate::model::{Key, KeyRange, Record};
use crate::policy::SLICE;

/// How often a slice is read anew because something of it was written meanwhile.
const MOST_RACES: usize = 3;

/// Whether a record is one that the endpoint has answered for, or that never was to be sent.
pub(super) fn answered(record: &Record) -> bool {
    record.meta.replica.is_none_or(|replica| !replica.dirty)
}

impl Space {
    /// Removes what is over, everywhere; answers how much that was.
    pub(in crate::store) async fn sweep(&self, now: f64) -> Result<usize> {
        let mut swept = 0;
        for name in self.names().await? {
            swept += self.sweep_collection(&name, now).await?;
            if let Some(ends) = self.next_end(&name, now).await? {
                self.plan(|agenda| agenda.ends(ends));
            }
        }
        Ok(swept)
    }

    /// Removes what is over in one collection, slice by slice.
    ///
    /// # Behavior
    ///
    /// - What is still to be sent stays until the endpoint has answered for it.
    /// - What is written meanwhile stays, as long as it then lives.
    pub(super) async fn sweep_collection(&self, name: &str, now: f64) -> Result<usize> {
        let (mut swept, mut races, mut after) = (0, 0, None);
        loop {
            let range = KeyRange { lower: Bound::Unbounded, upper: Bound::Included(Key::Number(now)) };
            let scan = Scan { range, after: after.clone(), limit: Some(SLICE), ..ends(name) };
            let rows = self.inner.scan(&scan).await?;
            let Some(last) = rows.last().and_then(position) else { return Ok(swept) };
            let more = rows.len() == SLICE;
            let over: Vec<Record> = rows.into_iter().filter_map(|row| row.record).filter(answered).collect();
            match self.remove(name, &over, now).await {
                Ok(()) => swept += over.len(),
                Err(error) if error.kind() == ErrorKind::Conflict && races < MOST_RACES => {
                    races += 1;
                    continue;
                }
                // What changes all the time is looked at again next time.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
            if !more {
                return Ok(swept);
            }
            (races, after) = (0, Some(last));
            self.pause().await;
        }
    }

    /// When the next life of a collection ends.
    async fn next_end(&self, name: &str, now: f64) -> Result<Option<f64>> {
        let range = KeyRange { lower: Bound::Excluded(Key::Number(now)), upper: Bound::Unbounded };
        let next = self.inner.scan(&Scan { range, limit: Some(1), ..ends(name) }).await?;
        Ok(next.into_iter().next().and_then(|row| row.record?.meta.expires))
    }
}

fn ends(name: &str) -> Scan {
    Scan { source: Source::Expiring, read: Read::Meta, ..Scan::all(name) }
}

fn position(row: &Row) -> Option<Position> {
    let at = Key::Number(row.record.as_ref()?.meta.expires?);
    Some(Position { at, key: row.key.clone() })
}
