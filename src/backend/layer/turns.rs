//! One after the other, in the order in which they come.

use core::cell::{Cell, RefCell};
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;
use std::collections::VecDeque;
use std::rc::Rc;

use futures_channel::oneshot;

/// Something that one at a time may do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Rc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    busy: Cell<bool>,
    waiting: RefCell<VecDeque<oneshot::Sender<Turn>>>,
}

/// Whose turn it is, until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn(Rc<Queue>);

impl Turns {
    /// Whether nobody has a turn or waits for one.
    pub(crate) fn are_free(&self) -> bool {
        !self.0.busy.get()
    }

    /// Resolves when those before have had their turns.
    pub(crate) async fn over(&self) {
        if !self.are_free() {
            drop(self.take().await);
        }
    }

    /// Resolves when those before have had their turns, with the next one.
    pub(crate) async fn take(&self) -> Turn {
        if !self.0.busy.replace(true) {
            return Turn(Rc::clone(&self.0));
        }
        let (sender, receiver) = oneshot::channel();
        self.0.waiting.borrow_mut().push_back(sender);
        // The sender is kept for as long as we are: nobody takes it away.
        receiver.await.unwrap_or_else(|_| Turn(Rc::clone(&self.0)))
    }
}

impl Turn {
    /// What a task gives; the next may come once the task was polled, and so has its own place in what is below.
    pub(crate) async fn begin<T>(self, task: impl Future<Output = T>) -> T {
        let mut task = pin!(task);
        let begun = poll_fn(|context| Poll::Ready(task.as_mut().poll(context))).await;
        drop(self);
        match begun {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => task.await,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = self.0.waiting.borrow_mut().pop_front();
        match next {
            // Whoever has gone away drops the turn, which is then the next one's.
            Some(next) => drop(next.send(Self(Rc::clone(&self.0)))),
            None => self.0.busy.set(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn turns_come_in_order_and_pass_over_who_has_gone() {
        let turns = Turns::default();
        let first = turns.take().now_or_never().unwrap();
        let mut second = Box::pin(turns.take());
        let mut third = Box::pin(turns.take());
        assert!((&mut second).now_or_never().is_none() && (&mut third).now_or_never().is_none());
        drop(second);
        drop(first);
        let mut fourth = Box::pin(turns.over());
        assert!((&mut fourth).now_or_never().is_none());
        drop((&mut third).now_or_never().unwrap());
        assert!((&mut fourth).now_or_never().is_some() && turns.are_free());
    }
}
