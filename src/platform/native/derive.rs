//! Key derivation outside the browser.

use pbkdf2::{Algorithm, Params, pbkdf2_hmac_with_params};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

/// PBKDF2 with HMAC-SHA256.
///
/// It is done when it returns: tests have no main thread to keep free.
///
/// # Errors
///
/// `INVALID_CONFIG` for fewer than a thousand iterations.
pub async fn pbkdf2_sha256(passphrase: &[u8], salt: &[u8], iterations: u32) -> Result<Zeroizing<[u8; 32]>> {
    let params = Params::new(iterations).map_err(|_| {
        Error::new(ErrorKind::InvalidConfig, "PBKDF2 needs a thousand iterations or more")
            .with("iterations", iterations)
    })?;
    let mut derived = Zeroizing::new([0; 32]);
    // This entry is compiled in its own crate, which is optimised in tests too.
    pbkdf2_hmac_with_params(passphrase, salt, Algorithm::Pbkdf2Sha256, params, derived.as_mut_slice());
    Ok(derived)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn pbkdf2_is_that_of_the_standard() {
        // Computed with Python's hashlib.pbkdf2_hmac.
        let derived = pbkdf2_sha256(b"passphrase", b"sixteen bytes...", 1000).now_or_never().unwrap().unwrap();
        let expected = [
            0x65, 0xCB, 0x49, 0x7A, 0x73, 0x68, 0x73, 0x2C, 0x61, 0x32, 0xF6, 0xF5, 0xFC, 0xD2, 0xE4, 0xCE, 0x89, 0x4E,
            0x46, 0x5D, 0x96, 0x44, 0x8D, 0xD5, 0xD4, 0x90, 0xE0, 0xC7, 0x54, 0xC5, 0x6E, 0x56,
        ];
        assert_eq!(*derived, expected);
    }

    #[test]
    fn a_derivation_without_work_is_refused() {
        let refused = pbkdf2_sha256(b"passphrase", b"salt", 0).now_or_never().unwrap().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidConfig);
    }
}
