//! What not every browser has: looked up by name when it is used, so that what is missing is an error and no exception.

use js_sys::{Array, Function, Object, Reflect};
use leptos::prelude::window;
use wasm_bindgen::prelude::*;

/// A global class or function.
pub fn global(name: &str) -> Result<Function, JsValue> {
    Reflect::get(&window(), &name.into())?.dyn_into()
}

pub fn construct(class: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    Reflect::construct(&global(class)?, &arguments.iter().collect::<Array>())
}

pub fn call(object: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    let function: Function = Reflect::get(object, &method.into())?.dyn_into()?;
    function.apply(object, &arguments.iter().collect::<Array>())
}

/// The same, and waits for what the method promises.
pub async fn wait_for(object: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    let promise: js_sys::Promise = call(object, method, arguments)?.dyn_into()?;
    wasm_bindgen_futures::JsFuture::from(promise).await
}

/// A field of an object; undefined where it has none.
pub fn field(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or_default()
}

/// The text in a field; empty where there is none.
pub fn text(object: &JsValue, name: &str) -> String {
    field(object, name).as_string().unwrap_or_default()
}

pub fn number(object: &JsValue, name: &str) -> f64 {
    field(object, name).as_f64().unwrap_or_default()
}

pub fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // Of a new object every field can be set.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}
