//! Files for a worker: from a server or the visitor's disk (`source`), as streams (`fetch`), by way of what the browser keeps
//! (`store`); `refused` finds out why a request came to nothing, `within` waits with a limit.

pub mod fetch;
pub mod refused;
pub mod source;
pub mod store;
pub mod within;
