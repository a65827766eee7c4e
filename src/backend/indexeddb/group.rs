//! Group commit: what is committed while a transaction is in flight, or in the same turn, goes into the next together.

use core::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use futures_channel::oneshot;

use super::connection::Connection;
use super::is_dead;
use super::layout::Layout;
use super::mark::Marking;
use super::pulse::{Life, during};
use super::read::check_source;
use super::transaction::{Attempt, Unsure, run};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{CommitReceipt, WriteBatch, WriteOp};
use crate::platform::spawn;

/// The most operations that are grouped; a larger batch has a transaction of its own.
const MOST_OPS: usize = 2_000;
/// How many batches of a group may fail by themselves before the others are tried one by one.
const MOST_REGROUPS: usize = 4;

/// A batch and whoever waits for it.
#[derive(Debug)]
struct Waiting {
    batch: WriteBatch,
    reply: oneshot::Sender<Result<CommitReceipt>>,
}

/// The batches that wait for a transaction.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: RefCell<Vec<Waiting>>,
    running: Cell<bool>,
    started: RefCell<Vec<oneshot::Sender<()>>>,
    idle: RefCell<Vec<oneshot::Sender<()>>>,
}

impl Queue {
    /// Commits a batch with whatever else is waiting.
    pub(super) async fn commit(
        self: &Rc<Self>,
        connection: &Rc<Connection>,
        batch: WriteBatch,
    ) -> Result<CommitReceipt> {
        let (reply, outcome) = oneshot::channel();
        self.waiting.borrow_mut().push(Waiting { batch, reply });
        if !self.running.replace(true) {
            let (queue, connection) = (Rc::clone(self), Rc::clone(connection));
            spawn(async move { queue.drive(&connection).await });
        }
        outcome.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Aborted, "the commit was dropped; try again")))
    }

    /// Resolves once everything that was committed before has its transaction, so that a read now sees it.
    pub(super) async fn overtaken(&self) {
        let waiting = !self.waiting.borrow().is_empty();
        wait_if(waiting, &self.started).await;
    }

    /// Resolves once nothing is waiting or in flight.
    pub(super) async fn drained(&self) {
        wait_if(self.running.get(), &self.idle).await;
    }

    async fn drive(&self, connection: &Connection) {
        loop {
            let group = self.next_group();
            if group.is_empty() {
                break;
            }
            self.settle(connection, group).await;
        }
        self.running.set(false);
        wake(&self.idle);
    }

    fn next_group(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.borrow_mut();
        let mut ops = 0;
        // What has conditions goes first, for they are about what is stored and not about what a group comes to.
        let mut fits = |(at, entry): (usize, &Waiting)| {
            ops += entry.batch.ops.len();
            ops <= MOST_OPS && (at == 0 || entry.batch.conditions().next().is_none())
        };
        let count =
            waiting.iter().enumerate().map_while(|entry| fits(entry).then_some(())).count().max(1).min(waiting.len());
        waiting.drain(..count).collect()
    }

    /// Runs a group until each of its batches has an outcome; one that fails by itself is left out of the next try.
    async fn settle(&self, connection: &Connection, mut group: Vec<Waiting>) {
        let (mut tries, mut regroups, mut looked) = (0, 0, false);
        let mut marking = Marking::Marked;
        let mut alone: VecDeque<Waiting> = VecDeque::new();
        let mut unsure = None;
        loop {
            let attempt = self.attempt(connection, &group, unsure.take(), marking).await;
            match attempt {
                Attempt::Settled(outcomes) => {
                    for (entry, outcome) in group.into_iter().zip(outcomes) {
                        reply(entry, outcome);
                    }
                }
                Attempt::Failed { error, unsure: left, .. } if connection.again(&error, &mut tries).await => {
                    unsure = left;
                    continue;
                }
                // It was not answered in time, and may have landed: that is looked up once.
                Attempt::Failed { error, unsure: Some(left), .. }
                    if error.kind() == ErrorKind::Timeout && !core::mem::replace(&mut looked, true) =>
                {
                    unsure = Some(left);
                    continue;
                }
                // On a full disk there is no room for a mark, and room is what a deletion makes.
                Attempt::Failed { error, .. }
                    if error.kind() == ErrorKind::QuotaExceeded
                        && marking == Marking::Marked
                        && only_deletes(&group) =>
                {
                    marking = Marking::Unmarked;
                    continue;
                }
                Attempt::Failed { error, .. } if group.len() == 1 || is_dead(&error) => {
                    for entry in group {
                        reply(entry, Err(error.clone()));
                    }
                }
                Attempt::Failed { batch: Some(at), error, .. } if at < group.len() => {
                    reply(group.remove(at), Err(error));
                    regroups += 1;
                    if regroups < MOST_REGROUPS {
                        continue;
                    }
                    alone.extend(group.drain(..));
                }
                Attempt::Failed { .. } => alone.extend(group.drain(..)),
            }
            match alone.pop_front() {
                None => return,
                Some(entry) => group = vec![entry],
            }
            marking = Marking::Marked;
        }
    }

    async fn attempt(
        &self,
        connection: &Connection,
        group: &[Waiting],
        mut unsure: Option<Unsure>,
        marking: Marking,
    ) -> Attempt {
        let opened = match connection.database().await {
            Ok(opened) => opened,
            Err(error) => {
                self.note_start();
                return Attempt::Failed { batch: None, error, unsure, hangs: false };
            }
        };
        let batches: Vec<WriteBatch> = group.iter().map(|entry| entry.batch.clone()).collect();
        let life = Life::default();
        let running = check(&opened.layout, &batches).and_then(|()| {
            let mut mark = connection.next_mark();
            mark.marking = marking;
            during(&life, || run(&opened, batches, mark, &mut unsure)).map_err(|error| (None, error))
        });
        self.note_start();
        let attempt = match running {
            Ok(mut running) => match connection.pulse().within(&life, running.finished()).await {
                Ok(attempt) => attempt,
                Err(error) => running.given_up(error),
            },
            Err((batch, error)) => Attempt::Failed { batch, error, unsure, hangs: false },
        };
        match &attempt {
            Attempt::Settled(_) => connection.served(),
            Attempt::Failed { hangs: true, .. } => connection.hangs(&opened.database),
            Attempt::Failed { error, .. } => connection.failed(&opened.database, error),
        }
        attempt
    }

    /// Lets reads go that waited for what has its transaction now.
    fn note_start(&self) {
        if self.waiting.borrow().is_empty() {
            wake(&self.started);
        }
    }
}

/// Whether a group does nothing but delete.
fn only_deletes(group: &[Waiting]) -> bool {
    let mut ops = group.iter().flat_map(|entry| &entry.batch.ops);
    ops.all(|op| match op {
        WriteOp::Delete(delete) => delete.replicate.is_none(),
        WriteOp::Clear { .. } | WriteOp::Verify(_) => true,
        WriteOp::Put(_) | WriteOp::Append { .. } | WriteOp::Replicate(_) | WriteOp::Reseal(_) => false,
    })
}

/// Finds the first batch that cannot be, because of an index that is not there or a collection whose schema another
/// version of the application has changed.
fn check(layout: &Layout, batches: &[WriteBatch]) -> core::result::Result<(), (Option<usize>, Error)> {
    for (at, batch) in batches.iter().enumerate() {
        for op in &batch.ops {
            let checked = match op {
                WriteOp::Verify(wanted) => check_source(layout, &wanted.collection, &wanted.source),
                _ => layout.check(op.collection()),
            };
            checked.map_err(|error| (Some(at), error))?;
        }
    }
    Ok(())
}

/// Waits to be woken, if `busy`.
pub(super) async fn wait_if(busy: bool, waiters: &RefCell<Vec<oneshot::Sender<()>>>) {
    if !busy {
        return;
    }
    let (sender, receiver) = oneshot::channel();
    waiters.borrow_mut().push(sender);
    // Dropped or sent, the wait is over.
    let _ = receiver.await;
}

/// Wakes whoever waits.
pub(super) fn wake(waiters: &RefCell<Vec<oneshot::Sender<()>>>) {
    for waiter in waiters.take() {
        let _ = waiter.send(());
    }
}

fn reply(entry: Waiting, outcome: Result<CommitReceipt>) {
    // A caller that went away needs no answer.
    let _ = entry.reply.send(outcome);
}
