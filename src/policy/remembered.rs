//! What is remembered of a database outside of it, so that its loss is noticed at the next opening.

/// What a page remembers of its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The database's identity.
    pub birth: String,
    /// How many changes were known that the endpoint had not answered for.
    pub unsynced: u64,
}

impl Remembered {
    /// Its text: both, and a blank between.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{} {}", self.birth, self.unsynced)
    }

    /// Reads the text; none where it is of another form.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (birth, unsynced) = text.split_once(' ')?;
        Some(Self { birth: birth.to_owned(), unsynced: unsynced.parse().ok()? })
    }

    /// How many changes were lost with the database, where another one, or none, is in its place.
    #[must_use]
    pub fn lost_with(&self, birth: &str) -> Option<u64> {
        (self.birth != birth).then_some(self.unsynced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_survives_its_text_and_anything_else_is_forgotten() {
        let remembered = Remembered { birth: "0a".to_owned(), unsynced: 7 };
        assert_eq!(Remembered::from_text(&remembered.to_text()), Some(remembered));
        for text in ["", "0a", "0a x", "0a -1", "0a 7 "] {
            assert_eq!(Remembered::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn another_database_in_its_place_has_lost_what_was_not_sent() {
        let remembered = Remembered { birth: "0a".to_owned(), unsynced: 7 };
        assert_eq!(remembered.lost_with("0a"), None);
        assert_eq!(remembered.lost_with("0b"), Some(7));
    }
}
