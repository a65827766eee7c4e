use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::backend::memory::MemoryBackend;
use crate::model::Schema;
use crate::sync::outbox::Pending;
use crate::sync::state::Persisted;
use crate::sync::wishes::Said;
use crate::sync::{SyncConfig, state};
use crate::transport::Answer;

fn engine() -> Engine {
    let retry = Retry { base_delay: 1_000.0, ..Retry::default() };
    let settings = Settings { endpoint: "here".into(), retry, debounce: 100.0, live: true, settles_first: false };
    Engine::new(settings, Wishes::of(&config(), &Said::default()))
}

fn config() -> SyncConfig {
    SyncConfig::new("here", vec!["notes".to_owned()])
}

/// What a new store has persisted.
fn persisted() -> Box<Persisted> {
    use futures_util::FutureExt as _;
    let backend = MemoryBackend::new("test", std::rc::Rc::new(Schema::default()), 10);
    let fill = |bytes: &mut [u8]| {
        bytes.fill(7);
        Ok(())
    };
    state::open_clock(&backend, 0.0, fill).now_or_never().unwrap().unwrap();
    Box::new(state::load(&backend, &config(), || state::Client::new(1, 7), 1.0).now_or_never().unwrap().unwrap())
}

fn works(action: &Action) -> bool {
    !matches!(
        action,
        Action::ServerTime(_)
            | Action::WakeAt(_)
            | Action::Listen { .. }
            | Action::Hush
            | Action::Report(_)
            | Action::Finished { .. }
    )
}

fn status() -> Answer {
    let limits = r#"{"maxOps":5,"maxBytes":100000,"maxDocBytes":10000,"maxDepth":9}"#;
    Answer::json(
        200,
        format!(r#"{{"protocol":1,"epoch":"e","head":0,"floor":0,"serverTime":5,"limits":{limits},"features":[]}}"#),
    )
}

fn changes(cursor: u32, more: bool) -> Answer {
    Answer::json(200, format!(r#"{{"changes":[],"cursor":"{cursor}","more":{more},"head":0,"serverTime":5}}"#))
}

/// A plausible outcome of an action, good or bad.
fn outcome(action: &Action, choice: u32, state: &Persisted) -> Event {
    if choice.is_multiple_of(5) {
        return Event::Unreachable(Error::new(ErrorKind::NetworkError, "lost"));
    }
    match action {
        Action::Load => Event::Loaded(Box::new(state.clone())),
        Action::LoadPending { .. } => {
            Event::Pending(Pending { rows: vec![3; (choice % 2) as usize], ..Pending::default() })
        }
        Action::AskStatus if choice.is_multiple_of(3) => Event::Answered(Answer::json(401, String::new())),
        Action::AskStatus => Event::Answered(status()),
        Action::Pull { .. } => Event::Answered(changes(choice, choice.is_multiple_of(7))),
        Action::TakeSnapshot { .. } => Event::Answered(Answer::json(
            200,
            format!("{{\"epoch\":\"e\",\"head\":0,\"cursor\":\"{choice}\",\"serverTime\":5}}\n{{\"count\":0}}"),
        )),
        _ if choice.is_multiple_of(4) => Event::Late,
        _ => Event::Stored(Tally::default()),
    }
}

/// What a call may say, sense and nonsense.
fn heard(choice: u32) -> Heard {
    let data = format!(r#"{{"prev":"{}","cursor":"{}","changes":[],"more":false}}"#, choice % 7, choice % 5);
    match choice % 9 {
        0 => Heard::Opened,
        1 => Heard::Polled(changes(choice, choice.is_multiple_of(7))),
        2 => Heard::Ended(None),
        3 => Heard::Ended(Some(crate::transport::NoStream { status: 404, retry_after: None })),
        4 => Heard::Broke,
        5 => Heard::Event { kind: "changes".to_owned(), data: "nonsense".to_owned() },
        6 => Heard::Event { kind: "reset".to_owned(), data: String::new() },
        7 => Heard::Event { kind: "ping".to_owned(), data },
        _ => Heard::Event { kind: "changes".to_owned(), data },
    }
}

proptest! {
    #[test]
    fn every_round_that_is_asked_for_ends_once_and_one_action_is_under_way_at_a_time(
        steps in prop::collection::vec((0..16u32, any::<u32>()), 1..200),
    ) {
        let mut engine = engine();
        let (mut now, mut asked, mut ended) = (0.0, 0u64, std::collections::BTreeSet::new());
        let mut under_way: Option<Action> = None;
        let state = persisted();
        for (step, choice) in steps.into_iter().chain((0..1_000).map(|n| (99, 1 + n * 60))) {
            let event = match step {
                0 => Event::Wrote,
                1 => Event::Online(choice % 2 == 0),
                2 => Event::Leads(choice % 2 == 0),
                3 => {
                    let said = Said { enabled: Some(choice % 2 == 0), ..Said::default() };
                    Event::Wishes(Box::new(Wishes::of(&config(), &said)))
                }
                4 => Event::Visible,
                5 => { now += f64::from(choice % 100_000) - 20_000.0; Event::Timer }
                6 => { asked += 1; Event::Run { id: asked, extent: Extent::default() } }
                12 => Event::Seen(choice % 2 == 0),
                13..16 => Event::Live { call: u64::from(choice % 8), what: heard(choice) },
                _ if under_way.is_none() => {
                    now += 60_000.0;
                    Event::Timer
                }
                _ => outcome(under_way.as_ref().unwrap(), choice, &state),
            };
            let answers = !matches!(event, Event::Wrote | Event::Online(_) | Event::Leads(_) | Event::Wishes(_)
                | Event::Visible | Event::Seen(_) | Event::Live { .. } | Event::Timer | Event::Run { .. });
            if answers {
                under_way = None;
            }
            for action in engine.handle(event, now, 0.5) {
                if let Action::Finished { runs, .. } = &action {
                    for run in runs {
                        prop_assert!(ended.insert(*run), "a run ended twice");
                    }
                } else if works(&action) {
                    prop_assert!(under_way.is_none(), "two actions at a time");
                    under_way = Some(action);
                }
            }
            prop_assert_eq!(engine.running() && !engine.rests(), under_way.is_some());
        }
        prop_assert_eq!(ended.len() as u64, asked, "a run never ended");
    }

    #[test]
    fn waits_grow_no_longer_when_the_clock_is_set_back(back in 0.0..1e12f64) {
        let mut engine = engine();
        engine.handle(Event::Leads(true), 1e12, 1.0);
        engine.handle(Event::Unreachable(Error::new(ErrorKind::Timeout, "late")), 1e12, 1.0);
        let wait = engine.next_round().unwrap() - 1e12;
        engine.handle(Event::Timer, 1e12 - back, 1.0);
        prop_assert!(engine.next_round().unwrap() - (1e12 - back) <= wait + 1.0);
    }
}

fn lost() -> Event {
    Event::Unreachable(Error::new(ErrorKind::NetworkError, "lost"))
}

#[test]
fn a_token_that_the_network_withholds_is_waited_for_as_any_failure_and_one_that_is_refused_as_long_as_can_be() {
    for (kind, wait) in [(ErrorKind::NetworkError, 1_000.0), (ErrorKind::AuthenticationFailed, 30_000.0)] {
        let mut engine = engine();
        engine.handle(Event::Leads(true), 10.0, 1.0);
        let actions = engine.handle(Event::NoToken(Error::new(kind, "none")), 10.0, 1.0);
        assert!(
            matches!(actions.last(), Some(Action::WakeAt(at)) if at.to_bits() == f64::to_bits(10.0 + wait)),
            "{kind:?}"
        );
    }
}

/// Lets time pass until the engine has given up; gives when each try was.
fn tries(engine: &mut Engine, mut now: f64, fail: impl Fn() -> Event) -> (Vec<f64>, Vec<Action>) {
    let mut tries = vec![now];
    let mut actions = engine.handle(fail(), now, 1.0);
    while let [Action::WakeAt(at)] = actions[..] {
        assert!(matches!(engine.handle(Event::Timer, at - 1.0, 1.0)[..], [Action::WakeAt(_)]), "not before");
        now = at;
        assert!(matches!(engine.handle(Event::Timer, now, 1.0)[..], [Action::Load]));
        tries.push(now);
        actions = engine.handle(fail(), now, 1.0);
    }
    (tries, actions)
}

#[test]
fn a_round_tries_as_often_as_it_is_told_to_and_the_next_needs_a_reason() {
    let mut engine = engine();
    assert!(matches!(engine.handle(Event::Leads(true), 10.0, 1.0)[..], [Action::Load]));
    let (times, actions) = tries(&mut engine, 10.0, lost);
    assert_eq!(times.iter().map(|at| at.to_bits()).collect::<Vec<_>>(), [10f64, 1_010.0, 3_010.0].map(f64::to_bits));
    let patience = 3_010f64 + 30_000.0;
    assert!(matches!(actions[..], [Action::Finished { .. }, Action::WakeAt(at)] if at.to_bits() == patience.to_bits()));
    // A write is a reason, after a wait that grows.
    let [Action::WakeAt(at)] = engine.handle(Event::Wrote, 3_020.0, 1.0)[..] else { panic!("it waits") };
    assert_eq!(at.to_bits(), 7_010f64.to_bits());
    // A network that comes back is one at once.
    engine.handle(Event::Online(false), 3_030.0, 1.0);
    assert!(matches!(engine.handle(Event::Online(true), 3_040.0, 1.0)[..], [Action::Load]));
}

#[test]
fn a_round_that_waits_for_its_next_try_goes_on_at_once_where_there_is_hope_and_ends_where_there_is_none() {
    for (event, goes_on) in [(Event::Visible, true), (Event::Online(false), false)] {
        let mut engine = engine();
        engine.handle(Event::Leads(true), 10.0, 1.0);
        assert!(matches!(engine.handle(lost(), 10.0, 1.0)[..], [Action::WakeAt(_)]));
        assert!(engine.running() && engine.rests());
        let actions = engine.handle(event, 20.0, 1.0);
        assert!(matches!((&actions[..], goes_on), ([Action::Load], true) | ([Action::Finished { .. }], false)));
    }
}

#[test]
fn what_had_all_the_time_there_is_is_not_tried_again_at_once() {
    let mut engine = engine();
    engine.handle(Event::Leads(true), 10.0, 1.0);
    let late = Event::Unreachable(Error::new(ErrorKind::Timeout, "late"));
    assert!(matches!(engine.handle(late, 10.0, 1.0)[..], [Action::Finished { .. }, Action::WakeAt(_)]));
}

#[test]
fn what_is_switched_on_while_a_round_pulls_is_pulled_for_at_once_after_it() {
    let config = SyncConfig::new("here", vec!["notes".to_owned(), "places".to_owned()]);
    let wishing = |on| {
        let said = Said { preferences: vec![("places".to_owned(), on)], ..Said::default() };
        Wishes::of(&config, &said)
    };
    let mut state = persisted();
    state.wishes = wishing(false);
    for switched in [false, true] {
        let mut engine = Engine::new(engine().settings, wishing(false));
        let mut queue = VecDeque::from(engine.handle(Event::Leads(true), 10.0, 0.5));
        let mut pulled = 0;
        while let Some(action) = queue.pop_front() {
            if matches!(action, Action::Pull { .. }) {
                pulled += 1;
                if switched && pulled == 1 {
                    queue.extend(engine.handle(Event::Wishes(Box::new(wishing(true))), 20.0, 0.5));
                    state.wishes = wishing(true);
                }
            }
            if works(&action) {
                queue.extend(engine.handle(outcome(&action, 2, &state), 20.0, 0.5));
            }
        }
        assert_eq!(pulled, if switched { 2 } else { 1 });
    }
}
