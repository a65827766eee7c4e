//! Folding of texts, for search.

use unicode_normalization::UnicodeNormalization as _;

/// A text without what does not count in a search: see `search/tokens.rs`.
///
/// Source: Unicode Standard Annex #15, forms KD and KC; the default case conversions of the Unicode Standard, 3.13.
#[must_use]
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let bare: String = text.nfkd().filter(|c| !('\u{300}'..='\u{36F}').contains(c)).collect();
    bare.to_uppercase().to_lowercase().replace('ς', "σ").replace('\u{2019}', "'").nfkc().collect()
}
