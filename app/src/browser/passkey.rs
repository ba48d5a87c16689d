//! Passkeys in the browser (Web Authentication). What the gateway sends is JSON with base64url in it; the browser wants
//! buffers. Its own conversions (`parseRequestOptionsFromJSON`, `toJSON`) came with Chrome 129, Firefox 119 and
//! Safari 18.4; these few lines work in every browser that has passkeys.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use js_sys::{Array, Function, JSON, Promise, Reflect, Uint8Array};
use leptos::prelude::window;
use serde_json::{Value, json};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::outside::PasskeyProblem;
use crate::reading;
use crate::writing::object;

/// Asks the person for a passkey that answers this offer of `stepUp.begin`.
pub fn get_passkey(offer: &Value, then: impl FnOnce(Result<Value, PasskeyProblem>) + 'static) {
    let options = json!({"publicKey": {
        "challenge": offer["challenge"],
        "rpId": offer["host"],
        "timeout": offer["timeoutMs"],
        "userVerification": "required",
        "allowCredentials": credentials(&offer["known"]),
    }});
    spawn_local(async move { then(shown(&options).await.map_err(|error| problem(&error))) });
}

async fn shown(options: &Value) -> Result<Value, JsValue> {
    let found = call("get", options).await?;
    let response = Reflect::get(&found, &"response".into())?;
    Ok(object([
        ("id", field(&found, "rawId")?),
        ("clientData", field(&response, "clientDataJSON")?),
        ("authenticatorData", field(&response, "authenticatorData")?),
        ("signature", field(&response, "signature")?),
    ]))
}

/// Has a passkey made for this offer of `passkey.begin`. `name` is what the browser and the gateway call it.
pub fn create_passkey(offer: &Value, name: &str, then: impl FnOnce(Result<Value, PasskeyProblem>) + 'static) {
    let algorithms = offer["algorithms"].as_array().into_iter().flatten();
    let algorithms: Vec<Value> = algorithms.map(|alg| json!({"type": "public-key", "alg": alg})).collect();
    let options = json!({"publicKey": {
        "challenge": offer["challenge"],
        "rp": {"id": offer["host"], "name": "OpenClaw"},
        "user": {"id": offer["userId"], "name": "owner", "displayName": "OpenClaw"},
        "pubKeyCredParams": algorithms,
        "timeout": offer["timeoutMs"],
        "attestation": "none",
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "required"},
        "excludeCredentials": credentials(&offer["known"]),
    }});
    let name = name.to_owned();
    spawn_local(async move { then(made(&options, &name).await.map_err(|error| problem(&error))) });
}

async fn made(options: &Value, name: &str) -> Result<Value, JsValue> {
    let found = call("create", options).await?;
    let response = Reflect::get(&found, &"response".into())?;
    Ok(object([
        ("name", name.into()),
        ("clientData", field(&response, "clientDataJSON")?),
        ("attestation", field(&response, "attestationObject")?),
        ("transports", transports(&response).unwrap_or_default().into()),
    ]))
}

/// How the authenticator is reached; older browsers do not say.
fn transports(response: &JsValue) -> Option<Vec<String>> {
    let method: Function = Reflect::get(response, &"getTransports".into()).ok()?.dyn_into().ok()?;
    let list: Array = method.call0(response).ok()?.dyn_into().ok()?;
    Some(list.iter().filter_map(|word| word.as_string()).collect())
}

fn credentials(known: &Value) -> Value {
    let one = |known: &Value| {
        let transports = reading::texts(known, "transports");
        let transports = if transports.is_empty() { Value::Null } else { transports.into() };
        object([("type", "public-key".into()), ("id", known["id"].clone()), ("transports", transports)])
    };
    known.as_array().into_iter().flatten().map(one).collect::<Vec<_>>().into()
}

/// Calls a method of `navigator.credentials`.
async fn call(method: &str, options: &Value) -> Result<JsValue, JsValue> {
    let options = JSON::parse(&options.to_string())?;
    let public_key = Reflect::get(&options, &"publicKey".into())?;
    unpack(&public_key, "challenge")?;
    let user = Reflect::get(&public_key, &"user".into())?;
    if user.is_object() {
        unpack(&user, "id")?;
    }
    for list in ["allowCredentials", "excludeCredentials"] {
        if let Ok(list) = Reflect::get(&public_key, &list.into())?.dyn_into::<Array>() {
            for one in list.iter() {
                unpack(&one, "id")?;
            }
        }
    }
    let container = Reflect::get(&window().navigator(), &"credentials".into())?;
    let method: Function = Reflect::get(&container, &method.into())?.dyn_into()?;
    let promise: Promise = method.call1(&container, &options)?.dyn_into()?;
    JsFuture::from(promise).await
}

/// Puts bytes where base64url stands.
fn unpack(holder: &JsValue, key: &str) -> Result<(), JsValue> {
    let text = Reflect::get(holder, &key.into())?.as_string().unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    Reflect::set(holder, &key.into(), &Uint8Array::from(bytes.as_slice())).map(drop)
}

fn field(holder: &JsValue, key: &str) -> Result<Value, JsValue> {
    let bytes = Uint8Array::new(&Reflect::get(holder, &key.into())?).to_vec();
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}

fn problem(error: &JsValue) -> PasskeyProblem {
    let name = Reflect::get(error, &"name".into()).ok().and_then(|name| name.as_string());
    match name.as_deref() {
        Some("SecurityError" | "TypeError") => PasskeyProblem::Unfit,
        Some("InvalidStateError") => PasskeyProblem::Known,
        Some(_) | None => PasskeyProblem::NotShown,
    }
}
