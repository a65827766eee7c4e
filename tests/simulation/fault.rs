//! What befalls requests, by chance.

use tidekeep::transport::Answer;
use tidekeep::transport::loopback::Fault;

use crate::world::Random;

fn answer(random: &Random) -> Answer {
    match random.below(7) {
        0 => Answer::json(500, "{}".into()),
        1 => Answer { retry_after: Some(2_000.0), ..Answer::json(429, "{}".into()) },
        2 => Answer { retry_after: None, ..Answer::json(503, String::new()) },
        3 => Answer::json(401, String::new()),
        4 => Answer { content_type: Some("text/html".into()), ..Answer::json(200, "<html>".into()) },
        5 => Answer { retry_after: Some(9_000.0), ..Answer::json(503, "{}".into()) },
        _ => Answer::json(413, "{}".into()),
    }
}

/// What befalls the next request; most often nothing.
pub fn fault(random: &Random) -> Fault {
    match random.below(20) {
        0..=1 => Fault::DropRequest,
        2..=3 => Fault::DropResponse,
        4 => Fault::Duplicate,
        5 => Fault::Late,
        6 => Fault::Stray,
        7..=9 => Fault::Delay(random.below(3_000) as f64),
        10..=11 => Fault::Answer(answer(random)),
        12 => Fault::Hang,
        13 => Fault::Swallow,
        _ => Fault::None,
    }
}
