//! Receiving: changes after the cursor, or everything.

use super::answer::{Changed, Reply, read, snapshot};
use super::round::Round;
use super::step::{Awaiting, Stage, Step};
use super::{Action, Engine};
use crate::backend::layer::Replicated;
use crate::sync::engine::answer::nonsense;
use crate::sync::state::Progress;
use crate::transport::{Answer, ChangesQuery};

/// How many changes are asked for at a time.
const PAGE: usize = 500;
/// How many pages in a row may bring nothing new and be followed by more. The next round goes on where they end.
const MOST_EMPTY: u32 = 200;

impl Engine {
    pub(super) fn query(since: Option<String>, about: &Replicated) -> ChangesQuery {
        ChangesQuery { since, limit: PAGE, collections: about.names().to_vec(), wait: None }
    }

    /// Goes through the answer to a pull.
    pub(super) fn changed(&mut self, round: &mut Round, answer: &Answer) -> Step {
        let page = match read::<Changed>(answer) {
            Reply::Success(page) => page,
            // It does not know the cursor, or no longer.
            Reply::Invalid(_) if round.goes_on() => return round.reset(),
            other => return self.refused(round, Awaiting::Changes, other),
        };
        let Some(state) = round.state.take() else { return round.turn(Stage::Pull) };
        let last = page.changes.iter().flatten().map(|change| change.rev).max();
        if page.more && round.brings_nothing(last) > MOST_EMPTY {
            return Step::GiveUp(nonsense("the same pages again and again"));
        }
        let from = state.progress;
        let time = Action::ServerTime(page.server_time);
        let since = round.cursor.as_ref().or(from.value.cursor.as_ref());
        let moved = since != Some(&page.cursor);
        if page.changes.is_empty() && !moved {
            if page.more {
                return Step::GiveUp(nonsense("that there is more, and not what"));
            }
            return Step::Done(vec![time]);
        }
        self.progress =
            last.filter(|_| page.more).map(|read| (read, page.head)).or(self.progress.filter(|_| page.more));
        let epoch = from.value.epoch.clone().or_else(|| self.epoch.clone().filter(|epoch| !epoch.is_empty()));
        let to = if round.collections.is_some() {
            // The others were not told of: where they go on does not move.
            round.cursor = Some(page.cursor);
            from.value.clone()
        } else {
            Progress { epoch, cursor: Some(page.cursor), ..from.value.clone() }
        };
        if !page.more || mutant!("the-first-page-is-the-last") {
            round.last_page();
        }
        let mut step = round.ask(Awaiting::Commit, Action::Apply { changes: page.changes, from, to });
        if let Step::Do(actions) = &mut step {
            actions.insert(0, time);
        }
        step
    }

    /// Goes through a snapshot.
    pub(super) fn snapshot(&self, round: &mut Round, answer: &Answer) -> Step {
        let snapshot = match snapshot(answer) {
            Reply::Success(snapshot) => snapshot,
            other => return self.refused(round, Awaiting::Snapshot, other),
        };
        let Some(state) = round.state.take() else { return round.turn(Stage::Snapshot) };
        let from = state.progress;
        let to = Progress {
            epoch: Some(snapshot.head.epoch.clone()),
            cursor: Some(snapshot.head.cursor.clone()),
            snapshot: false,
            ..from.value.clone()
        };
        let time = Action::ServerTime(snapshot.head.server_time);
        let apply = Action::ApplySnapshot { snapshot: Box::new(snapshot), from, to };
        let mut step = round.ask(Awaiting::Commit, apply);
        if let Step::Do(actions) = &mut step {
            actions.insert(0, time);
        }
        step
    }
}
