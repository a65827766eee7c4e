//! What becomes of an operation, given the document as it is. Pure: every store decides alike.

use tidekeep::sync::Hlc;
use tidekeep::sync::protocol::{Mode, PushOp};

/// A document, as far as deciding needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Its revision.
    pub(crate) rev: u64,
    /// When it was last changed.
    pub(crate) hlc: Hlc,
    /// Whether it is deleted.
    pub(crate) del: bool,
    /// Whether its content is the very content of the operation.
    pub(crate) same: bool,
}

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
pub(crate) fn decide(current: Option<Standing>, op: &PushOp) -> Decision {
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
            Some(current) if op.hlc == current.hlc && current.same => Decision::Same,
            Some(_) => Decision::Superseded,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn current(rev: u64, at: u64, body: Option<&str>, op: &PushOp) -> Standing {
        let same = op.body.as_ref().map(|body| body.get()) == body;
        Standing { rev, hlc: Hlc::new(at, 0, 1), del: body.is_none(), same }
    }

    fn op(mode: Mode, base: Option<u64>, at: u64, body: Option<&str>) -> PushOp {
        let body = body.map(|text| RawValue::from_string(text.to_owned()).unwrap());
        PushOp { mid: 1, c: "n".into(), id: "1".into(), base, hlc: Hlc::new(at, 0, 1), mode, del: body.is_none(), body }
    }

    #[test]
    fn cas_takes_effect_on_its_base_alone() {
        let (there, gone) = (Some(Some("1")), Some(None));
        for (document, base, expected) in [
            (None, None, Decision::Write),
            (None, Some(5), Decision::Conflict),
            (there, None, Decision::Conflict),
            (there, Some(4), Decision::Conflict),
            (there, Some(5), Decision::Write),
            (gone, None, Decision::Write),
            (gone, Some(5), Decision::Write),
            (gone, Some(4), Decision::Conflict),
        ] {
            let op = op(Mode::Cas, base, 1, Some("2"));
            let standing = document.map(|body| current(5, 10, body, &op));
            assert_eq!(decide(standing, &op), expected, "{document:?} {base:?}");
        }
    }

    #[test]
    fn lww_takes_effect_only_with_a_later_stamp() {
        for (at, body, expected) in [
            (9, Some("2"), Decision::Superseded),
            (10, Some("1"), Decision::Same),
            (10, Some("2"), Decision::Superseded),
            (10, None, Decision::Superseded),
            (11, Some("2"), Decision::Write),
            (11, None, Decision::Write),
        ] {
            let op = op(Mode::Lww, Some(1), at, body);
            assert_eq!(decide(Some(current(5, 10, Some("1"), &op)), &op), expected, "{at} {body:?}");
        }
        let op = op(Mode::Lww, None, 1, None);
        assert_eq!(decide(None, &op), Decision::Write);
    }
}
