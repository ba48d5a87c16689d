//! Reads JSON with the browser's own parser: that of `serde_json` would be a twentieth of the first load.

use js_sys::{Array, JSON, Object};
use serde_json::{Map, Number, Value};
use wasm_bindgen::{JsCast, JsValue};

/// As deep as `serde_json` goes.
const MAX_DEPTH: usize = 128;
/// Up to here a JavaScript number is exact.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

pub fn parse_json(text: &str) -> Option<Value> {
    value(&JSON::parse(text).ok()?, MAX_DEPTH)
}

/// What `JSON.parse` made; anything else has no value.
fn value(found: &JsValue, depth: usize) -> Option<Value> {
    let inner = depth.checked_sub(1)?;
    if found.is_null() {
        return Some(Value::Null);
    }
    if let Some(text) = found.as_string() {
        return Some(Value::String(text));
    }
    if let Some(flag) = found.as_bool() {
        return Some(Value::Bool(flag));
    }
    if let Some(number) = found.as_f64() {
        return Some(Value::Number(whole(number).or_else(|| Number::from_f64(number))?));
    }
    if let Some(list) = found.dyn_ref::<Array>() {
        return list.iter().map(|item| value(&item, inner)).collect::<Option<_>>().map(Value::Array);
    }
    let mut map = Map::new();
    for entry in Object::entries(found.dyn_ref()?) {
        let entry: Array = entry.unchecked_into();
        map.insert(entry.get(0).as_string()?, value(&entry.get(1), inner)?);
    }
    Some(Value::Object(map))
}

fn whole(number: f64) -> Option<Number> {
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 53 bits")]
    let whole = (number.fract() == 0.0 && number.abs() <= MAX_EXACT).then_some(number as i64)?;
    Some(u64::try_from(whole).map_or_else(|_| whole.into(), Number::from))
}
