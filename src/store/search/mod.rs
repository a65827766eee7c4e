//! Full-text search over a collection: pages of hits, the best first.

mod searchable;
mod tidy;

use super::{Collection, Entry};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Key, SearchField};
use crate::platform::now;
pub use crate::search::{Match, Prefix};
use crate::search::{Place, Request};
pub(super) use searchable::Searchable;
pub use tidy::tidy;

/// How many hits a search gives unless it says.
const LIMIT: usize = 20;

/// How to search.
#[derive(Debug, Clone, Default)]
pub struct SearchOptions {
    /// At the most so many hits; 20, without.
    pub limit: Option<usize>,
    /// In these fields; in all that are declared, without.
    pub fields: Option<Vec<String>>,
    /// Which words a hit must hold.
    pub matching: Match,
    /// Which words may be the beginnings of others.
    pub prefix: Prefix,
    /// Behind the last hit of an earlier page: its `next`.
    pub after: Option<String>,
}

/// A record that a search found.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The record.
    pub entry: Entry,
    /// The higher, the better it fits; comparable within one search only.
    pub score: f64,
    /// The words of it that were looked for, as the index has them.
    pub matched: Vec<String>,
}

/// Some hits, the best first.
#[derive(Debug, Clone, Default)]
pub struct Hits {
    /// The hits.
    pub hits: Vec<Hit>,
    /// Where the next page begins, if there are more.
    pub next: Option<String>,
}

/// Is told how many records of how many the index holds, while it is being built.
pub type Told<'a> = &'a dyn Fn(u64, u64);

impl Collection {
    /// The live entries that hold some words, ranked.
    ///
    /// # Behavior
    ///
    /// - What was committed before, in whichever tab or worker, is found.
    /// - Where the index is missing, or is one over other fields, it is built first; `told` is told.
    /// - A text without words finds nothing.
    /// - Only records of the page are read. An entry that has expired or was deleted meanwhile is passed over.
    ///
    /// # Errors
    ///
    /// `INVALID_QUERY` where the collection has no full-text index or not over those fields, for more than a hundred
    /// different words, and for an `after` of another search.
    pub async fn search(&self, text: &str, options: &SearchOptions, told: Told<'_>) -> Result<Hits> {
        self.searched(text, options, told).await.map_err(|error| error.with("collection", self.name()).during("search"))
    }

    /// Builds the full-text index anew.
    ///
    /// # Errors
    ///
    /// `INVALID_QUERY` where the collection has none.
    pub async fn reindex(&self, told: Told<'_>) -> Result<()> {
        let built = async { self.searchable()?.reindex(told).await };
        built.await.map_err(|error| error.with("collection", self.name()).during("reindex"))
    }

    async fn searched(&self, text: &str, options: &SearchOptions, told: Told<'_>) -> Result<Hits> {
        let searchable = self.searchable()?;
        let weights = weights(searchable.fields(), options.fields.as_deref())?;
        let request = Request::new(text, options.matching, options.prefix)?;
        let asked = request.fingerprint(&weights);
        let mut after = options.after.as_deref().map(|token| place(token, asked)).transpose()?;
        let limit = options.limit.unwrap_or(LIMIT);
        let mut page = Hits::default();
        if request.is_empty() || limit == 0 {
            return Ok(page);
        }
        loop {
            let missing = limit - page.hits.len();
            // One more, to know whether there is one.
            let mut ranked = searchable.find(&request, &weights, after.as_ref(), missing + 1, told).await?;
            let more = ranked.len() > missing;
            ranked.truncate(missing);
            let keys = ranked.iter().map(|ranked| Key::from_text(&ranked.key)).collect::<Result<Vec<_>>>()?;
            after = ranked.last().map(|last| Place { score: last.score, key: last.key.clone() });
            let records = self.stack().get(self.name(), &keys).await?;
            let now = now();
            for (record, ranked) in records.into_iter().zip(ranked) {
                if let Some(record) = record.filter(|record| !record.meta.expired(now)) {
                    page.hits.push(Hit { entry: Entry::of(record)?, score: ranked.score, matched: ranked.matched });
                }
            }
            match after.as_ref().filter(|_| more) {
                None => return Ok(page),
                Some(last) if page.hits.len() == limit => {
                    page.next = Some(token(last, asked));
                    return Ok(page);
                }
                Some(_) => {}
            }
        }
    }
}

/// The weights of all fields, in their order: 0 for those that are not asked for.
fn weights(fields: &[SearchField], wanted: Option<&[String]>) -> Result<Vec<f64>> {
    let Some(wanted) = wanted else { return Ok(fields.iter().map(|field| field.weight).collect()) };
    if let Some(unknown) = wanted.iter().find(|name| fields.iter().all(|field| field.path != **name)) {
        let known: Vec<&str> = fields.iter().map(|field| field.path.as_str()).collect();
        return Err(Error::new(
            ErrorKind::InvalidQuery,
            "the field is not in the full-text index; declare it in `search`",
        )
        .with("field", unknown)
        .with("known", known.join(", ")));
    }
    Ok(fields.iter().map(|field| if wanted.contains(&field.path) { field.weight } else { 0.0 }).collect())
}

/// Where a page ends, as text: the search that it is of, the score's bits, the key as text.
fn token(place: &Place, asked: u32) -> String {
    format!("{asked:08x}.{:016x}.{}", place.score.to_bits(), place.key)
}

fn place(token: &str, asked: u32) -> Result<Place> {
    let read = || {
        let (search, rest) = token.split_once('.')?;
        let (score, key) = rest.split_once('.')?;
        let score = f64::from_bits(u64::from_str_radix(score, 16).ok()?);
        let known = u32::from_str_radix(search, 16).ok()? == asked;
        (known && score.is_finite()).then(|| Place { score, key: key.to_owned() })
    };
    read().ok_or_else(|| {
        Error::new(ErrorKind::InvalidQuery, "“after” is not the `next` of an earlier page of this search")
    })
}
