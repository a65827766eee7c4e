//! What becomes of an operation, given the document as it is. Pure: every store decides alike.

use tidekeep::sync::protocol::{Change, Mode, PushOp};

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It takes effect.
    Write,
    /// The document is already just so, by the same stamp.
    Same,
    /// The document is not at the base.
    Conflict,
    /// The document has a later stamp.
    Superseded,
}

/// Decides on an operation.
///
/// # Behavior
///
/// - `cas` takes effect only where `base` is the document's revision; `null` means that there is none, or that it is
///   deleted.
/// - `lww` takes effect only where its stamp is later than the document's. The same stamp with the same content is the
///   same write; with another content the document stays, so that all replicas keep the same one.
pub(crate) fn decide(current: Option<&Change>, op: &PushOp) -> Decision {
    match op.mode {
        Mode::Cas => {
            let at_base = match (current, op.base) {
                (None, None) => true,
                (None, Some(_)) => false,
                (Some(current), None) => current.del,
                (Some(current), Some(base)) => current.rev == base,
            };
            if at_base { Decision::Write } else { Decision::Conflict }
        }
        Mode::Lww => match current {
            None => Decision::Write,
            Some(current) if op.hlc > current.hlc => Decision::Write,
            Some(current) if op.hlc == current.hlc && same_content(current, op) => Decision::Same,
            Some(_) => Decision::Superseded,
        },
    }
}

fn same_content(current: &Change, op: &PushOp) -> bool {
    current.del == op.del && current.body.as_ref().map(|body| body.get()) == op.body.as_ref().map(|body| body.get())
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;
    use tidekeep::sync::Hlc;

    use super::*;

    fn current(rev: u64, at: u64, body: Option<&str>) -> Change {
        let body = body.map(|text| RawValue::from_string(text.to_owned()).unwrap());
        Change { c: "n".into(), id: "1".into(), seq: rev, rev, hlc: Hlc::new(at, 0, 1), del: body.is_none(), body }
    }

    fn op(mode: Mode, base: Option<u64>, at: u64, body: Option<&str>) -> PushOp {
        let body = body.map(|text| RawValue::from_string(text.to_owned()).unwrap());
        PushOp { mid: 1, c: "n".into(), id: "1".into(), base, hlc: Hlc::new(at, 0, 1), mode, del: body.is_none(), body }
    }

    #[test]
    fn cas_takes_effect_on_its_base_alone() {
        let (there, gone) = (current(5, 10, Some("1")), current(5, 10, None));
        for (document, base, expected) in [
            (None, None, Decision::Write),
            (None, Some(5), Decision::Conflict),
            (Some(&there), None, Decision::Conflict),
            (Some(&there), Some(4), Decision::Conflict),
            (Some(&there), Some(5), Decision::Write),
            (Some(&gone), None, Decision::Write),
            (Some(&gone), Some(5), Decision::Write),
            (Some(&gone), Some(4), Decision::Conflict),
        ] {
            assert_eq!(decide(document, &op(Mode::Cas, base, 1, Some("2"))), expected, "{document:?} {base:?}");
        }
    }

    #[test]
    fn lww_takes_effect_only_with_a_later_stamp() {
        let there = current(5, 10, Some("1"));
        for (at, body, expected) in [
            (9, Some("2"), Decision::Superseded),
            (10, Some("1"), Decision::Same),
            (10, Some("2"), Decision::Superseded),
            (10, None, Decision::Superseded),
            (11, Some("2"), Decision::Write),
            (11, None, Decision::Write),
        ] {
            assert_eq!(decide(Some(&there), &op(Mode::Lww, None, at, body)), expected, "{at} {body:?}");
        }
        assert_eq!(decide(None, &op(Mode::Lww, Some(9), 0, Some("1"))), Decision::Write);
    }
}
