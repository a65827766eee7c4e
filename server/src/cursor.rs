//! The opaque text that says how far a client has come.

/// A place in the history of one space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// The epoch that the sequence belongs to.
    pub(crate) epoch: String,
    /// The last sequence that was seen.
    pub(crate) seq: u64,
}

/// Writes a cursor.
pub(crate) fn encode(epoch: &str, seq: u64) -> String {
    let plain = format!("{epoch}.{seq}");
    let check = checksum(&plain);
    format!("{plain}.{check:016x}")
}

/// Reads a cursor; nothing where it is not one that [`encode`] wrote.
///
/// The checksum finds accidents, not forgers: a cursor grants nothing that the token does not.
pub(crate) fn decode(text: &str) -> Option<Position> {
    let (plain, _) = text.rsplit_once('.')?;
    let (epoch, seq) = plain.rsplit_once('.')?;
    let seq: u64 = seq.parse().ok()?;
    (encode(epoch, seq) == text).then(|| Position { epoch: epoch.to_owned(), seq })
}

/// FNV-1a of 64 bits: any one changed byte changes it.
fn checksum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_any_changed_character_is_noticed() {
        let cursor = encode("5f2c9e01aabbccdd", 123_456);
        assert_eq!(decode(&cursor), Some(Position { epoch: "5f2c9e01aabbccdd".into(), seq: 123_456 }));
        for at in 0..cursor.len() {
            for other in ["0", "a", ".", "F", "-", "z", ""] {
                let mut text = cursor.clone();
                text.replace_range(at..=at, other);
                assert!(text == cursor || decode(&text).is_none(), "{text}");
            }
        }
        for text in ["", ".", "..", "a.b.c", "0.18446744073709551616.0"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
