//! Lists: keys and items, by prefix and pattern.

use core::ops::Bound;

use super::Collection;
use crate::backend::{Read, Scan, Source};
use crate::error::Result;
use crate::model::{Body, Key, KeyRange, Record, distinct};
use crate::platform::{Payload, now};

/// The most that is read at once where not all is wanted.
const MOST: usize = 1024;

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// Keys that begin so.
    pub prefix: Option<String>,
    /// Keys that look so: `*` is any run, `?` any one character, everything else itself.
    pub pattern: Option<String>,
    /// What ends the name of a folder in a key. Everything is an item without.
    pub delimiter: Option<String>,
    /// At the most so many.
    pub limit: Option<usize>,
    /// Passing over so many first.
    pub offset: usize,
}

/// An entry without its value.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its key.
    pub key: Key,
    /// How often it was written.
    pub version: u64,
    /// When it was first written, milliseconds since the epoch.
    pub created: f64,
    /// When it was last written, milliseconds since the epoch.
    pub modified: f64,
    /// When it ends, milliseconds since the epoch.
    pub expires: Option<f64>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The application's metadata.
    pub metadata: Option<Payload>,
    /// Whether it is sealed at rest.
    pub encrypted: bool,
}

/// What lies directly under a prefix.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The entries, in key order.
    pub items: Vec<Item>,
    /// The folders, in key order: each the beginning that its keys share, the delimiter included. None without a
    /// delimiter.
    pub folders: Option<Vec<String>>,
}

impl Item {
    pub(super) fn of(record: Record, encrypted: bool) -> Self {
        let encrypted = encrypted || record.meta.secret || matches!(record.body, Body::Sealed(_));
        let meta = record.meta;
        Self {
            key: record.key,
            version: meta.version,
            created: meta.created,
            modified: meta.modified,
            expires: meta.expires,
            tags: meta.tags,
            metadata: meta.metadata,
            encrypted,
        }
    }
}

impl Collection {
    /// The keys of live entries, in key order.
    pub async fn keys(&self, options: &ListOptions) -> Result<Vec<Key>> {
        let over = self.expired().await?;
        let exact = over.is_empty() && options.pattern.is_none();
        let scan = Scan { read: Read::Keys, ..self.listed(options, exact) };
        let rows = self.stack().scan(&scan).await.map_err(|error| error.during("keys"))?;
        let keys = rows.into_iter().map(|row| row.key);
        if exact {
            return Ok(keys.collect());
        }
        let wanted = keys.filter(|key| over.binary_search(key).is_err() && matches(options.pattern.as_deref(), key));
        Ok(wanted.skip(options.offset).take(options.limit.unwrap_or(usize::MAX)).collect())
    }

    /// Everything of live entries but their values, in key order. Nothing is unsealed for it.
    pub async fn list(&self, options: &ListOptions) -> Result<Vec<Item>> {
        Ok(self.folder(options).await?.items)
    }

    /// What lies directly under the prefix: items, and, where there is a delimiter, folders.
    ///
    /// # Behavior
    ///
    /// - A folder is there while it holds a live entry, however deep below.
    /// - Of a folder one row is read, and not what else is in it.
    /// - Offset and limit count items and folders alike.
    pub async fn folder(&self, options: &ListOptions) -> Result<Folder> {
        self.listing(options).await.map_err(|error| error.during("list"))
    }

    async fn listing(&self, options: &ListOptions) -> Result<Folder> {
        let delimiter = options.delimiter.as_deref();
        let (now, encrypted) = (now(), self.encrypted());
        let (mut items, mut folders) = (Vec::new(), Vec::new());
        let mut missing = options.limit.unwrap_or(usize::MAX);
        let mut skip = options.offset;
        let mut scan = Scan { read: Read::Meta, ..self.listed(options, false) };
        // Where all rows are wanted they are read at once, and else in batches.
        let unlimited = delimiter.is_none() && options.limit.is_none();
        let mut batch = if delimiter.is_some() { 1 } else { missing.saturating_add(skip).min(MOST) };
        while missing > 0 {
            scan.limit = (!unlimited).then_some(batch);
            let rows = self.stack().scan(&scan).await?;
            let over = unlimited || rows.len() < batch;
            batch = batch.saturating_mul(2).min(MOST);
            for record in rows.into_iter().filter_map(|row| row.record) {
                let behind = scan.direction.onwards(Bound::Excluded(&record.key));
                if missing == 0 {
                    break;
                }
                if !scan.range.contains(&record.key) {
                    continue; // of the folder that was found before it
                }
                scan.range = scan.range.intersect(behind);
                if record.meta.expired(now) || !matches(options.pattern.as_deref(), &record.key) {
                    continue;
                }
                let folder =
                    delimiter.and_then(|delimiter| folder_of(&record.key, options.prefix.as_deref(), delimiter));
                if let Some(folder) = &folder {
                    let beyond = KeyRange { lower: end_of(KeyRange::prefix(folder)), upper: Bound::Unbounded };
                    scan.range = scan.range.intersect(beyond);
                    batch = 1;
                }
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                missing -= 1;
                match folder {
                    Some(folder) => folders.push(folder),
                    None => items.push(Item::of(record, encrypted)),
                }
            }
            if over || scan.range.is_empty() {
                break;
            }
        }
        Ok(Folder { items, folders: delimiter.map(|_| folders) })
    }

    /// How many live entries there are. No value is read.
    pub async fn count(&self) -> Result<u64> {
        let over = KeyRange { lower: Bound::Unbounded, upper: Bound::Included(Key::Number(now())) };
        self.count_all_but(&over).await.map_err(|error| error.during("count"))
    }

    async fn count_all_but(&self, ended: &KeyRange) -> Result<u64> {
        let mut over = self.stack().count(self.name(), &Source::Expiring, ended).await?;
        loop {
            let all = self.stack().count(self.name(), &Source::Primary, &KeyRange::all()).await?;
            let still_over = self.stack().count(self.name(), &Source::Expiring, ended).await?;
            if over == still_over {
                return Ok(all.saturating_sub(over));
            }
            over = still_over; // some were removed meanwhile, before or after the rest was counted
        }
    }

    /// The keys of entries whose time is over, sorted.
    async fn expired(&self) -> Result<Vec<Key>> {
        let scan = Scan {
            source: Source::Expiring,
            range: KeyRange { lower: Bound::Unbounded, upper: Bound::Included(Key::Number(now())) },
            read: Read::Keys,
            ..Scan::all(self.name())
        };
        let rows = self.stack().scan(&scan).await?;
        Ok(distinct(rows.into_iter().map(|row| row.key).collect()))
    }

    /// The scan of a list; `exact` where the backend may count off offset and limit itself.
    fn listed(&self, options: &ListOptions, exact: bool) -> Scan {
        let literal = options.pattern.as_deref().map(|pattern| literal_prefix(pattern).to_owned());
        let range = [&options.prefix, &literal]
            .into_iter()
            .flatten()
            .fold(KeyRange::all(), |range, prefix| range.intersect(KeyRange::prefix(prefix)));
        let (offset, limit) = if exact { (options.offset, options.limit) } else { (0, None) };
        Scan { range, offset, limit, ..Scan::all(self.name()) }
    }
}

/// The folder directly under the prefix that a key lies in, if it lies in one.
fn folder_of(key: &Key, prefix: Option<&str>, delimiter: &str) -> Option<String> {
    let Key::String(text) = key else { return None };
    let begins = prefix.map_or(0, str::len);
    let (name, _) = text.get(begins..)?.split_once(delimiter)?;
    text.get(..begins + name.len() + delimiter.len()).map(str::to_owned)
}

/// Where the keys begin that come after a range.
fn end_of(range: KeyRange) -> Bound<Key> {
    match range.upper {
        Bound::Excluded(key) => Bound::Included(key),
        Bound::Included(key) => Bound::Excluded(key),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// What a pattern begins with before its first wildcard.
fn literal_prefix(pattern: &str) -> &str {
    pattern.split(['*', '?']).next().unwrap_or_default()
}

/// Whether a key looks like the pattern; other keys than strings look like none.
fn matches(pattern: Option<&str>, key: &Key) -> bool {
    match (pattern, key) {
        (None, _) => true,
        (Some(pattern), Key::String(text)) => glob(pattern, text),
        (Some(_), _) => false,
    }
}

/// Matches with one step back: at a mismatch, the last `*` takes one character more. Quadratic at the worst.
fn glob(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut retry: Option<(core::str::Chars<'_>, core::str::Chars<'_>)> = None;
    loop {
        let text_before = text.clone();
        match (pattern.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                text = text_before.clone();
                retry = Some((pattern.clone(), text_before));
                if pattern.clone().next().is_none() {
                    return true;
                }
            }
            (Some('?'), Some(_)) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => {
                let Some((after_star, mut taken)) = retry.take() else { return false };
                if taken.next().is_none() {
                    return false;
                }
                pattern = after_star.clone();
                text = taken.clone();
                retry = Some((after_star, taken));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards_match_and_everything_else_is_itself() {
        for (pattern, text, wanted) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "abbbc", true),
            ("a*b*c", "aXbYbZc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("?", "", false),
            ("**", "x", true),
            ("a.c", "abc", false),
            ("[a]", "a", false),
            ("*ab", "aab", true),
            ("é?", "éx", true),
            ("a*", "b", false),
        ] {
            assert_eq!(glob(pattern, text), wanted, "{pattern} on {text}");
        }
    }

    /// The definition, without care for speed.
    fn slow(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => (0..=text.len()).any(|taken| slow(rest, &text[taken..])),
            (Some(('?', rest)), Some((_, tail))) => slow(rest, tail),
            (Some((wanted, rest)), Some((found, tail))) => wanted == found && slow(rest, tail),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_its_definition_says(pattern in "[ab*?]{0,6}", text in "[ab]{0,8}") {
            let chars = |s: &str| s.chars().collect::<Vec<_>>();
            prop_assert_eq!(glob(&pattern, &text), slow(&chars(&pattern), &chars(&text)));
        }
    }
}
