//! What a call may ask for.

use tidekeep::ErrorKind;
use tidekeep::model::{Key, Put, WriteOp};
use tidekeep::store::{Match, SearchOptions};

use crate::tab::{BOTH, NONE, body, raw, tab};

#[test]
fn what_is_no_search_is_refused() {
    let raw = raw();
    let open = tab(&raw, BOTH);
    open.put(1, "title", "text");
    let refused = |text: &str, options: SearchOptions| open.search(text, &options).unwrap_err().kind();
    let many: Vec<String> = (0..10_000).map(|at| format!("word{at}")).collect();
    assert_eq!(refused(&many.join(" "), SearchOptions::default()), ErrorKind::InvalidQuery);
    let unknown = SearchOptions { fields: Some(vec!["other".to_owned()]), ..SearchOptions::default() };
    assert_eq!(refused("title", unknown), ErrorKind::InvalidQuery);
    for after in ["", "x", "0.0.0", "00000000.3ff0000000000000.~1", "..", "zz.zz.zz"] {
        let options = SearchOptions { after: Some(after.to_owned()), ..SearchOptions::default() };
        assert_eq!(refused("title", options), ErrorKind::InvalidQuery, "{after}");
    }
    let unsearched = tab(&raw, NONE).search("title", &SearchOptions::default()).unwrap_err();
    assert_eq!(unsearched.kind(), ErrorKind::InvalidQuery);
    for text in ["", "  ", "…", "🙂"] {
        assert!(open.search(text, &SearchOptions::default()).unwrap().hits.is_empty(), "{text}");
    }
}

#[test]
fn a_page_of_another_search_is_refused() {
    let raw = raw();
    let open = tab(&raw, BOTH);
    for key in 0..5 {
        open.put(key, "same", "");
    }
    let options = SearchOptions { limit: Some(2), ..SearchOptions::default() };
    let next = open.search("same", &options).unwrap().next;
    assert!(next.is_some());
    let page = SearchOptions { after: next, ..options };
    assert_eq!(open.search("same", &page).unwrap().hits.len(), 2);
    assert_eq!(open.search("other", &page).unwrap_err().kind(), ErrorKind::InvalidQuery);
    let any = SearchOptions { matching: Match::Any, ..page };
    assert_eq!(open.search("same", &any).unwrap_err().kind(), ErrorKind::InvalidQuery);
}

#[test]
fn entries_that_have_expired_are_passed_over() {
    let raw = raw();
    let open = tab(&raw, BOTH);
    for key in 0..9 {
        let expires = tidekeep::model::Expiry::At(if key % 3 == 0 { f64::MAX } else { 1.0 });
        let put = Put { expires, ..Put::new("notes", Key::from(key), body("same", "")) };
        open.commit(vec![WriteOp::Put(put)]).unwrap();
    }
    let page = open.search("same", &SearchOptions { limit: Some(2), ..SearchOptions::default() }).unwrap();
    assert_eq!(page.hits.iter().map(|hit| hit.entry.key.to_text()).collect::<Vec<_>>(), ["~0", "~3"]);
    let rest =
        open.search("same", &SearchOptions { limit: Some(2), after: page.next, ..SearchOptions::default() }).unwrap();
    assert_eq!((rest.hits.len(), rest.next), (1, None));
}
