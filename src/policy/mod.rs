//! Decisions given facts: pure.

mod agenda;
mod autolock;
mod fallback;
mod quota;
mod recency;
mod remembered;
mod upgrade;

pub use agenda::{Agenda, Duty, SLICE};
pub use autolock::{AutoLock, Overdue, Reading, Watchman};
pub use fallback::{Candidates, falls_back};
pub use quota::{Claim, Fill, Gauge, RESERVE_DELAY, RESERVE_ROW_BYTES, RESERVE_ROWS, Relief, Rescue};
pub use recency::{Moment, Recency, Survey, moment, survey_size};
pub use remembered::Remembered;
pub use upgrade::{BLIND_TAGS, Occasion, Step, StoreShape, is_over_tags, plan};
