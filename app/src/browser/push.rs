//! Notifications by the browser: its permission, its subscription, and the service worker that shows what is pushed.

use std::cell::Cell;
use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use js_sys::{Array, JSON, Object, Reflect, Uint8Array};
use leptos::prelude::*;
use protocol::{Method, WireError};
use serde_json::Value;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    MessageEvent, MessagePort, Notification, PushSubscription, PushSubscriptionOptionsInit, ServiceWorkerContainer,
    ServiceWorkerRegistration,
};

use super::connection::ask;
use super::device_key::describe;
use super::json::parse_json;
use super::page::{self, go_to, is_kept, keep};
use crate::desk::Desk;
use crate::language::spoken;
use crate::late::follow;
use crate::live::Live;
use crate::notifications::{Facts, Permission, SwitchProblem, knows, read_list};
use crate::reading;
use crate::writing::object;

/// The page that shows the cards.
const DEVICES: &str = "/devices";

/// How long a request has to be gone from the list before its notification goes, too.
const CERTAINTY: Duration = Duration::from_secs(1);

/// Where this browser keeps that it wants to be pushed to.
const WANTS_PUSH: &str = "openclaw.push";

thread_local! {
    static IS_ATTENDED: Cell<bool> = const { Cell::new(false) };
}

pub fn push_facts() -> Facts {
    let window = window();
    let has = |name: &str| Reflect::has(&window, &name.into()).unwrap_or_default();
    let user_agent = page::surroundings().user_agent;
    Facts {
        is_secure: window.is_secure_context(),
        can_push: container().is_some() && has("PushManager") && has("Notification"),
        is_apple_mobile: ["iPhone", "iPad"].iter().any(|name| user_agent.contains(name)),
    }
}

pub fn push_permission() -> Permission {
    let field = |object: &JsValue, name: &str| Reflect::get(object, &name.into()).ok();
    let notification = field(&window(), "Notification").filter(|found| !found.is_undefined());
    let permission = notification.and_then(|notification| field(&notification, "permission")?.as_string());
    Permission::parse(&permission.unwrap_or_default())
}

pub fn user_agent() -> String {
    page::surroundings().user_agent
}

pub fn wants_push() -> bool {
    is_kept(WANTS_PUSH)
}

/// Asks the person first, because browsers let only a click do that.
pub fn switch_push_on(then: impl FnOnce(Result<(), SwitchProblem>) + 'static) {
    let asked = Notification::request_permission();
    spawn_local(async move {
        let answer = match asked {
            Ok(promise) => JsFuture::from(promise).await,
            Err(error) => Err(error),
        };
        let permission = answer.map(|word| Permission::parse(&word.as_string().unwrap_or_default()));
        match permission {
            Ok(Permission::Granted) => subscribe_here(Box::new(then)),
            Ok(Permission::Denied) => then(Err(SwitchProblem::Denied)),
            Ok(Permission::Undecided) => then(Err(SwitchProblem::Unanswered)),
            Err(error) => then(Err(SwitchProblem::Browser(describe(&error)))),
        }
    });
}

type Then = Box<dyn FnOnce(Result<(), SwitchProblem>)>;

/// Subscribes to the gateway's key, and tells the gateway where.
fn subscribe_here(then: Then) {
    with_key(move |key| match key {
        Err(error) => then(Err(SwitchProblem::Gateway(error))),
        Ok(key) => spawn_local(async move {
            match subscription_to(&key).await {
                Err(error) => then(Err(SwitchProblem::Browser(describe(&error)))),
                Ok(subscription) => tell_gateway(&subscription, then),
            }
        }),
    });
}

fn with_key(then: impl FnOnce(Result<String, WireError>) + 'static) {
    ask(Method::PushKey, object([]), move |answer| {
        then(answer.map(|key| reading::text(&key, "publicKey").unwrap_or_default()));
    });
}

fn tell_gateway(subscription: &Value, then: Then) {
    let keys = subscription.get("keys").cloned().unwrap_or_default();
    let text = |value: &Value, key| Value::from(reading::text(value, key).unwrap_or_default());
    let params = object([
        ("endpoint", text(subscription, "endpoint")),
        ("p256dh", text(&keys, "p256dh")),
        ("auth", text(&keys, "auth")),
    ]);
    ask(Method::PushSubscribe, params, move |answer| match answer {
        Ok(_) => {
            keep(WANTS_PUSH, true);
            then(Ok(()));
        }
        Err(error) => then(Err(SwitchProblem::Gateway(error))),
    });
}

/// The browser's subscription to this key, made if need be, as JSON. One to another key is given up: pushes signed
/// with this one would never arrive there.
async fn subscription_to(key: &str) -> Result<Value, JsValue> {
    let container = container().ok_or_else(|| JsValue::from_str("this browser has no service workers"))?;
    let script = format!("/sw.js?lang={}", spoken().tag());
    JsFuture::from(container.register(&script)).await?;
    let registration: ServiceWorkerRegistration = JsFuture::from(container.ready()?).await?.unchecked_into();
    let pushes = registration.push_manager()?;
    let current = JsFuture::from(pushes.get_subscription()?).await?;
    if current.is_object() && subscribed_key(&current).is_some_and(|current| current != key) {
        JsFuture::from(current.unchecked_into::<PushSubscription>().unsubscribe()?).await?;
    }
    let options = Object::new();
    Reflect::set(&options, &"userVisibleOnly".into(), &JsValue::TRUE)?;
    Reflect::set(&options, &"applicationServerKey".into(), &key.into())?;
    let options: PushSubscriptionOptionsInit = options.unchecked_into();
    let made = JsFuture::from(pushes.subscribe_with_options(&options)?).await?;
    let text = JSON::stringify(&made)?.as_string().unwrap_or_default();
    parse_json(&text).ok_or_else(|| JsValue::from_str("the subscription cannot be read"))
}

fn subscribed_key(subscription: &JsValue) -> Option<String> {
    let options = Reflect::get(subscription, &"options".into()).ok().filter(JsValue::is_object)?;
    let key = Reflect::get(&options, &"applicationServerKey".into()).ok().filter(JsValue::is_object)?;
    Some(URL_SAFE_NO_PAD.encode(Uint8Array::new(&key).to_vec()))
}

/// The browser's own subscription, if it has one and the person still allows it.
async fn current_subscription() -> Option<PushSubscription> {
    if push_permission() != Permission::Granted {
        return None;
    }
    let registration = registration().await?;
    let pushes = registration.push_manager().ok()?;
    let current = JsFuture::from(pushes.get_subscription().ok()?).await.ok()?;
    current.is_object().then(|| current.unchecked_into())
}

/// Where this browser is pushed to; `then` learns `None` if nowhere.
pub fn push_endpoint(then: impl FnOnce(Option<String>) + 'static) {
    spawn_local(async move { then(current_subscription().await.map(|subscription| subscription.endpoint())) });
}

/// Ends the subscription here and at the gateway.
pub fn switch_push_off(then: impl FnOnce(Result<(), SwitchProblem>) + 'static) {
    keep(WANTS_PUSH, false);
    spawn_local(async move {
        let Some(subscription) = current_subscription().await else { return then(Ok(())) };
        let endpoint = subscription.endpoint();
        if let Ok(ending) = subscription.unsubscribe() {
            // Whether it was there does not matter: the gateway sends nothing more.
            let _ = JsFuture::from(ending).await;
        }
        ask(Method::PushUnsubscribe, object([("endpoint", endpoint.into())]), move |answer| {
            then(answer.map(drop).map_err(SwitchProblem::Gateway));
        });
    });
}

/// Does what notifications want of an open page: shows the card that one was clicked for, takes those away whose
/// request waits no longer, and keeps the gateway informed of where to push to. Once is enough.
pub fn attend_pushes(live: Live) {
    let Some(container) = container() else { return };
    if IS_ATTENDED.replace(true) {
        return;
    }
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let field = |name: &str| Reflect::get(&event.data(), &name.into()).ok().and_then(|value| value.as_string());
        if field("kind").as_deref() == Some("show") {
            if let Ok(port) = event.ports().get(0).dyn_into::<MessagePort>() {
                let _ = port.post_message(&JsValue::TRUE);
            }
            go_to(DEVICES);
            live.called.set(field("requestId"));
        }
    });
    container.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // As long as the page.
    on_message.forget();
    // What is shown may be newer than what this page has heard of, so only what it has seen waiting is over.
    let mut seen: Vec<String> = Vec::new();
    follow(move || {
        let waiting = live.desk.with(Desk::pending_ids);
        let over: Vec<String> = seen.iter().filter(|id| !waiting.contains(id)).cloned().collect();
        seen = waiting;
        if !over.is_empty() {
            set_timeout(move || close_later(live, over), CERTAINTY);
        }
    });
    renew_push(|| {});
}

/// A list that was on its way when somebody asked may leave that request out, for a moment.
fn close_later(live: Live, over: Vec<String>) {
    let waiting = live.desk.with_untracked(Desk::pending_ids);
    let over: Vec<String> = over.into_iter().filter(|id| !waiting.contains(id)).collect();
    spawn_local(async move { drop(close(&over, waiting.is_empty()).await) });
}

/// Takes the notifications of these requests away, and where nobody waits any more that of a crowd.
async fn close(over: &[String], is_quiet: bool) -> Result<(), JsValue> {
    let Some(registration) = registration().await else { return Ok(()) };
    let shown: Array = JsFuture::from(registration.get_notifications()?).await?.unchecked_into();
    for notification in shown.iter() {
        let notification: Notification = notification.unchecked_into();
        let request_id = Reflect::get(&notification.data(), &"requestId".into()).ok().and_then(|id| id.as_string());
        let is_over = match request_id {
            Some(request_id) => over.contains(&request_id),
            None => notification.tag().as_deref() == Some("crowd") && is_quiet,
        };
        if is_over {
            notification.close();
        }
    }
    Ok(())
}

/// A subscription ends without a word: by the browser, by a new key of the gateway's, with the device's pairing. What
/// was wanted and is still allowed is made anew.
pub fn renew_push(then: impl FnOnce() + 'static) {
    if push_permission() != Permission::Granted {
        return;
    }
    with_key(move |key| {
        let Ok(key) = key else { return };
        spawn_local(async move {
            let Ok(subscription) = subscription_to(&key).await else { return };
            ask(Method::PushList, object([]), move |answer| {
                let endpoint = reading::text(&subscription, "endpoint").unwrap_or_default();
                if answer.is_ok_and(|list| !knows(&read_list(&list), &endpoint)) {
                    tell_gateway(&subscription, Box::new(|_| then()));
                }
            });
        });
    });
}

async fn registration() -> Option<ServiceWorkerRegistration> {
    let found = JsFuture::from(container()?.get_registration()).await.ok()?;
    found.is_object().then(|| found.unchecked_into())
}

/// `None` where there are no service workers: in private windows, or without a secure address.
fn container() -> Option<ServiceWorkerContainer> {
    let container = Reflect::get(&window().navigator(), &"serviceWorker".into()).ok()?;
    container.is_object().then(|| container.unchecked_into())
}
