//! The rows of the sync state, each a record of [`system::SYNC`](crate::model::system::SYNC) under its name.

use super::super::Hlc;
use super::super::wishes::Said;
use super::content::row;
use crate::json::{FromJson, Json, Malformed, Members, ToJson, array};

/// Who this replica is: `client`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Client {
    /// The name under which mutations are numbered.
    pub(crate) name: String,
    /// The device of its stamps, 16 hexadecimal digits.
    pub(super) device: String,
    /// The number of the next mutation.
    pub(crate) next: u64,
}

impl Client {
    /// A replica that has sent nothing yet.
    pub(crate) fn new(name: u128, device: u64) -> Self {
        Self { name: format!("{name:032x}"), device: format!("{device:016x}"), next: 1 }
    }
}

impl ToJson for Client {
    fn to_json(&self) -> String {
        row().text("name", &self.name).text("device", &self.device).whole("next", self.next).finish()
    }
}

impl FromJson for Client {
    fn from_members(members: &Members<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            name: members.required("name", Json::string)?,
            device: members.required("device", Json::string)?,
            next: members.required("next", Json::whole)?,
        })
    }
}

/// The clock: `clock`.
pub(super) struct ClockRow {
    pub(super) last: Hlc,
    pub(super) offset: f64,
}

impl ToJson for ClockRow {
    fn to_json(&self) -> String {
        row().text("last", &self.last.to_string()).number("offset", self.offset).finish()
    }
}

impl FromJson for ClockRow {
    fn from_members(members: &Members<'_>) -> Result<Self, Malformed> {
        Ok(Self { last: members.required("last", Hlc::from_json)?, offset: members.required("offset", Json::number)? })
    }
}

/// The requests that were numbered and may have been sent: `flight`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flight {
    /// The endpoint that it is for.
    pub(crate) endpoint: String,
    /// The requests, to be sent in order, byte for byte.
    pub(crate) requests: Vec<String>,
    /// The outbox rows that are done with once all of it is settled.
    pub(crate) rows: Vec<u64>,
}

impl Flight {
    /// None.
    pub(crate) fn none() -> Self {
        Self::new(String::new(), Vec::new(), Vec::new())
    }

    pub(crate) fn new(endpoint: String, requests: Vec<String>, rows: Vec<u64>) -> Self {
        Self { endpoint, requests, rows }
    }
}

impl ToJson for Flight {
    fn to_json(&self) -> String {
        let rows = array(self.rows.iter().map(u64::to_string));
        row().text("endpoint", &self.endpoint).texts("requests", &self.requests).json("rows", &rows).finish()
    }
}

impl FromJson for Flight {
    fn from_members(members: &Members<'_>) -> Result<Self, Malformed> {
        let rows = |json: Json<'_>| json.items()?.into_iter().map(Json::whole).collect();
        Ok(Self {
            endpoint: members.required("endpoint", Json::string)?,
            requests: members.required("requests", Json::strings)?,
            rows: members.required("rows", rows)?,
        })
    }
}

/// How far this replica is with its endpoint: `replica`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Progress {
    /// The endpoint and space.
    pub(crate) endpoint: String,
    /// The endpoint's epoch, once known; [`ANOTHER_EPOCH`] after a change of endpoints.
    pub(crate) epoch: Option<String>,
    /// Where to go on; none is the beginning.
    pub(crate) cursor: Option<String>,
    /// Whether a snapshot must be taken first.
    pub(crate) snapshot: bool,
    /// The collections that were pulled up to the cursor.
    pub(crate) collections: Vec<String>,
}

impl ToJson for Progress {
    fn to_json(&self) -> String {
        row()
            .text("endpoint", &self.endpoint)
            .maybe(self.epoch.as_ref(), |row, epoch| row.text("epoch", epoch))
            .maybe(self.cursor.as_ref(), |row, cursor| row.text("cursor", cursor))
            .flag("snapshot", self.snapshot)
            .texts("collections", &self.collections)
            .finish()
    }
}

impl FromJson for Progress {
    fn from_members(members: &Members<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            endpoint: members.required("endpoint", Json::string)?,
            epoch: members.optional("epoch", Json::string)?,
            cursor: members.optional("cursor", Json::string)?,
            snapshot: members.required("snapshot", Json::flag)?,
            collections: members.required("collections", Json::strings)?,
        })
    }
}

impl ToJson for Said {
    fn to_json(&self) -> String {
        let names = |on: bool| -> Vec<String> {
            self.preferences.iter().filter(|(_, switch)| *switch == on).map(|(name, _)| name.clone()).collect()
        };
        row()
            .maybe(self.enabled, |row, enabled| row.flag("enabled", enabled))
            .maybe(self.interval, |row, interval| row.number("interval", interval))
            .texts("on", &names(true))
            .texts("off", &names(false))
            .finish()
    }
}

impl FromJson for Said {
    fn from_members(members: &Members<'_>) -> Result<Self, Malformed> {
        let mut preferences = Vec::new();
        for (list, on) in [("on", true), ("off", false)] {
            let names = members.required(list, Json::strings)?;
            preferences.extend(names.into_iter().map(|name| (name, on)));
        }
        Ok(Self {
            enabled: members.optional("enabled", Json::flag)?,
            interval: members.optional("interval", Json::number)?,
            preferences,
        })
    }
}
