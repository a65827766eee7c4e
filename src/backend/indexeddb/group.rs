//! Group commit: what is committed while a transaction is in flight, or in the same turn, goes into the next together.

use core::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use futures_channel::oneshot;

use super::connection::Connection;
use super::transaction::{Attempt, run};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{CommitReceipt, WriteBatch};
use crate::platform::spawn;

/// The most operations that are grouped; a larger batch has a transaction of its own.
const MOST_OPS: usize = 2_000;
/// How often a group is tried again on a new connection.
const RECONNECTS: usize = 3;
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
        let (mut reconnects, mut regroups) = (0, 0);
        let mut alone: VecDeque<Waiting> = VecDeque::new();
        loop {
            let attempt = self.attempt(connection, &group).await;
            match attempt {
                Attempt::Settled(outcomes) => {
                    for (entry, outcome) in group.into_iter().zip(outcomes) {
                        reply(entry, outcome);
                    }
                }
                Attempt::Failed { batch: Some(at), error } if at < group.len() => {
                    reply(group.remove(at), Err(error));
                    regroups += 1;
                    if regroups < MOST_REGROUPS {
                        if !group.is_empty() {
                            continue;
                        }
                    } else {
                        alone.extend(group.drain(..));
                    }
                }
                Attempt::Failed { error, .. }
                    if error.kind() == ErrorKind::ConnectionLost && reconnects < RECONNECTS =>
                {
                    connection.lost();
                    reconnects += 1;
                    continue;
                }
                Attempt::Failed { error, .. } if group.len() == 1 || error.kind() == ErrorKind::ConnectionLost => {
                    for entry in group {
                        reply(entry, Err(error.clone()));
                    }
                }
                Attempt::Failed { .. } => alone.extend(group.drain(..)),
            }
            match alone.pop_front() {
                None => return,
                Some(entry) => group = vec![entry],
            }
        }
    }

    async fn attempt(&self, connection: &Connection, group: &[Waiting]) -> Attempt {
        let database = match connection.database().await {
            Ok(database) => database,
            Err(error) => {
                self.note_start();
                return Attempt::Failed { batch: None, error };
            }
        };
        let batches: Vec<WriteBatch> = group.iter().map(|entry| entry.batch.clone()).collect();
        let running = run(&database, connection.layout(), batches);
        self.note_start();
        match running {
            Ok(running) => running.finished().await,
            Err(error) => Attempt::Failed { batch: None, error },
        }
    }

    /// Lets reads go that waited for what has its transaction now.
    fn note_start(&self) {
        if self.waiting.borrow().is_empty() {
            wake(&self.started);
        }
    }
}

async fn wait_if(busy: bool, waiters: &RefCell<Vec<oneshot::Sender<()>>>) {
    if !busy {
        return;
    }
    let (sender, receiver) = oneshot::channel();
    waiters.borrow_mut().push(sender);
    // Dropped or sent, the wait is over.
    let _ = receiver.await;
}

fn wake(waiters: &RefCell<Vec<oneshot::Sender<()>>>) {
    for waiter in waiters.take() {
        let _ = waiter.send(());
    }
}

fn reply(entry: Waiting, outcome: Result<CommitReceipt>) {
    // A caller that went away needs no answer.
    let _ = entry.reply.send(outcome);
}
