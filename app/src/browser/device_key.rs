//! The key that is this browser's identity: Ed25519 in `WebCrypto`, not extractable, kept in `IndexedDB`.
//!
//! Invariant: all tabs of a browser profile have the same key. Whoever stores first wins; the others take what is
//! there.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use leptos::prelude::window;
use protocol::PublicKey;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, DomException, Event, IdbDatabase, IdbRequest, IdbTransactionMode, SubtleCrypto};

use crate::session::KeyProblem;

const ALGORITHM: &str = "Ed25519";
const DATABASE: &str = "openclaw";
const STORE: &str = "keys";
const DEVICE: &str = "device";

/// This browser's key. The private half never leaves `WebCrypto`.
#[derive(Clone)]
pub(super) struct DeviceKey {
    subtle: SubtleCrypto,
    private: CryptoKey,
    pub(super) public: PublicKey,
}

impl DeviceKey {
    /// Reads the key, or makes one and keeps it.
    pub(super) async fn open() -> Result<Self, KeyProblem> {
        let window = window();
        // Outside a secure context `crypto.subtle` is undefined, which its binding's type does not say.
        let subtle = window.crypto().map(|crypto| crypto.subtle()).ok().filter(|subtle| subtle.is_object());
        let Some(subtle) = subtle.filter(|_| window.is_secure_context()) else {
            return Err(KeyProblem::InsecureContext);
        };
        Self::read_or_make(subtle).await.map_err(|error| KeyProblem::Unsupported(describe(&error)))
    }

    async fn read_or_make(subtle: SubtleCrypto) -> Result<Self, JsValue> {
        let database = open_database().await?;
        let pair = match read(&database).await? {
            Some(pair) => pair,
            None => make(&subtle, &database).await?,
        };
        database.close();
        let half = |name: &str| Reflect::get(&pair, &name.into())?.dyn_into::<CryptoKey>();
        let exported = JsFuture::from(subtle.export_key("raw", &half("publicKey")?)?).await?;
        let bytes: [u8; 32] = Uint8Array::new(&exported)
            .to_vec()
            .try_into()
            .map_err(|_| JsValue::from_str("the public key is not 32 bytes long"))?;
        Ok(Self { private: half("privateKey")?, public: PublicKey::from_bytes(bytes), subtle })
    }

    /// Signs a text; base64url, as the wire wants it.
    pub(super) async fn sign(&self, text: &str) -> Result<String, KeyProblem> {
        let signing = async {
            let promise = self.subtle.sign_with_str_and_u8_array(ALGORITHM, &self.private, text.as_bytes())?;
            JsFuture::from(promise).await
        };
        let signature = signing.await.map_err(|error| KeyProblem::Unsupported(describe(&error)))?;
        Ok(URL_SAFE_NO_PAD.encode(Uint8Array::new(&signature).to_vec()))
    }
}

async fn open_database() -> Result<IdbDatabase, JsValue> {
    let factory = window().indexed_db()?.ok_or("this browser has no IndexedDB here")?;
    let request = factory.open_with_u32(DATABASE, 1)?;
    let opening = request.clone();
    let upgrade = Closure::once_into_js(move || {
        let database: Option<IdbDatabase> = opening.result().ok().and_then(|result| result.dyn_into().ok());
        if let Some(database) = database {
            let _ = database.create_object_store(STORE);
        }
    });
    request.set_onupgradeneeded(Some(upgrade.unchecked_ref()));
    finished(&request).await?.dyn_into()
}

async fn read(database: &IdbDatabase) -> Result<Option<JsValue>, JsValue> {
    let store = database.transaction_with_str(STORE)?.object_store(STORE)?;
    let found = finished(&store.get(&DEVICE.into())?).await?;
    Ok(Some(found).filter(JsValue::is_object))
}

/// Makes a key and stores it, unless another tab was quicker: `add` then fails, and we take that tab's.
async fn make(subtle: &SubtleCrypto, database: &IdbDatabase) -> Result<JsValue, JsValue> {
    let usages = Array::of2(&"sign".into(), &"verify".into());
    let pair = JsFuture::from(subtle.generate_key_with_str(ALGORITHM, false, &usages)?).await?;
    let transaction = database.transaction_with_str_and_mode(STORE, IdbTransactionMode::Readwrite)?;
    let adding = transaction.object_store(STORE)?.add_with_key(&pair, &DEVICE.into())?;
    match finished(&adding).await {
        Ok(_) => Ok(pair),
        Err(error) => read(database).await?.ok_or(error),
    }
}

/// Waits for an `IndexedDB` request.
async fn finished(request: &IdbRequest) -> Result<JsValue, JsValue> {
    let promise = Promise::new(&mut |resolve: Function, reject: Function| {
        let settled = request.clone();
        let on_success = Closure::once_into_js(move || {
            let _ = resolve.call1(&JsValue::NULL, &settled.result().unwrap_or_default());
        });
        request.set_onsuccess(Some(on_success.unchecked_ref()));
        let failed = request.clone();
        let on_error = Closure::once_into_js(move |event: Event| {
            // The failed request must not take its transaction, and with it the page's console, along.
            event.prevent_default();
            event.stop_propagation();
            let error = failed.error().ok().flatten().map_or(JsValue::NULL, JsValue::from);
            let _ = reject.call1(&JsValue::NULL, &error);
        });
        request.set_onerror(Some(on_error.unchecked_ref()));
    });
    JsFuture::from(promise).await
}

pub(super) fn describe(error: &JsValue) -> String {
    let message = |error: &js_sys::Error| format!("{}: {}", String::from(error.name()), String::from(error.message()));
    match error.dyn_ref::<DomException>() {
        Some(exception) => format!("{}: {}", exception.name(), exception.message()),
        None => error.dyn_ref().map(message).or_else(|| error.as_string()).unwrap_or_default(),
    }
}
