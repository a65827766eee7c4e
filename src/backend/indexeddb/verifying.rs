//! Conditions on ranges: read in the transaction that is to write.

use js_sys::Array;
use wasm_bindgen::JsValue;
use web_sys::{IdbRequest, IdbTransaction};

use super::convert::seen_in;
use super::error::from_js;
use super::layout::Layout;
use super::read::{Rows, range_of};
use crate::error::Result;
use crate::model::{Key, Seen, Verify};

/// A condition whose range is being read.
pub(super) struct Verifying {
    wanted: Verify,
    /// The keys and the records of the range; none where no key can lie in it.
    requests: Option<(IdbRequest, IdbRequest)>,
}

impl Verifying {
    pub(super) fn begin(wanted: Verify, layout: &Layout, transaction: &IdbTransaction) -> Result<Self> {
        if wanted.range.is_empty() {
            return Ok(Self { wanted, requests: None });
        }
        let place = layout.place(&wanted.collection);
        let range = range_of(&wanted.range, &wanted.source, &place)?.map_or(JsValue::UNDEFINED, JsValue::from);
        let from = Rows::within(transaction, &place, &wanted.source)?;
        let keys = from.keys(&range, 0).map_err(|thrown| from_js(&thrown))?;
        let records = from.records(&range, 0).map_err(|thrown| from_js(&thrown))?;
        Ok(Self { wanted, requests: Some((keys, records)) })
    }

    /// The last request; once it has succeeded, the condition can be checked.
    pub(super) fn last(&self) -> Option<&IdbRequest> {
        self.requests.as_ref().map(|(_, records)| records)
    }

    pub(super) fn check(&self, layout: &Layout) -> Result<()> {
        let Some((keys, records)) = &self.requests else { return self.wanted.check(&[]) };
        let place = layout.place(&self.wanted.collection);
        let rows = |request: &IdbRequest| request.result().map(|rows| Array::from(&rows));
        let keys = rows(keys).map_err(|thrown| from_js(&thrown))?;
        let records = rows(records).map_err(|thrown| from_js(&thrown))?;
        let found = keys.iter().zip(records.iter());
        let found = found.map(|(key, record)| Ok(seen_in(place.own_key(Key::from_js(&key)?), &record)));
        self.wanted.check(&found.collect::<Result<Vec<Seen>>>()?)
    }
}
