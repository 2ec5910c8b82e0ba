//! Small files over the network.

use super::dom;
use gloo::net::http::Request;

/// Reads JSON; `None` where there is no file or it is not of this type.
pub async fn fetch_json<T: serde::de::DeserializeOwned>(address: &str) -> Option<T> {
    dom::parse_json(std::str::from_utf8(&fetch_bytes(address).await?).ok()?).ok()
}

/// Reads a text file; `None` where there is none.
pub async fn fetch_text(address: &str) -> Option<String> {
    String::from_utf8(fetch_bytes(address).await?).ok()
}

/// Reads a file that is no page; `None` where there is none.
pub async fn fetch_bytes(address: &str) -> Option<Vec<u8>> {
    let response = Request::get(address).send().await.ok().filter(|response| response.ok())?;
    // Hosts of apps with many addresses answer their page for whatever is not there.
    if response.headers().get("content-type").is_some_and(|media_type| media_type.starts_with("text/html")) {
        return None;
    }
    response.binary().await.ok()
}
