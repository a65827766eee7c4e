//! The keeper: sleeps until something is due, and does it.

use core::any::Any;
use core::fmt;
use core::future::Future;
use std::rc::{Rc, Weak};

use futures_channel::mpsc::{UnboundedReceiver, unbounded};
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};

use super::{News, Space};
use crate::backend::LocalFuture;
use crate::error::Result;
use crate::platform::now;
use crate::policy::{Duty, Fill, RESERVE_DELAY};

/// The right to clean up, until it is dropped.
pub type TabTurn = Box<dyn Any>;

/// What the keeper needs of the place it runs in.
pub struct Ports {
    /// Resolves after so many milliseconds. It keeps nothing alive that waits for nothing else.
    pub sleep: Box<dyn Fn(f64) -> LocalFuture<'static, ()>>,
    /// Gives the right to clean up among all tabs, until it is dropped; none where another tab has it.
    pub turn: Box<dyn Fn() -> LocalFuture<'static, Option<TabTurn>>>,
    /// How full the browser's storage is, in bytes, where it says so.
    pub fill: Box<dyn Fn() -> LocalFuture<'static, Option<Fill>>>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ports")
    }
}

impl Space {
    /// Keeps within bounds until the store is closed, or nobody holds it any more.
    pub fn keep(self: &Rc<Self>, ports: Ports) -> impl Future<Output = ()> + 'static {
        let (wake, woken) = unbounded();
        let ports = Rc::new(ports);
        self.wake.replace(Some(wake));
        self.ports.replace(Some(Rc::clone(&ports)));
        run(Rc::downgrade(self), ports, woken)
    }

    /// The page is out of sight, and may be gone without a word.
    pub fn hidden(&self) {
        self.plan(|agenda| agenda.hidden(now()));
    }

    /// Lets others have a turn.
    pub(super) async fn pause(&self) {
        let ports = self.ports.borrow().clone();
        if let Some(ports) = ports {
            (ports.sleep)(0.0).await;
        }
    }

    fn closing(&self) -> bool {
        self.wake.borrow().is_none()
    }

    /// Does what is due.
    async fn perform(&self, duty: Duty, ports: &Ports, now: f64) -> Result<()> {
        match duty {
            Duty::Sweep | Duty::Evict => {
                let Some(turn) = (ports.turn)().await else {
                    // Another tab is at it; what it leaves is seen to then.
                    self.plan(|agenda| agenda.outrun(duty, now));
                    return Ok(());
                };
                self.reserve_is_full.set(self.reserve_is_full.get() && duty == Duty::Evict);
                let done = if duty == Duty::Sweep { self.sweep(now).await.map(drop) } else { self.evict(now).await };
                drop(turn);
                done
            }
            Duty::Look => self.look(now).await,
            Duty::Save => self.save(now).await,
        }
    }

    /// Looks how full the store is.
    async fn look(&self, now: f64) -> Result<()> {
        match self.fill().await? {
            Some(fill) => {
                let (known, from) = (self.gauged(fill), self.opened + RESERVE_DELAY);
                if self.lacks_reserve() && now < from {
                    self.plan(|agenda| agenda.look_again(from));
                    return Ok(());
                }
                self.lay_in(known, now).await
            }
            None => Ok(()),
        }
    }

    /// A commit has found no room.
    pub(super) async fn ran_out(&self) {
        if let Ok(Some(fill)) = self.fill().await {
            self.gauge.borrow_mut().ran_out(fill.usage);
            self.gauged(fill);
        }
    }

    /// Reads the gauge, and tells listeners where they are to be told.
    fn gauged(&self, fill: Fill) -> Fill {
        let (known, tell) = self.gauge.borrow_mut().read(fill);
        if tell {
            self.tell(News::Full(known));
        }
        known
    }
}

async fn run(space: Weak<Space>, ports: Rc<Ports>, mut woken: UnboundedReceiver<()>) {
    loop {
        let Some(sleep) = space.upgrade().map(|space| space.fall_asleep(now())) else { return };
        match select(woken.next(), (ports.sleep)(sleep)).await {
            Either::Left((None, _)) => return,
            Either::Left((Some(()), _)) => while woken.try_recv().is_ok() {},
            Either::Right(((), _)) => {}
        }
        let Some(space) = space.upgrade() else { return };
        // Not woken by what it does itself.
        space.wakes_at.set(f64::NEG_INFINITY);
        while !space.closing() {
            let now = now();
            let due = space.agenda.borrow_mut().due(now);
            let Some(duty) = due else { break };
            // What fails now is done another time: nobody waits for it, and nothing is lost by it.
            drop(space.perform(duty, &ports, now).await);
        }
    }
}

impl Space {
    fn fall_asleep(&self, now: f64) -> f64 {
        let agenda = self.agenda.borrow();
        self.wakes_at.set(agenda.next());
        agenda.sleep(now)
    }
}
