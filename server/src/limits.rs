//! What one operation may be.

use tidekeep::sync::protocol::{Limits, PushOp};

/// Characters of a space's name.
const MAX_SPACE: usize = 128;
/// Bytes of a collection's name.
const MAX_COLLECTION: usize = 128;
/// Bytes of a document's id.
const MAX_ID: usize = 1024;
/// Bytes of a client's name.
const MAX_CLIENT: usize = 128;
/// The greatest number that every JSON implementation reads exactly.
pub(crate) const MAX_NUMBER: u64 = (1 << 53) - 1;

/// Why one operation is refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The stable code.
    pub(crate) code: &'static str,
    /// For people.
    pub(crate) message: &'static str,
}

/// Checks all of an operation that does not depend on the document.
pub(crate) fn refusal(op: &PushOp, limits: &Limits, now: f64) -> Option<Refusal> {
    let refuse = |code, message| Some(Refusal { code, message });
    if !is_name(&op.c, MAX_COLLECTION) {
        return refuse("invalid_collection", "a collection's name is 1 to 128 bytes without control characters");
    }
    if op.id.len() > MAX_ID {
        return refuse("invalid_id", "a document's id is at most 1024 bytes");
    }
    match (&op.body, op.del) {
        (None, false) => return refuse("invalid_body", "an operation that does not delete needs a body"),
        (Some(_), true) => return refuse("invalid_body", "an operation that deletes has no body"),
        (Some(body), false) if body.get().len() > limits.max_doc_bytes => {
            return refuse("too_large", "the document is larger than the endpoint's maxDocBytes");
        }
        (Some(body), false) if depth(body.get()) > limits.max_depth => {
            return refuse("too_deep", "the document nests deeper than the endpoint's maxDepth");
        }
        (Some(_), false) | (None, true) => {}
    }
    if op.hlc.too_far_ahead(now) {
        return refuse("clock_ahead", "the stamp is more than five minutes ahead of serverTime; correct the clock");
    }
    None
}

/// Whether `name` can name a space: letters, digits and `. _ : @ -`.
pub(crate) fn is_space(name: &str) -> bool {
    (1..=MAX_SPACE).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'@' | b'-'))
}

/// Whether `name` can name a client.
pub(crate) fn is_client(name: &str) -> bool {
    is_name(name, MAX_CLIENT)
}

fn is_name(name: &str, most: usize) -> bool {
    (1..=most).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// How deep valid JSON nests: 0 for a scalar, 1 for a flat array or object.
fn depth(json: &str) -> usize {
    let (mut now, mut most) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        for (json, expected) in
            [("1", 0), ("\"[[[\"", 0), ("[]", 1), (r#"{"a":[1,{"b":[]}],"c":{}}"#, 4), (r#"["\"[", "\\", ["]"]]"#, 2)]
        {
            assert_eq!(depth(json), expected, "{json}");
        }
        assert_eq!(depth(&"[".repeat(10_000)), 10_000);
    }

    #[test]
    fn a_space_is_named_in_plain_characters() {
        for name in ["a", "team-1", "user:7@example.com", "A_b.c"] {
            assert!(is_space(name), "{name}");
        }
        for name in ["", "a b", "a/b", "é", "a'b", "a\0", &"x".repeat(129)] {
            assert!(!is_space(name), "{name:?}");
        }
    }
}
