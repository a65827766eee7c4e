//! What unlocks a store, as an application gives it.

use core::fmt;

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use zeroize::Zeroizing;

use super::convert::property;
use super::options::Options;
use super::passkey::Passkeys;
use super::unlock::passphrase;
use crate::crypto::{Answer, Keeper, KeyId, Method, Random, Secret, Unlocker, Wrapper, new_salt};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{Payload, environment, said, within};
use crate::store::{self, DataStore};

/// How long a provider may take, unless it says otherwise: somebody may have to be asked. Milliseconds.
const PATIENCE: f64 = 60_000.0;

/// The options that name an unlocker.
pub(super) const MEANS: [&str; 5] = ["passphrase", "device", "key", "provider", "passkey"];

#[wasm_bindgen(module = "/src/js/host.js")]
extern "C" {
    #[wasm_bindgen(js_name = deviceKey, catch)]
    fn device_key() -> core::result::Result<Promise, JsValue>;
    #[wasm_bindgen(js_name = keyKind, catch)]
    fn key_kind(value: &JsValue) -> core::result::Result<String, JsValue>;
    #[wasm_bindgen(catch)]
    fn mac(key: &JsValue, salt: &Uint8Array) -> core::result::Result<Promise, JsValue>;
    #[wasm_bindgen(catch)]
    fn wrap(key: &JsValue, secret: &Uint8Array) -> core::result::Result<Promise, JsValue>;
    #[wasm_bindgen(catch)]
    fn unwrap(key: &JsValue, wrapped: &Uint8Array) -> core::result::Result<Promise, JsValue>;
    #[wasm_bindgen(catch)]
    fn provided(provider: &JsValue, method: &str, bytes: &Uint8Array) -> core::result::Result<Promise, JsValue>;
}

/// Something that unlocks a store.
#[derive(Clone)]
pub(super) enum Means {
    /// A passphrase.
    Passphrase(Zeroizing<Vec<u8>>),
    /// The key that this device keeps.
    Device,
    /// A key of the application, that authenticates.
    Authenticating(JsValue),
    /// A key of the application, that wraps.
    Wrapping(Wrapper, JsValue),
    /// Functions of the application.
    Provider {
        /// The object with the functions.
        provider: JsValue,
        /// How long they may take, milliseconds.
        patience: f64,
    },
    /// A passkey, for which the user is asked.
    Passkey {
        /// The caller's options.
        options: JsValue,
        /// What calls the asking off.
        signal: JsValue,
    },
}

impl fmt::Debug for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Means(redacted)")
    }
}

impl Means {
    /// Reads which unlocker is meant; none where no option names one.
    ///
    /// # Errors
    ///
    /// `INVALID_CONFIG` where it is none, or more than one.
    pub(super) fn read(options: &Options<'_>) -> Result<Option<Self>> {
        let mut found = None;
        for name in MEANS {
            let value = options.value(name)?;
            let means = match name {
                _ if value.is_undefined() || value.is_null() => continue,
                "passphrase" => Self::Passphrase(passphrase(&value)?),
                "device" if value.as_bool() == Some(true) => Self::Device,
                "device" if value.as_bool() == Some(false) => continue,
                "key" => Self::of_key(&value)?,
                "provider" => Self::of_provider(&value)?,
                "passkey" => Self::Passkey { options: value, signal: options.value("signal")? },
                _ => return Err(Error::new(ErrorKind::InvalidConfig, "“device” is true or false")),
            };
            if found.replace(means).is_some() {
                return Err(
                    Error::new(ErrorKind::InvalidConfig, "give one unlocker at a time").with("known", MEANS.join(", "))
                );
            }
        }
        Ok(found)
    }

    /// Reads `encryption.key`; none for a passphrase, which is asked for.
    pub(super) fn of_option(value: &JsValue) -> Result<Option<Self>> {
        match value.as_string().as_deref() {
            None if value.is_undefined() || value.is_null() => Ok(None),
            Some("passphrase") => Ok(None),
            Some("device") => Ok(Some(Self::Device)),
            None if key_kind(value).is_ok_and(|kind| kind.is_empty()) && has(value, "wrap") => {
                Self::of_provider(value).map(Some)
            }
            None => Self::of_key(value).map(Some),
            Some(other) => Err(Error::new(
                ErrorKind::InvalidConfig,
                "“encryption.key” is “passphrase”, “device”, a CryptoKey, or an object with wrap and unwrap",
            )
            .with("key", other)),
        }
    }

    fn of_key(value: &JsValue) -> Result<Self> {
        match key_kind(value).unwrap_or_default().as_str() {
            "h" => Ok(Self::Authenticating(value.clone())),
            "g" => Ok(Self::Wrapping(Wrapper::AesGcm, value.clone())),
            "k" => Ok(Self::Wrapping(Wrapper::AesKw, value.clone())),
            _ => Err(Error::new(
                ErrorKind::InvalidConfig,
                "the key is a CryptoKey: HMAC with SHA-256 for “sign”, AES-GCM for “encrypt” and “decrypt”, or AES-KW for \
                 “wrapKey” and “unwrapKey”",
            )),
        }
    }

    fn of_provider(value: &JsValue) -> Result<Self> {
        if !value.is_object() || !has(value, "wrap") || !has(value, "unwrap") {
            return Err(Error::new(ErrorKind::InvalidConfig, "a key provider has the functions wrap and unwrap"));
        }
        let patience = Options::among(value, &["timeout"]).number("timeout")?.unwrap_or(PATIENCE);
        if patience.is_nan() || patience <= 0.0 {
            return Err(Error::new(ErrorKind::InvalidConfig, "“timeout” is a positive number of milliseconds"));
        }
        Ok(Self::Provider { provider: value.clone(), patience })
    }

    /// It as an unlocker of this store.
    ///
    /// # Errors
    ///
    /// What reading the store's passkeys fails with.
    pub(super) async fn of(self, store: &DataStore) -> Result<Given> {
        let itself: Option<Box<dyn Unlocker>> = match &self {
            Self::Passphrase(bytes) => Some(Box::new(store::passphrase(bytes))),
            Self::Passkey { options, signal } => {
                let methods = store.credentials().methods().await?;
                Some(Box::new(Passkeys::new(&methods, options.clone(), signal.clone())))
            }
            _ => None,
        };
        Ok(Given { means: self, store: store.clone(), itself })
    }
}

fn has(value: &JsValue, name: &str) -> bool {
    property(value, name).is_ok_and(|found| found.is_function())
}

/// An unlocker of one store.
pub(super) struct Given {
    means: Means,
    store: DataStore,
    /// A passphrase or passkeys, which are unlockers by themselves.
    itself: Option<Box<dyn Unlocker>>,
}

impl Given {
    async fn new_method(&self, id: KeyId, random: &mut Random<'_>) -> Result<Method> {
        ready()?;
        match &self.means {
            Means::Device => {
                let salt = new_salt(random)?;
                self.make_device_key(id, &salt).await?;
                Ok(Method::Key { keeper: Keeper::Device, salt })
            }
            Means::Authenticating(_) => Ok(Method::Key { keeper: Keeper::Application, salt: new_salt(random)? }),
            Means::Wrapping(wrapper, _) => {
                Ok(Method::Outside { wrapper: *wrapper, wrapped: self.wrapped(random).await? })
            }
            Means::Provider { .. } | Means::Passphrase(_) | Means::Passkey { .. } => {
                Ok(Method::Outside { wrapper: Wrapper::Provider, wrapped: self.wrapped(random).await? })
            }
        }
    }

    async fn secret_of(&self, id: KeyId, method: &Method) -> Result<Option<Secret>> {
        match (&self.means, method) {
            (Means::Device, Method::Key { keeper: Keeper::Device, salt }) => {
                let Some(key) = self.store.credentials().device_key(id).await? else { return Ok(None) };
                ready()?;
                if key_kind(key.as_js()).unwrap_or_default() != "h" {
                    return Err(lost());
                }
                authenticated(key.as_js(), salt).await.map(Some)
            }
            (Means::Authenticating(key), Method::Key { keeper: Keeper::Application, salt }) => {
                ready()?;
                authenticated(key, salt).await.map(Some)
            }
            (Means::Wrapping(ours, _), Method::Outside { wrapper, wrapped }) if ours == wrapper => {
                ready()?;
                self.unwrapped(wrapped).await.map(Some)
            }
            (Means::Provider { .. }, Method::Outside { wrapper: Wrapper::Provider, wrapped }) => {
                self.unwrapped(wrapped).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Makes the device's key, keeps it, reads it back, and sees that it is the same.
    async fn make_device_key(&self, id: KeyId, salt: &[u8]) -> Result<()> {
        let made = settled(device_key()).await.map_err(|thrown| refused(&thrown))?;
        let credentials = self.store.credentials();
        let kept =
            credentials.keep_device_key(id, Payload::from(made.clone())).await.map_err(|error| match error.kind() {
                ErrorKind::InvalidValue => not_kept().caused_by(&error),
                _ => error,
            })?;
        let same = match kept {
            Some(kept) if key_kind(kept.as_js()).unwrap_or_default() == "h" => {
                authenticated(kept.as_js(), salt).await.ok() == Some(authenticated(&made, salt).await?)
            }
            _ => false,
        };
        if same {
            return Ok(());
        }
        credentials.forget_device_key(id).await?;
        Err(not_kept())
    }

    /// A new secret, wrapped outside, once it came back from there.
    async fn wrapped(&self, random: &mut Random<'_>) -> Result<Vec<u8>> {
        let mut secret = Secret::default();
        random(secret.as_mut_slice())?;
        let handed = Uint8Array::from(secret.as_slice());
        let given = match &self.means {
            Means::Provider { provider, patience } => ask(provider, "wrap", &handed, *patience).await,
            Means::Wrapping(_, key) => settled(wrap(key, &handed)).await.map_err(|thrown| refused(&thrown)),
            _ => Ok(JsValue::UNDEFINED),
        };
        handed.fill(0, 0, handed.length());
        let wrapped = given?.dyn_into::<Uint8Array>().map_err(|_| no_bytes("wrap"))?.to_vec();
        if wrapped.is_empty() {
            return Err(no_bytes("wrap"));
        }
        if self.unwrapped(&wrapped).await? != secret {
            return Err(Error::new(
                ErrorKind::Corrupted,
                "what wraps the key gave other bytes back than it was given; nothing relies on it",
            ));
        }
        Ok(wrapped)
    }

    async fn unwrapped(&self, wrapped: &[u8]) -> Result<Secret> {
        let handed = Uint8Array::from(wrapped);
        let given = match &self.means {
            Means::Provider { provider, patience } => ask(provider, "unwrap", &handed, *patience).await?,
            Means::Wrapping(_, key) => settled(unwrap(key, &handed)).await.map_err(|thrown| {
                Error::new(ErrorKind::AuthenticationFailed, "this is not the key that the store was locked with")
                    .caused_by(said(&thrown))
            })?,
            _ => JsValue::UNDEFINED,
        };
        of_32_bytes(&given).ok_or_else(|| no_bytes("unwrap"))
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").field("means", &self.means).finish_non_exhaustive()
    }
}

impl Unlocker for Given {
    fn method<'a>(&'a self, id: KeyId, random: &'a mut Random<'a>) -> Answer<'a, Method> {
        match &self.itself {
            Some(unlocker) => unlocker.method(id, random),
            None => Box::pin(self.new_method(id, random)),
        }
    }

    fn secret<'a>(&'a self, id: KeyId, method: &'a Method) -> Answer<'a, Option<Secret>> {
        match &self.itself {
            Some(unlocker) => unlocker.secret(id, method),
            None => Box::pin(self.secret_of(id, method)),
        }
    }
}

/// Whether Web Crypto is there.
fn ready() -> Result<()> {
    if environment::secure() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InsecureContext,
        "there is no Web Crypto here, as on every page outside a secure context; serve the page over https or from \
         localhost",
    ))
}

async fn settled(started: core::result::Result<Promise, JsValue>) -> core::result::Result<JsValue, JsValue> {
    JsFuture::from(started?).await
}

async fn authenticated(key: &JsValue, salt: &[u8]) -> Result<Secret> {
    let given = settled(mac(key, &Uint8Array::from(salt))).await.map_err(|thrown| refused(&thrown))?;
    of_32_bytes(&given).ok_or_else(|| Error::new(ErrorKind::Unsupported, "Web Crypto gave a code of another length"))
}

/// Calls a provider; what it throws and when it hangs is told.
async fn ask(provider: &JsValue, method: &'static str, bytes: &Uint8Array, patience: f64) -> Result<JsValue> {
    let answer = within(patience, settled(provided(provider, method, bytes)))
        .await
        .ok_or_else(|| Error::new(ErrorKind::Timeout, "the key provider did not answer").with("function", method))?;
    answer.map_err(|thrown| {
        Error::new(ErrorKind::AccessDenied, "the key provider refused")
            .with("function", method)
            .caused_by(said(&thrown))
    })
}

/// The bytes, where they are 32; the array is overwritten.
fn of_32_bytes(given: &JsValue) -> Option<Secret> {
    let bytes = given.dyn_ref::<Uint8Array>()?;
    if bytes.length() != 32 {
        return None;
    }
    let mut secret = Secret::default();
    bytes.copy_to(secret.as_mut_slice());
    bytes.fill(0, 0, bytes.length());
    Some(secret)
}

fn no_bytes(method: &'static str) -> Error {
    Error::new(
        ErrorKind::InvalidValue,
        "the key provider gave something else than it has to: bytes from wrap, the same 32 bytes from unwrap",
    )
    .with("function", method)
}

fn refused(thrown: &JsValue) -> Error {
    Error::new(ErrorKind::Unsupported, "Web Crypto refused to use the key").caused_by(said(thrown))
}

fn not_kept() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "this browser does not keep a device key, as some private windows do not; nothing was sealed with it; use a \
         passphrase",
    )
}

fn lost() -> Error {
    Error::new(
        ErrorKind::KeyMissing,
        "the browser has lost the key of this device; unlock with another unlocker, and add the device anew",
    )
}
