//! Whether what is sealed can still be opened once an unlocker is gone.

use super::cipher::KeyId;
use super::record::{KeyRecord, Parsed};

/// Whether each data key that can be opened now can still be opened without the unlocker.
///
/// # Behavior
///
/// - A record that cannot be read opens nothing, so it never stands in for the one that goes.
/// - An unlocker of another device counts: it opens the store there.
#[must_use]
pub fn still_opens_without(records: &[KeyRecord], unlocker: &str) -> bool {
    let before = within_reach(records, None);
    let after = within_reach(records, Some(unlocker));
    !after.is_empty() && before.iter().all(|key| after.contains(key))
}

/// The data keys that the unlockers lead to.
fn within_reach(records: &[KeyRecord], without: Option<&str>) -> Vec<KeyId> {
    let parsed: Vec<Parsed> = records.iter().filter_map(|record| record.parse().ok()).collect();
    let mut stores: Vec<KeyId> = Vec::new();
    loop {
        let known = stores.len();
        for record in &parsed {
            let Parsed::Unlocker(unlocker) = record else { continue };
            let opens = match unlocker.method().by_store() {
                Some(by) => stores.contains(&by),
                None => without != Some(unlocker.id().to_string().as_str()),
            };
            if opens && !stores.contains(&unlocker.store()) {
                stores.push(unlocker.store());
            }
        }
        if stores.len() == known {
            break;
        }
    }
    let wrapped = parsed.iter().filter_map(|record| match record {
        Parsed::Data(data) if stores.contains(&data.store()) => Some(data.id()),
        _ => None,
    });
    wrapped.collect()
}
