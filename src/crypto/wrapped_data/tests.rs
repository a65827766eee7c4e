use proptest::prelude::*;

use super::*;
use crate::crypto::wrapping::mend;
use crate::error::ErrorKind;

const DATABASE: &str = "fieldbook";

fn wrapped() -> WrappedDataKey {
    let key = DataKey::from_slice(&[3; 32]).unwrap();
    WrappedDataKey::wrap(&key, 7, &StoreKey::new(&[1; 32]), DATABASE, Nonce([4; 12])).unwrap()
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.map(drop).unwrap_err().kind()
}

#[test]
fn a_wrapped_data_key_survives_its_bytes_and_opens() {
    let bytes = wrapped().to_bytes();
    assert_eq!(bytes.len(), WrappedDataKey::LEN);
    let read = WrappedDataKey::parse(&bytes).unwrap();
    assert_eq!((&read, read.generation()), (&wrapped(), 7));
    assert_eq!(read.unwrap(&StoreKey::new(&[1; 32]), DATABASE).unwrap().bytes(), &[3; 32]);
}

#[test]
fn another_store_key_and_another_database_do_not_open_it() {
    assert_eq!(kind(wrapped().unwrap(&StoreKey::new(&[2; 32]), DATABASE)), ErrorKind::DecryptionFailed);
    assert_eq!(kind(wrapped().unwrap(&StoreKey::new(&[1; 32]), "other")), ErrorKind::DecryptionFailed);
}

#[test]
fn every_flipped_bit_is_seen_and_none_opens_under_a_mended_checksum() {
    let bytes = wrapped().to_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let newer = matches!(bit / 8, 4 | 5) && changed[bit / 8] != 0;
        let wanted = if newer { ErrorKind::VersionError } else { ErrorKind::Corrupted };
        assert_eq!(kind(WrappedDataKey::parse(&changed)), wanted, "bit {bit}");
        if bit / 8 < bytes.len() - 8 {
            mend(&mut changed);
            let opened = WrappedDataKey::parse(&changed).and_then(|key| key.unwrap(&StoreKey::new(&[1; 32]), DATABASE));
            assert!(opened.is_err(), "bit {bit}");
        }
    }
}

#[test]
fn a_cut_or_prolonged_wrapped_data_key_is_corrupted() {
    let bytes = wrapped().to_bytes();
    for length in 0..bytes.len() {
        assert_eq!(kind(WrappedDataKey::parse(&bytes[..length])), ErrorKind::Corrupted, "{length}");
    }
    let mut longer = [bytes, vec![0]].concat();
    mend(&mut longer);
    assert_eq!(kind(WrappedDataKey::parse(&longer)), ErrorKind::Corrupted);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes: Vec<u8>) {
        prop_assert!(WrappedDataKey::parse(&bytes).is_err());
        let mut longer = [MAGIC.as_slice(), &[VERSION, SUITE], &bytes].concat();
        longer.resize(WrappedDataKey::LEN, 0);
        mend(&mut longer);
        prop_assert!(WrappedDataKey::parse(&longer).and_then(|key| key.unwrap(&StoreKey::new(&[1; 32]), DATABASE)).is_err());
    }
}
