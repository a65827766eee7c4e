//! Who this replica is, and its clock.

use core::cell::RefCell;
use std::rc::Rc;

use super::super::Clock;
use super::rows::ClockRow;
use super::{CLIENT, CLOCK, Client, read, strict, write};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Precondition;

/// The clock that all writes of one open store are stamped by.
pub type SharedClock = Rc<RefCell<Clock>>;

/// Reads who this replica is and resumes its clock; the first time, makes both.
///
/// # Behavior
///
/// - Tabs that do this at once for the first time end with the same identity.
///
/// # Errors
///
/// What `random` and the backend raise; `CORRUPTED` and `VERSION_ERROR` for rows that cannot be read.
pub async fn open_clock(
    backend: &dyn Backend,
    now: f64,
    random: impl Fn(&mut [u8]) -> Result<()>,
) -> Result<SharedClock> {
    let client = match read::<Client>(backend, CLIENT).await? {
        Some(row) => row.value,
        None => create(backend, now, random).await?,
    };
    let device = u64::from_str_radix(&client.device, 16).map_err(|_| {
        Error::new(ErrorKind::Corrupted, "the sync state names a device that is none").with("row", CLIENT)
    })?;
    let clock = match read::<ClockRow>(backend, CLOCK).await? {
        Some(row) if row.value.last.device() == device => Clock::resume(row.value.last, row.value.offset),
        Some(_) | None => Clock::new(device),
    };
    Ok(Rc::new(RefCell::new(clock)))
}

async fn create(backend: &dyn Backend, now: f64, random: impl Fn(&mut [u8]) -> Result<()>) -> Result<Client> {
    let (mut name, mut device) = ([0; 16], [0; 8]);
    random(&mut name)?;
    random(&mut device)?;
    introduce(backend, Client::new(u128::from_be_bytes(name), u64::from_be_bytes(device)), now).await
}

/// Writes down who this replica is, unless another tab has; gives who it is.
pub(super) async fn introduce(backend: &dyn Backend, client: Client, now: f64) -> Result<Client> {
    match backend.commit(strict(vec![write(CLIENT, &client, Precondition::Absent)?], now)).await {
        Ok(_) => Ok(client),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read::<Client>(backend, CLIENT).await?.map(|row| row.value).ok_or(error)
        }
        Err(error) => Err(error),
    }
}
